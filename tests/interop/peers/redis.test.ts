// A real redis-server behind a TCP proxy, asked by a real redis-cli.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { any, type ProxyUnderTest, startProxy, staticCluster } from '../../wire/proxy-under-test.ts'
import { findPeer, missingPeers, runPeer } from './peer.ts'

const skip = missingPeers('redis-server', 'redis-cli')
let server: ChildProcess | undefined
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
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  server = spawn(findPeer('redis-server') ?? '', args, { stdio: 'ignore' })
  await answers(port)
  proxy = await startProxy({ listeners: [tcp], clusters: [staticCluster('b', [port])] })
})

after(async () => {
  await proxy?.close()
  server?.kill('SIGKILL')
})

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

async function answers(port: number): Promise<void> {
  for (let ask = 0; ask < 100; ask++) {
    const socket = connect(port, '127.0.0.1')
    // `once` rejects when the connection is refused.
    const came = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (came) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('redis-server does not listen')
}

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
