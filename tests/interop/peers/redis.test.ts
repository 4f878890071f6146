// A real redis-server behind a TCP proxy, asked by a real redis-cli.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { any, type ProxyUnderTest, startProxy, staticCluster } from '../../wire/proxy-under-test.ts'
import { missingPeers, runPeer } from './peer.ts'
import { type RedisServer, startRedis } from './redis-server.ts'

const skip = missingPeers('redis-server', 'redis-cli')
let server: RedisServer | undefined
let proxy: ProxyUnderTest | undefined

const tcp = {
  name: 'tcp',
  address: { socketAddress: { address: '127.0.0.1', portValue: 0 } },
  filterChains: [
    {
      filters: [
        {
          name: 'envoy.filters.network.tcp_proxy',
          typedConfig: any('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', { statPrefix: 't', cluster: 'b' }),
        },
      ],
    },
  ],
}

before(async () => {
  if (skip !== false) return
  server = await startRedis()
  proxy = await startProxy({ listeners: [tcp], clusters: [staticCluster('b', [server.port])] })
})

after(async () => {
  await proxy?.close()
  server?.close()
})

const cli = (args: readonly string[], input = ''): Promise<{ code: number; stdout: string }> =>
  runPeer('redis-cli', ['-p', String(proxy?.portOf('tcp')), ...args], input)

test('redis: a value of 1 MB is set and read back', { skip }, async () => {
  const value = 'v'.repeat(1_000_000)
  assert.equal((await cli(['-x', 'SET', 'large'], value)).stdout.trim(), 'OK')
  assert.equal((await cli(['GET', 'large'])).stdout.trim(), value)
})

test('redis: ten thousand pipelined commands are all answered', { skip }, async () => {
  const command = (at: number): string => `*3\r\n$3\r\nSET\r\n$${`k${at}`.length}\r\nk${at}\r\n$1\r\n1\r\n`
  const run = await cli(['--pipe'], Array.from({ length: 10_000 }, (_, at) => command(at)).join(''))
  assert.match(run.stdout, /errors: 0, replies: 10000/)
})

test('redis: what is published reaches who has subscribed, though it never asks again', { skip }, async () => {
  const subscriber = connect(proxy?.portOf('tcp') ?? 0, '127.0.0.1')
  let heard = ''
  subscriber.on('data', (chunk: Buffer) => (heard += chunk.toString()))
  subscriber.write('SUBSCRIBE news\r\n')
  for (let ask = 0; !heard.includes('subscribe') && ask < 200; ask++) await new Promise((r) => setTimeout(r, 10))
  assert.equal((await cli(['PUBLISH', 'news', 'hello'])).stdout.trim(), '1')
  for (let ask = 0; !heard.includes('hello') && ask < 200; ask++) await new Promise((r) => setTimeout(r, 10))
  assert.match(heard, /message\r\n\$4\r\nnews\r\n\$5\r\nhello/)
  subscriber.destroy()
})
