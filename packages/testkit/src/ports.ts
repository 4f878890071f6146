// Ports of this machine, for tests of programs that cannot choose one themselves.
import { type AddressInfo, connect, createServer } from 'node:net'
import { once } from './once.ts'
import { until } from './until.ts'

/** A loopback port that nobody has at this moment. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

/** Whether somebody takes connections there. */
export function isListening(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port }, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** Waits until somebody takes connections there; fails after half a minute. */
export async function whenListening(port: number, host = '127.0.0.1'): Promise<void> {
  await until(() => isListening(port, host), `somebody listens on ${host}:${port}`)
}
