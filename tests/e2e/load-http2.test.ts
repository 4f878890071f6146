// What the load takes for an answer over HTTP/2 and gRPC, and what it does not: it must not overlook a failure. The servers are Node's, and bare sockets
// where Node would not do it.
import assert from 'node:assert/strict'
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Stream } from 'node:http2'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { once } from '@weft/testkit/once'
import { stockService } from '../../examples/bookstore/services/inventory/stock-service.ts'
import type { LoadAnswer } from './load-client.ts'
import { type Http2Load, makeHttp2Load, stockAuthority } from './load-http2.ts'

const isbn = '9781950000012'

async function loadOf(t: TestContext, server: Http2Server | Server, timeoutMs = 5_000): Promise<Http2Load> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const load = makeHttp2Load(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, timeoutMs)
  t.after(() => {
    load.close()
    server.close()
  })
  return load
}

const get = (load: Http2Load, path = '/'): Promise<LoadAnswer> => new Promise((resolve) => load.get(path, resolve))
const stock = (load: Http2Load): Promise<string | undefined> => new Promise((resolve) => load.stockOf(isbn, resolve))

function serving(onStream: (stream: ServerHttp2Stream, path: string, authority: string) => void): Http2Server {
  const server = createHttp2Server()
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined)
    onStream(stream, String(headers[':path']), String(headers[':authority']))
  })
  server.on('session', (session) => session.on('error', () => undefined))
  return server
}

function message(level: { isbn: string; copies: number }): Buffer {
  const bytes = stockService.Level.responseSerialize(level)
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([prefix, bytes])
}

test('the status and the whole body are told, also of many and large answers at a time, also after an interim one', async (t) => {
  const server = serving((stream, path) => {
    stream.additionalHeaders({ ':status': 103 })
    stream.respond({ ':status': path === '/no' ? 503 : 200, 'x-long': 'x'.repeat(20_000) })
    stream.end(path.repeat(3_000))
  })
  const load = await loadOf(t, server)
  const paths = ['/a', '/no', ...Array.from({ length: 40 }, (_, index) => `/${index}`)]
  const answers = await Promise.all(paths.map((path) => get(load, path)))
  assert.deepEqual(
    answers,
    paths.map((path) => ({ status: path === '/no' ? 503 : 200, body: path.repeat(3_000) })),
  )
})

test('no more streams are asked for at a time than the server takes; the others wait, and count as asked meanwhile', async (t) => {
  let [now, most] = [0, 0]
  const server = createHttp2Server({ settings: { maxConcurrentStreams: 2 } })
  server.on('session', (session) => session.on('error', () => undefined))
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined)
    if (headers[':path'] === '/never') return
    most = Math.max(most, ++now)
    setTimeout(() => {
      now -= 1
      stream.respond({ ':status': 200 })
      stream.end('ok')
    }, 5)
  })
  const load = await loadOf(t, server)
  await get(load)
  assert.deepEqual(
    await Promise.all(Array.from({ length: 7 }, () => get(load))),
    Array.from({ length: 7 }, () => ({ status: 200, body: 'ok' })),
  )
  assert.equal(most, 2)
})

test('before the server said how many streams it takes, it is asked for a hundred', async (t) => {
  const seen: number[] = []
  let heads = 0
  const server = createServer((socket) => {
    let bytes = Buffer.alloc(0)
    let at = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'.length
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk])
      for (; bytes.length >= at + 9; at += 9 + bytes.readUIntBE(at, 3)) heads += bytes[at + 3] === 1 ? 1 : 0
      seen.push(heads)
      // SETTINGS that let 120 streams in.
      if (heads === 100) setTimeout(() => socket.write(Buffer.from('00000604000000000000030000' + '0078', 'hex')), 20)
      if (heads === 120) socket.destroy()
    })
  })
  const load = await loadOf(t, server)
  const answers = await Promise.all(Array.from({ length: 150 }, () => get(load)))
  assert.ok(seen.includes(100) && seen.at(-1) === 120, `heads seen: ${seen.join(' ')}`)
  assert.ok(answers.every((answer) => typeof answer === 'string'))
})

test('a connection carries 200 pages, the next 200 go over another', async (t) => {
  let connections = 0
  const server = serving((stream) => {
    stream.respond({ ':status': 200 })
    stream.end('x')
  })
  server.on('session', () => (connections += 1))
  const load = await loadOf(t, server)
  for (let asked = 0; asked < 401; asked++) await get(load)
  assert.equal(connections, 3)
  assert.equal(load.askedAnew, 0)
})

