import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { once } from '@weft/testkit/once'
import { ask, explicitHttp2, h2Backend, h2Client } from './http2-ends.ts'
import {
  everythingTo,
  grpcWeb,
  httpListener,
  httpOptions,
  type JsonConfig,
  proxyFor,
  router,
  staticCluster,
} from './proxy-under-test.ts'
import { until } from './test-runtime.ts'

const message = Buffer.from('\0\0\0\0\x02hi', 'latin1')
const call = { ':method': 'POST', ':path': '/s/m', 'content-type': 'application/grpc', te: 'trailers' }

const toBackend = (port: number, action = {}, listener = {}): JsonConfig => ({
  listeners: [httpListener('in', everythingTo('b', action), listener)],
  clusters: [staticCluster('b', [port], httpOptions(explicitHttp2))],
})

const status = (code: number): Record<string, string> => ({
  ':status': '200',
  'content-type': 'application/grpc',
  'grpc-status': String(code),
})

test('a call passes with its metadata and trailers, and the log has its grpc-status', async (t) => {
  const backend = await h2Backend(t, (stream, headers) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '5', 'x-got': headers['x-meta'] }))
    stream.pipe(stream)
  })
  const proxy = await proxyFor(t, toBackend(backend.port))
  const answer = await ask(h2Client(t, proxy.portOf('in')), { ...call, 'x-meta': 'one' }, message)
  assert.deepEqual(
    [answer.status, answer.body, answer.trailers['grpc-status'], answer.trailers['x-got']],
    [200, message.toString('latin1'), '5', 'one'],
  )
  assert.equal(backend.requests[0]?.['te'], 'trailers')
  assert.equal(proxy.exchanges[0]?.grpcStatus, '5')
})

test('messages cross both ways while the call goes on', async (t) => {
  const backend = await h2Backend(t, (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' })
    stream.pipe(stream)
  })
  const proxy = await proxyFor(t, toBackend(backend.port))
  const stream = h2Client(t, proxy.portOf('in')).request(call)
  let seen = 0
  stream.on('data', (chunk: Buffer) => void (seen += chunk.length))
  for (let round = 1; round <= 5; round++) {
    stream.write(message)
    await until(() => seen === round * message.length, `echo ${round}`)
  }
  stream.close()
})

test('messages are counted both ways: of a call that streams while it lasts, of others at their end', async (t) => {
  const backend = await h2Backend(t, (stream, headers) => {
    const grpc = headers[':path'] !== '/page'
    stream.respond({ ':status': 200, 'content-type': grpc ? 'application/grpc' : 'text/html' })
    stream.pipe(stream)
  })
  const proxy = await proxyFor(t, toBackend(backend.port))
  const client = h2Client(t, proxy.portOf('in'))
  const stream = client.request(call)
  const ended = once(stream, 'end')
  stream.resume()
  // Cut within a prefix and within a message.
  for (const part of [message.subarray(0, 3), Buffer.concat([message.subarray(3), message, message.subarray(0, 6)])]) {
    stream.write(part)
  }
  await until(() => sum(proxy.messages).join() === '3,3', 'a report while the call lasts')
  assert.equal(proxy.exchanges.length, 0)
  stream.end(message.subarray(6))
  await ended
  await until(() => proxy.exchanges.length === 1, 'the end of the call')
  assert.deepEqual(sum(proxy.messages), [3, 3])
  const before = proxy.messages.length
  await ask(client, call, message)
  assert.deepEqual(proxy.messages.slice(before), [{ requests: 1, responses: 1 }])
  await ask(client, { ...call, ':path': '/page' }, message)
  assert.deepEqual(proxy.messages.slice(before + 1), [{ requests: 1, responses: 0 }])
  await ask(client, { ...call, 'content-type': 'text/plain' }, message)
  assert.equal(proxy.messages.length, before + 2)
})

const sum = (reports: readonly { requests: number; responses: number }[]): number[] =>
  reports.reduce(([up = 0, down = 0], { requests, responses }) => [up + requests, down + responses], [0, 0])

test('gRPC codes of trailers-only answers are retried as the policy says', async (t) => {
  const codes: Record<string, number> = {
    '/cancelled': 1,
    '/late': 4,
    '/full': 8,
    '/internal': 13,
    '/gone': 14,
    '/no': 5,
  }
  const counts = new Map<string, number>()
  const backend = await h2Backend(t, (stream, headers) => {
    const path = String(headers[':path'])
    const count = (counts.get(path) ?? 0) + 1
    counts.set(path, count)
    stream.respond(status(count === 1 ? (codes[path] as number) : 0), { endStream: true })
  })
  const retryOn = 'cancelled,deadline-exceeded,internal,resource-exhausted,unavailable'
  const proxy = await proxyFor(t, toBackend(backend.port, { retryPolicy: { retryOn, numRetries: 1 } }))
  const client = h2Client(t, proxy.portOf('in'))
  for (const path of Object.keys(codes)) {
    const answer = await ask(client, { ...call, ':path': path }, message)
    assert.equal(answer.headers['grpc-status'], path === '/no' ? '5' : '0', path)
    assert.equal(counts.get(path), path === '/no' ? 1 : 2, path)
  }
})

