// What idle connections cost: each made one request and then keeps still. Plain HTTP/1.1 through the gateway.
import { connect, type Socket } from 'node:net'
import { type Memory, memoryOf } from './cpu.ts'
import { startMesh } from './weft-arm.ts'

/** Nearly the proxy's own limit of 10,000 at once; the probes of the supervisor need some, too. */
const connections = 9_900
const atOnce = 100

/** Memory of one gateway, before and with so many idle connections. */
export interface IdleReport {
  readonly connections: number
  readonly before: Memory
  readonly after: Memory
  readonly kbEach: number
}

function openOne(url: URL): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname, () =>
      socket.write('GET / HTTP/1.1\r\nHost: echo.bench\r\nX-Bench: 1\r\n\r\n'),
    )
    let got = 0
    socket.on('data', (chunk: Buffer) => {
      got += chunk.length
      // The answer is 1 kB and a head.
      if (got > 1_024) resolve(socket)
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('closed before it was answered')))
  })
}

/** Opens them against one fresh gateway of the given kind. */
export async function measureIdle(proxy: 'weft' | 'envoy'): Promise<IdleReport> {
  const mesh = await startMesh({ name: proxy, kind: 'plain', proxy })
  const open: Socket[] = []
  try {
    const pid = mesh.pids[0] as number
    const url = new URL(mesh.url)
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    const before = memoryOf(pid)
    while (open.length < connections) {
      open.push(...(await Promise.all(Array.from({ length: atOnce }, () => openOne(url)))))
    }
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    const after = memoryOf(pid)
    const kbEach = ((after.rssMb - before.rssMb) * 1_024) / connections
    console.log(
      `\n${proxy}: ${connections} idle connections, RSS ${before.rssMb.toFixed(1)} to ${after.rssMb.toFixed(1)} MB, ${kbEach.toFixed(1)} kB each`,
    )
    return { connections, before, after, kbEach }
  } finally {
    for (const socket of open) socket.destroy()
    await mesh.stop()
  }
}