test('what is reset, ends without an answer or does not come in time is a failure', async (t) => {
  const server = serving((stream, path) => {
    if (path === '/slow') return
    if (path === '/late') setTimeout(() => (stream.destroyed ? undefined : stream.respond({ ':status': 200 })), 400)
    else if (path === '/half') {
      stream.respond({ ':status': 200 })
      stream.write('half')
      setImmediate(() => stream.destroy(new Error('broken off')))
    } else stream.close(7)
  })
  const load = await loadOf(t, server, 200)
  const [reset, half, slow, late] = await Promise.all(
    ['/reset', '/half', '/slow', '/late'].map((path) => get(load, path)),
  )
  assert.equal(reset, 'the stream was reset with code 7')
  assert.equal(half, 'the stream was reset with code 2')
  assert.equal(slow, 'no answer in time (HTTP/2)')
  assert.equal(late, 'no answer in time (HTTP/2)')
})

test('a connection that ends, and one that cannot be opened, are failures', async (t) => {
  const server = createServer((socket) =>
    socket.on('data', () => socket.resetAndDestroy()).on('error', () => undefined),
  )
  const load = await loadOf(t, server)
  assert.match(String(await get(load)), /ECONNRESET|ended before/)
  assert.match(String(await stock(load)), /ECONNRESET|ended before/)
  await new Promise((resolve) => server.close(resolve))
  assert.match(String(await get(load)), /ECONNREFUSED/)
})

// A server that answers each connection's first SETTINGS with `say`, once three requests are there.
function goingAway(say: (socket: Socket) => void): Server {
  return createServer((socket) => {
    let seen = 0
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      seen += bytes.length
      if (seen > 200) say(socket)
      seen = seen > 200 ? -1e9 : seen
    })
  })
}
const goaway = (last: number): Buffer => Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, last, 0, 0, 0, 0])
const ok = (id: number): Buffer => Buffer.from([0, 0, 1, 1, 5, 0, 0, 0, id, 0x88])

test('what a GOAWAY leaves out is asked anew, once; what it promised to serve and did not is a failure', async (t) => {
  let connections = 0
  const server = goingAway((socket) => {
    connections += 1
    // The first serves stream 1 of three, and promises stream 3. Of the second nothing is served.
    if (connections === 1) socket.end(Buffer.concat([ok(1), goaway(3)]))
    else socket.end(goaway(0))
  })
  const load = await loadOf(t, server)
  const pages = ['/first/of/three', '/second/of/three', '/third/of/three'].map((path) => get(load, path.repeat(9)))
  const [first, second, third] = await Promise.all(pages)
  assert.deepEqual(first, { status: 200, body: '' })
  assert.match(String(second), /ended before the answer did/)
  assert.equal(third, 'the server went away before it served this')
  assert.equal(load.askedAnew, 1)
})

test('a gRPC call is answered by the level of its book and status 0, and by nothing else', async (t) => {
  let answer: (stream: ServerHttp2Stream) => void = () => undefined
  const server = serving((stream, path, authority) => {
    assert.equal(path, stockService.Level.path)
    assert.equal(authority, stockAuthority)
    const parts: Buffer[] = []
    stream.on('data', (part: Buffer) => parts.push(part))
    stream.on('end', () => {
      assert.deepEqual(stockService.Level.requestDeserialize(Buffer.concat(parts).subarray(5)), { isbn })
      answer(stream)
    })
  })
  const load = await loadOf(t, server)
  const ending =
    (status: string, body: Buffer, more: Record<string, string> = {}) =>
    (stream: ServerHttp2Stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status, ...more }))
      stream.end(body)
    }
  const level = message({ isbn, copies: 5 })
  answer = ending('0', level)
  assert.equal(await stock(load), undefined)
  answer = ending('14', Buffer.alloc(0), { 'grpc-message': 'gone' })
  assert.equal(await stock(load), 'grpc-status: 14, grpc-message: gone')
  answer = ending('0', message({ isbn: '9781950000029', copies: 5 }))
  assert.equal(await stock(load), 'an answer about another book')
  answer = ending('0', level.subarray(0, -1))
  assert.equal(await stock(load), 'not one whole message')
  answer = (stream) => {
    stream.respond({ ':status': 200 })
    stream.end(level)
  }
  assert.equal(await stock(load), 'no trailers')
  answer = (stream) => {
    stream.respond({ ':status': 503 })
    stream.end('no healthy upstream')
  }
  assert.equal(await stock(load), '503 no healthy upstream')
})
