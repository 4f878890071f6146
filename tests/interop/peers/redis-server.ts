// A real redis-server that keeps nothing.
import { spawn } from 'node:child_process'
import { freePort, whenListening } from '@weft/testkit/ports'
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
  await whenListening(port)
  return { port, close: () => child.kill('SIGKILL') }
}
