import assert from 'node:assert/strict'
import { createServer, request as httpRequest } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { after, before, test } from 'node:test'
import { once } from '@weft/testkit/once'
import { everythingTo, httpListener, type ProxyUnderTest, startProxy, staticCluster } from './proxy-under-test.ts'
import { converse } from './raw-http.ts'

const backend = createServer((request, response) => {
  const url = request.url ?? ''
  if (url === '/chunked') {
    response.write('one')
    response.write('two')
    response.end('three')
  } else if (url === '/empty') {
    response.writeHead(204).end()
  } else if (url === '/not-modified') {
    response.writeHead(304, { 'content-length': '5', etag: '"x"' }).end()
  } else if (url === '/headers') {
    response.end(JSON.stringify(request.headers))
  } else if (url === '/echo') {
    response.writeHead(200, { 'content-type': 'application/octet-stream' })
    request.pipe(response)
  } else {
    const body = `hello ${url}`
    const answer = (): void => void response.writeHead(200, { 'content-length': String(body.length) }).end(body)
    const { 'x-wait-ms': waitMs } = request.headers
    if (waitMs === undefined) answer()
    else setTimeout(answer, Number(waitMs))
  }
})
let proxy: ProxyUnderTest

before(async () => {
  backend.listen(0, '127.0.0.1')
  await once(backend, 'listening')
  proxy = await startProxy({
    listeners: [httpListener('in', everythingTo('b'))],
    clusters: [staticCluster('b', [(backend.address() as AddressInfo).port])],
  })
})

after(async () => {
  await proxy.close()
  backend.closeAllConnections()
  backend.close()
})

