// A real redis-server that keeps nothing.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { findPeer } from './peer.ts'

/** A running one. */
export interface RedisServer {
  readonly port: number
  close(): void
}

/** Starts it on a free port, and waits until it listens. */
export async function startRedis(): Promise<RedisServer> {
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const child = spawn(findPeer('redis-server') ?? '', args, { stdio: 'ignore' })
  await answers(port)
  return { port, close: () => child.kill('SIGKILL') }
}

/** A port that nobody has at this moment, for programs that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

/** Waits until somebody listens. */
export async function answers(port: number): Promise<void> {
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
  throw new Error('nobody listens')
}
