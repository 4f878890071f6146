// A reader that takes a 1 GB body slowly, with stalls: what it makes the proxies hold.
import { connect } from 'node:net'
import { memoryOf } from './cpu.ts'
import { type MeshArm, startMesh } from './weft-arm.ts'

const bytesPerSecond = 20 * 1024 * 1024
const stallMs = 2_000

/** How far the proxies' memory grew, MB. */
export interface SlowReaderReport {
  readonly kind: MeshArm['kind']
  readonly readMb: number
  readonly grownMb: readonly number[]
}

/** Reads for some seconds at a constant rate after a stall, and looks at the memory all the while. */
export async function measureSlowReader(kind: MeshArm['kind'], seconds: number): Promise<SlowReaderReport> {
  const mesh = await startMesh({ name: 'weft', kind, proxy: 'weft' })
  try {
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    const before = mesh.pids.map((pid) => memoryOf(pid).rssMb)
    const most = [...before]
    const { hostname, port } = new URL(mesh.url)
    const socket = connect(Number(port), hostname, () => {
      socket.write('GET /big HTTP/1.1\r\nHost: echo.bench\r\nX-Bench: 1\r\n\r\n')
      socket.pause()
    })
    let read = 0
    let failure: Error | undefined
    const begunMs = performance.now()
    socket.on('error', (error) => (failure = error))
    socket.on('data', (chunk: Buffer) => {
      read += chunk.length
      const due = begunMs + stallMs + (read / bytesPerSecond) * 1_000
      if (due - performance.now() < 5) return
      socket.pause()
      setTimeout(() => socket.resume(), due - performance.now())
    })
    setTimeout(() => socket.resume(), stallMs)
    while (performance.now() - begunMs < stallMs + seconds * 1_000) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      mesh.pids.forEach((pid, index) => (most[index] = Math.max(most[index] as number, memoryOf(pid).rssMb)))
    }
    socket.destroy()
    if (failure !== undefined || read < 1_000_000)
      throw new Error(`the body does not come: ${failure?.message ?? read}`)
    const grownMb = most.map((value, index) => value - (before[index] as number))
    const readMb = read / 1024 / 1024
    console.log(
      `\nslow reader of 1 GB (${kind}): ${readMb.toFixed(0)} MB read, proxies grew by ${grownMb.map((mb) => mb.toFixed(1)).join(' and ')} MB`,
    )
    return { kind, readMb, grownMb }
  } finally {
    await mesh.stop()
  }
}