test('errors of our own are trailers-only answers with the status gRPC has for them', async (t) => {
  const backend = await h2Backend(t, () => {})
  const dead = await proxyFor(t, {
    listeners: [httpListener('in', everythingTo('b'))],
    clusters: [staticCluster('b', [1])],
  })
  const answer = await ask(h2Client(t, dead.portOf('in')), call, message)
  assert.deepEqual([answer.status, answer.headers['grpc-status'], answer.body], [200, '14', ''])
  assert.match(String(answer.headers['grpc-message']), /remote connection failure/)
  assert.deepEqual(
    [dead.exchanges[0]?.flags, dead.exchanges[0]?.grpcStatus, dead.exchanges[0]?.status],
    ['UF', '14', 200],
  )
  const none = await proxyFor(t, { listeners: [httpListener('in', { name: 'r', virtualHosts: [] })] })
  assert.equal((await ask(h2Client(t, none.portOf('in')), call, message)).headers['grpc-status'], '12')
  const slow = await proxyFor(t, toBackend(backend.port, { timeout: '0.05s' }))
  const late = await ask(h2Client(t, slow.portOf('in')), call, message)
  assert.deepEqual([late.headers['grpc-status'], slow.exchanges[0]?.flags], ['14', 'UT'])
})

test('a call whose escaped slashes would be redirected is refused: clients of gRPC follow no redirects', async (t) => {
  const backend = await h2Backend(t, () => {})
  const redirecting = { pathWithEscapedSlashesAction: 'UNESCAPE_AND_REDIRECT' }
  const proxy = await proxyFor(t, toBackend(backend.port, {}, redirecting))
  const { headers } = await ask(h2Client(t, proxy.portOf('in')), { ...call, ':path': '/s%2Fm' }, message)
  assert.deepEqual([headers['grpc-status'], headers['location']], ['13', undefined])
  const page = await ask(h2Client(t, proxy.portOf('in')), { ':path': '/s%2Fm' })
  assert.deepEqual([page.status, page.headers['location']], [307, '/s/m'])
  assert.equal(backend.requests.length, 0)
})

test('grpc-timeout is a deadline where the route says so: capped, shortened by an offset, never ignored', async (t) => {
  const backend = await h2Backend(t, () => {})
  const within = async (limit: object, timeout: string): Promise<number> => {
    const proxy = await proxyFor(t, toBackend(backend.port, { timeout: '0s', maxStreamDuration: limit }))
    const began = performance.now()
    const answer = await ask(h2Client(t, proxy.portOf('in')), { ...call, 'grpc-timeout': timeout }, message)
    assert.equal(answer.headers['grpc-status'], '4')
    assert.equal(proxy.exchanges[0]?.details, 'max_duration_timeout')
    return performance.now() - began
  }
  const plain = await within({ grpcTimeoutHeaderMax: '0s' }, '200m')
  assert.ok(plain >= 199 && plain < 2_000, `${plain} ms`)
  assert.ok((await within({ grpcTimeoutHeaderMax: '0.1s' }, '1H')) < 2_000)
  assert.ok((await within({ grpcTimeoutHeaderMax: '0s', grpcTimeoutHeaderOffset: '9.9s' }, '10S')) < 2_000)
  assert.ok((await within({ grpcTimeoutHeaderMax: '0s', maxStreamDuration: '60s' }, '50000u')) < 2_000)
})

test('gRPC-Web over HTTP/2: the trailers are in the body, and nowhere else', async (t) => {
  const backend = await h2Backend(t, (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.pipe(stream)
  })
  const proxy = await proxyFor(t, toBackend(backend.port, {}, { httpFilters: [grpcWeb, router] }))
  const web = { ...call, 'content-type': 'application/grpc-web+proto', te: undefined }
  const answer = await ask(h2Client(t, proxy.portOf('in')), web, message)
  const trailers = 'grpc-status:0\r\n'
  assert.equal(answer.body, `${message.toString('latin1')}\x80\0\0\0${String.fromCharCode(trailers.length)}${trailers}`)
  assert.deepEqual(Object.keys(answer.trailers), [])
  assert.equal(answer.headers['content-type'], 'application/grpc-web+proto')
})
