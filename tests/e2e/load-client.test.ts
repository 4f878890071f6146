// What the load's client takes for an answer, and what it does not: it must not overlook a failure.
import assert from 'node:assert/strict'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { once } from '@weft/testkit/once'
import { makeLoadClient, type LoadAnswer } from './load-client.ts'

const request = Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n')

type Ask = (fresh?: boolean) => Promise<LoadAnswer>

// A server that does `serve` for each request it is sent (a request is one chunk here), and a client of it.
async function clientOf(
  t: TestContext,
  serve: (socket: Socket, connection: number) => void,
  timeoutMs = 5_000,
): Promise<Ask> {
  let connections = 0
  const server = createServer((socket) => {
    const connection = (connections += 1)
    socket.on('error', () => undefined)
    socket.on('data', () => serve(socket, connection))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = makeLoadClient('127.0.0.1', (server.address() as AddressInfo).port, timeoutMs)
  t.after(() => {
    client.close()
    server.close()
  })
  return (fresh = false) => new Promise((resolve) => client.ask(request, fresh, resolve))
}

const answerOf = (body: string, status = 200, more = ''): string =>
  `HTTP/1.1 ${status} X\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${more}\r\n${body}`

test('an answer is whole however it is cut, also while others come in between', async (t) => {
  const ask = await clientOf(t, (socket, connection) => {
    const bytes = answerOf(`body ${connection}`)
    let at = 0
    const timer = setInterval(() => {
      socket.write(bytes.slice(at, at + 7))
      at += 7
      if (at >= bytes.length) clearInterval(timer)
    }, 1)
  })
  const answers = await Promise.all(Array.from({ length: 8 }, () => ask()))
  assert.deepEqual(
    new Set(answers.map((answer) => (typeof answer === 'string' ? answer : answer.body))),
    new Set(Array.from({ length: 8 }, (_, index) => `body ${index + 1}`)),
  )
})

test('the status and the body are told as they came', async (t) => {
  const ask = await clientOf(t, (socket) => socket.write(answerOf('no', 503)))
  assert.deepEqual(await ask(), { status: 503, body: 'no' })
})

test('a chunked answer ends with its last chunk', async (t) => {
  const ask = await clientOf(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n')
    setImmediate(() => socket.write('0\r\n\r\n'))
  })
  const answer = await ask()
  assert.equal(typeof answer === 'string' ? answer : answer.status, 200)
})

test('a connection is kept unless it was to be fresh or says that it closes', async (t) => {
  const closing = (connection: number): string => (connection === 2 ? 'connection: close\r\n' : '')
  const ask = await clientOf(t, (socket, connection) => {
    socket.write(answerOf(String(connection), 200, closing(connection)))
  })
  const seen: unknown[] = []
  for (const fresh of [true, false, false, false]) {
    const answer = await ask(fresh)
    seen.push(typeof answer === 'string' ? answer : answer.body)
  }
  assert.deepEqual(seen, ['1', '2', '3', '3'])
})

test('an idle connection that ends is not taken again', async (t) => {
  const ended = Promise.withResolvers<void>()
  const ask = await clientOf(t, (socket, connection) => {
    socket.write(answerOf(String(connection)))
    if (connection > 1) return
    socket.on('close', () => ended.resolve())
    setImmediate(() => socket.end())
  })
  assert.deepEqual(await ask(), { status: 200, body: '1' })
  // The server has seen the client close too.
  await ended.promise
  assert.deepEqual(await ask(), { status: 200, body: '2' })
})

test('what ends or is reset before its end is a failure', async (t) => {
  const ask = await clientOf(t, (socket, connection) => {
    if (connection === 1) socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc')
    else if (connection === 2) socket.end()
    else socket.resetAndDestroy()
  })
  assert.equal(await ask(), 'the connection ended before the answer did')
  assert.equal(await ask(), 'the connection ended before the answer did')
  assert.match(String(await ask()), /ECONNRESET|ended before/)
})

test('no connection at all is a failure', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  const client = makeLoadClient('127.0.0.1', port, 5_000)
  const answer = await new Promise((resolve) => client.ask(request, true, resolve))
  client.close()
  assert.match(String(answer), /ECONNREFUSED/)
})

test('an answer that takes longer than its time is none, whether it comes or not', async (t) => {
  const ask = await clientOf(
    t,
    (socket, connection) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\na')
      if (connection === 2) setTimeout(() => socket.write('b'), 300)
    },
    100,
  )
  assert.deepEqual(await Promise.all([ask(), ask()]), ['no answer in time', 'no answer in time'])
})

test('an answer without a length, and one without an end, are failures', async (t) => {
  const ask = await clientOf(t, (socket, connection) => {
    if (connection === 1) socket.write('HTTP/1.1 200 OK\r\n\r\n')
    else socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n${'x'.repeat(1_200_000)}`)
  })
  assert.match(String(await ask()), /^an answer without length/)
  assert.equal(await ask(), 'an endless answer')
})
