// Peers that others wrote, before two proxies of ours with mutual TLS and HTTP/2 between them.
import assert from 'node:assert/strict'
import { type AddressInfo, connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { once } from '@weft/testkit/once'
import { behindTunnel, httpHop, originating, terminating } from '../../wire/hop-under-test.ts'
import { until } from '../../wire/test-runtime.ts'
import { missingPeers, runPeer } from './peer.ts'
import { startRedis } from './redis-server.ts'

const noRedis = missingPeers('redis-server', 'redis-cli')
const host = '127.0.0.2'

/** Where redis is reached through a tunnel, and the far end of it. */
async function redisBehindTunnel(t: TestContext) {
  const redis = await startRedis()
  t.after(() => redis.close())
  const inner = await terminating(t, redis.port)
  const outer = await originating(t, { a: [behindTunnel({ port: inner.portOf('terminate') })] })
  const port = outer.portOf('a')
  const cli = (args: readonly string[], input = '') =>
    runPeer('redis-cli', ['-h', host, '-p', String(port), ...args], input, 60_000)
  return { inner, port, cli }
}

test('redis through the hop: a value of 1 MB, and ten thousand pipelined commands', { skip: noRedis }, async (t) => {
  const { inner, cli } = await redisBehindTunnel(t)
  const value = 'v'.repeat(1_000_000)
  assert.equal((await cli(['-x', 'SET', 'large'], value)).stdout.trim(), 'OK')
  assert.equal((await cli(['GET', 'large'])).stdout.trim(), value)
  const command = (at: number): string => `*3\r\n$3\r\nSET\r\n$${`k${at}`.length}\r\nk${at}\r\n$1\r\n1\r\n`
  const run = await cli(['--pipe'], Array.from({ length: 10_000 }, (_, at) => command(at)).join(''))
  assert.match(run.stdout, /errors: 0, replies: 10000/)
  assert.equal(inner.openConnections(), 1, 'all of them shared a connection')
})

test('redis through the hop: the server speaks unasked, long after', { skip: noRedis }, async (t) => {
  const { port, cli } = await redisBehindTunnel(t)
  const subscriber = connect(port, host)
  t.after(() => subscriber.destroy())
  let heard = ''
  subscriber.on('data', (chunk: Buffer) => (heard += chunk.toString()))
  subscriber.write('SUBSCRIBE news\r\n')
  await until(() => heard.includes('subscribe'), 'the subscription')
  assert.equal((await cli(['PUBLISH', 'news', 'hello'])).stdout.trim(), '1')
  await until(() => heard.includes('message\r\n$4\r\nnews\r\n$5\r\nhello'), 'the message')
})

for (const alpn of [['h2', 'http/1.1'], ['http/1.1']] as const) {
  test(`ws through the hop, ${alpn[0]}: messages both ways, and a close with a code`, async (t) => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    t.after(() => server.close())
    await once(server, 'listening')
    server.on('connection', (socket, request) => {
      socket.send('the server speaks first')
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
      if (request.url === '/bye') socket.close(4000, 'bye')
    })
    const upgrades = { upgradeConfigs: [{ upgradeType: 'websocket' }] }
    const { inner, outer } = await httpHop(t, (server.address() as AddressInfo).port, alpn, upgrades)
    const open = (path: string): WebSocket => new WebSocket(`ws://127.0.0.1:${outer.portOf('in')}${path}`)
    const socket = open('/')
    const [first] = (await once(socket, 'message')) as [Buffer]
    assert.equal(first.toString(), 'the server speaks first')
    for (const message of ['hello', Buffer.from([0, 1, 255]), Buffer.alloc(2_000_000, 'x')]) {
      socket.send(message)
      const [data, isBinary] = (await once(socket, 'message')) as [Buffer, boolean]
      assert.ok(data.equals(Buffer.from(message)))
      assert.equal(isBinary, typeof message !== 'string')
    }
    socket.close()
    await once(socket, 'close')
    const [code, reason] = (await once(open('/bye'), 'close')) as [number, Buffer]
    assert.deepEqual([code, reason.toString()], [4000, 'bye'])
    await until(() => inner.exchanges.length === 2, 'the records of the far end')
    const protocol = alpn[0] === 'h2' ? 'HTTP/2' : 'HTTP/1.1'
    assert.ok(inner.exchanges.every((one) => one.protocol === protocol && one.status === 101))
  })
}
