import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test, type TestContext } from 'node:test'
import {
  everythingTo,
  grpcWeb,
  httpListener,
  httpOptions,
  type ProxyUnderTest,
  router,
  startProxy,
  staticCluster,
} from './proxy-under-test.ts'
import { converse, type RawBackend, rawBackend } from './raw-http.ts'

const message = '\0\0\0\0\x03abc'
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`
const trailerText = 'grpc-status:0\r\ngrpc-message:fine\r\n'
const trailerFrame = `\x80\0\0\0${String.fromCharCode(trailerText.length)}${trailerText}`
const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64')

async function start(t: TestContext, answer: string): Promise<{ proxy: ProxyUnderTest; backend: RawBackend }> {
  const backend = await rawBackend((socket, text) => {
    if (text.endsWith('\r\n0\r\n\r\n')) socket.write(answer)
  })
  const proxy = await startProxy({
    listeners: [httpListener('in', everythingTo('b'), { httpFilters: [grpcWeb, router] })],
    clusters: [
      staticCluster(
        'b',
        [backend.port],
        httpOptions({ explicitHttpConfig: { httpProtocolOptions: { enableTrailers: true } } }),
      ),
    ],
  })
  t.after(async () => {
    await proxy.close()
    await backend.close()
  })
  return { proxy, backend }
}

const answer = `HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(message)}0\r\ngrpc-status: 0\r\ngrpc-message: fine\r\n\r\n`
const ask = (type: string, body: string, more = ''): string =>
  `POST /s/m HTTP/1.1\r\nHost: s\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`

const bodyOf = (text: string): string => {
  let rest = text.slice(text.indexOf('\r\n\r\n') + 4)
  let body = ''
  for (;;) {
    const end = rest.indexOf('\r\n')
    const size = Number.parseInt(rest.slice(0, end), 16)
    if (!(size > 0)) return body
    body += rest.slice(end + 2, end + 2 + size)
    rest = rest.slice(end + 4 + size)
  }
}
const ended = (seen: string): boolean => seen.endsWith('\r\n0\r\n\r\n')

test('binary gRPC-Web becomes gRPC, and its trailers the last frame of the body', async (t) => {
  const { proxy, backend } = await start(t, answer)
  const text = await converse(proxy.portOf('in'), [ask('application/grpc-web+proto', message)], ended)
  assert.match(text, /content-type: application\/grpc-web\+proto\r\n/)
  assert.equal(bodyOf(text), message + trailerFrame)
  const received = backend.received[0] ?? ''
  assert.match(received, /content-type: application\/grpc\r\n/)
  assert.match(received, /\r\nte: trailers\r\n/)
  assert.doesNotMatch(received, /content-length/i)
  assert.ok(received.endsWith(`\r\n\r\n${chunk(message)}0\r\n\r\n`))
  assert.equal(proxy.exchanges[0]?.grpcStatus, '0')
})

test('text gRPC-Web is base64 both ways, padded where a message ends and cut anywhere', async (t) => {
  const { proxy, backend } = await start(t, answer)
  const body = base64(message) + base64(message)
  const request = ask('application/grpc-web-text', body, 'Accept: application/grpc-web-text\r\n')
  const at = request.length - body.length
  for (const cut of [1, 2, 3, 11, 12, 13, 20]) {
    const pieces = [request.slice(0, at + cut), request.slice(at + cut)]
    const text = await converse(proxy.portOf('in'), pieces, ended)
    assert.match(text, /content-type: application\/grpc-web-text\+proto\r\n/)
    assert.equal(bodyOf(text), base64(message) + base64(trailerFrame))
  }
  const sent = backend.received
    .join('')
    .split('0\r\n\r\n')
    .slice(0, -1)
    .map((one) => bodyOf(`${one}0\r\n`))
  assert.deepEqual(new Set(sent), new Set([message + message]))
})

test('what is no base64 is refused, also when only its end is missing', async (t) => {
  const { proxy } = await start(t, answer)
  for (const body of ['AA*A', 'AAAAAA', '=AAA']) {
    const text = await converse(
      proxy.portOf('in'),
      [ask('application/grpc-web-text', body)],
      (seen) => seen.includes('invalid%20base64') || seen.includes('invalid base64'),
    )
    assert.match(text, /^HTTP\/1\.1 (?:400|200) /, body)
    assert.match(text, /invalid base64/)
  }
})

test('an error of our own reaches a gRPC-Web client in its content type', async (t) => {
  const { proxy, backend } = await start(t, answer)
  backend.server.close()
  const dead = await startProxy({
    listeners: [httpListener('in', everythingTo('none'), { httpFilters: [grpcWeb, router] })],
  })
  t.after(() => dead.close())
  const text = await converse(dead.portOf('in'), [ask('application/grpc-web', message)], (seen) =>
    seen.endsWith('\r\n\r\n'),
  )
  assert.match(text, /^HTTP\/1\.1 200 OK\r\ncontent-type: application\/grpc-web\+proto\r\n|grpc-status: 14\r\n/)
  assert.match(text, /grpc-status: 14\r\n/)
  assert.match(text, /content-type: application\/grpc-web\+proto\r\n/)
  assert.equal(proxy.exchanges.length, 0)
})

test('other requests pass by the filter', async (t) => {
  const { proxy } = await start(t, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/x\r\n\r\nok')
  const request =
    'POST / HTTP/1.1\r\nHost: s\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n'
  const text = await converse(proxy.portOf('in'), [request], (seen) => seen.endsWith('ok'))
  assert.match(text, /content-length: 2\r\n/i)
  assert.match(text, /content-type: text\/x\r\n/i)
})