const port = (): number => proxy.portOf('in')
const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: shop\r\n${more}\r\n`

test('a request is answered and the connection serves the next one', async () => {
  const text = await converse(port(), [get('/a'), get('/b')], (seen) => seen.includes('hello /b'))
  assert.equal(text.split('HTTP/1.1 200').length, 3)
  assert.match(text, /x-envoy-upstream-service-time: \d+/)
  assert.match(text, /server: envoy/)
  assert.doesNotMatch(text, /keep-alive/i)
})

test('pipelined requests are answered in order', async () => {
  const all = Array.from({ length: 20 }, (_, at) => get(`/${at}`)).join('')
  const text = await converse(port(), [all], (seen) => seen.includes('hello /19'))
  const order = [...text.matchAll(/hello \/(\d+)/g)].map((match) => Number(match[1]))
  assert.deepEqual(
    order,
    Array.from({ length: 20 }, (_, at) => at),
  )
})

test('a chunked answer stays chunked, and HTTP/1.0 is told to upgrade', async () => {
  const text = await converse(port(), [get('/chunked')], (seen) => seen.endsWith('0\r\n\r\n'))
  assert.match(text, /transfer-encoding: chunked\r\n/)
  assert.match(text, /three\r\n0\r\n\r\n$/)
  assert.match(await converse(port(), ['GET / HTTP/1.0\r\nHost: shop\r\n\r\n']), /^HTTP\/1.1 426 /)
})

test('HEAD, 204 and 304 have no body, whatever their length says', async () => {
  const requests = `HEAD /a HTTP/1.1\r\nHost: s\r\n\r\n${get('/empty')}${get('/not-modified')}${get('/last')}`
  const text = await converse(port(), [requests], (seen) => seen.includes('hello /last'))
  const heads = text.split(/(?=HTTP\/1\.1 )/)
  assert.deepEqual(
    heads.map((head) => head.slice(9, 12)),
    ['200', '204', '304', '200'],
  )
  assert.match(heads[0] ?? '', /content-length: 8\r\n/i)
  assert.match(heads[2] ?? '', /content-length: 5\r\n/i)
  assert.doesNotMatch(text, /hello \/a/)
})

test('Expect: 100-continue is answered before the body is read', async () => {
  const head = 'POST /echo HTTP/1.1\r\nHost: s\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n'
  const text = await converse(port(), [head, 'body'], (seen) => seen.endsWith('0\r\n\r\n'))
  assert.match(text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/)
  assert.match(text, /\r\nbody\r\n0\r\n\r\n$/)
})

test('a chunked request arrives whole, without extensions and trailers', async () => {
  const body = '3;ext=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-Trailer: 1\r\n\r\n'
  const head = 'POST /echo HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n'
  const text = await converse(port(), [head + body], (seen) => seen.endsWith('0\r\n\r\n'))
  assert.equal(dechunk(text), 'abc0123456789')
})

test('hop-by-hop headers end here; forwarding headers are added', async () => {
  const more =
    'Connection: close-not, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: gzip\r\nX-Forwarded-For: 10.9.8.7\r\n'
  const text = await converse(
    port(),
    [get('/headers', more)],
    (seen) => seen.endsWith('0\r\n\r\n') || seen.includes('}'),
  )
  const headers = JSON.parse(text.slice(text.indexOf('{'), text.indexOf('}') + 1)) as Record<string, string>
  for (const name of ['x-hop', 'keep-alive', 'proxy-connection', 'te', 'connection']) {
    assert.ok(name === 'connection' || headers[name] === undefined, name)
  }
  assert.equal(headers['x-forwarded-proto'], 'http')
  assert.equal(headers['x-forwarded-for'], '10.9.8.7')
  assert.match(headers['x-request-id'] ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.equal(headers['x-envoy-expected-rq-timeout-ms'], '15000')
  assert.equal(headers['host'], 'shop')
})

test('an absolute-form target names the host', async () => {
  const text = await converse(
    port(),
    ['GET http://other.example/headers?x=1 HTTP/1.1\r\nHost: shop\r\n\r\n'],
    (seen) => seen.includes('}') || seen.includes('hello'),
  )
  assert.match(text, /hello \/headers\?x=1/)
})

test('a client that asks to close gets its answer, then the end', async () => {
  const text = await converse(port(), [get('/a', 'Connection: close\r\n')])
  assert.match(text, /connection: close\r\n/)
  assert.match(text, /hello \/a$/)
})

test('a client that half-closes after its request still gets the answer', async () => {
  const request = httpRequest({ port: port(), host: '127.0.0.1', path: '/half', agent: false })
  request.on('socket', (socket) => socket.once('connect', () => setImmediate(() => socket.end())))
  request.end()
  const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage]
  assert.equal(response.statusCode, 200)
})

test('a client that half-closes behind several requests gets all answers; behind half of one, those before it', async () => {
  const slow = (path: string): string => get(path, 'x-wait-ms: 100\r\n')
  const ask = async (text: string): Promise<string> => {
    const socket = connect(port(), '127.0.0.1')
    let answers = ''
    socket.on('data', (chunk: Buffer) => (answers += chunk.toString('latin1')))
    // A request that breaks off inside its body is answered by a reset.
    socket.on('error', () => {})
    socket.setTimeout(30_000, () => socket.destroy())
    socket.end(text)
    await new Promise((resolve) => socket.once('close', resolve))
    return answers
  }
  const three = await ask(slow('/1') + slow('/2') + slow('/3'))
  assert.deepEqual(three.match(/hello \/\d/g), ['hello /1', 'hello /2', 'hello /3'])
  assert.equal(three.match(/connection: close/g)?.length, 1, 'the last one says so')
  assert.ok(three.lastIndexOf('connection: close') > three.indexOf('hello /2'))
  const halves = [slow('/2').slice(0, 20), 'POST /2 HTTP/1.1\r\nHost: s\r\nContent-Length: 5\r\n\r\nab']
  for (const half of halves) assert.deepEqual((await ask(slow('/1') + half)).match(/hello \/\d/g), ['hello /1'], half)
})

test('the outcome does not depend on how the bytes are cut', async () => {
  const message =
    'POST /echo HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n2;q="x"\r\nde\r\n0\r\nT: 1\r\n\r\n'
  const results = await Promise.all(
    Array.from({ length: message.length - 1 }, (_, at) =>
      converse(port(), [message.slice(0, at + 1), message.slice(at + 1)]),
    ),
  )
  for (const [at, text] of results.entries()) {
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n/, `cut behind byte ${at}`)
    assert.equal(dechunk(text), 'abcde', `cut behind byte ${at}`)
  }
  const bytewise = await converse(port(), [...message])
  assert.equal(dechunk(bytewise), 'abcde')
})

function dechunk(text: string): string {
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
