// CPU per GB of bytes that cross two proxies with mutual TLS between them, as TCP. The reader takes what comes.
import { connect } from 'node:net'
import type { Arm } from './arm.ts'
import { cpuNs } from './cpu.ts'
import { startGround, startPeer } from './peer-arms.ts'
import { median, pairedRatio } from './statistics.ts'
import { base, startMesh } from './weft-arm.ts'

/** One arm in one round. */
export interface BulkSample {
  readonly arm: string
  readonly gb: number
  readonly cpuSecondsPerGb: number
}

/** Reads the large file for so long; the bytes that came. */
function readFor(url: string, seconds: number): Promise<number> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    let bytes = 0
    const buffer = Buffer.allocUnsafeSlow(256 * 1024)
    const socket = connect({
      host: hostname,
      port: Number(port),
      onread: { buffer, callback: (count) => (bytes += count) > 0 },
    })
    socket.once('connect', () => socket.write('GET /big HTTP/1.1\r\nHost: echo.bench\r\n\r\n'))
    socket.once('error', reject)
    const timer = setTimeout(() => socket.destroy(), seconds * 1_000)
    socket.once('close', () => {
      clearTimeout(timer)
      if (bytes < 1_000_000) reject(new Error(`only ${bytes} bytes came`))
      else resolve(bytes)
    })
    // All of it, before the time was up.
    socket.once('end', () => socket.destroy())
  })
}

async function sample({ name, url, pids }: Arm, seconds: number): Promise<BulkSample> {
  const before = cpuNs(pids)
  const gb = (await readFor(url, seconds)) / 1e9
  return { arm: name, gb, cpuSecondsPerGb: (cpuNs(pids) - before) / 1e9 / gb }
}

/** Interleaved rounds of Weft and haproxy. */
export async function measureBulk(rounds: number, seconds: number): Promise<readonly BulkSample[]> {
  const ground = await startGround()
  const arms: Arm[] = []
  const samples: BulkSample[] = []
  try {
    arms.push(await startMesh({ name: 'weft', kind: 'tcp', proxy: 'weft' }))
    if (base !== undefined) arms.push(await startMesh({ name: 'weft (base)', kind: 'tcp', proxy: 'weft', dist: base }))
    arms.push(await startPeer('haproxy', 'bulk', ground))
    for (const arm of arms) await sample(arm, 2)
    for (let round = 0; round < rounds; round += 1) {
      for (let place = 0; place < arms.length; place += 1) {
        samples.push(await sample(arms[(place + round) % arms.length] as Arm, seconds))
      }
    }
  } finally {
    for (const arm of arms) await arm.stop()
    await ground.stop()
  }
  const of = (arm: string): number[] => samples.filter((one) => one.arm === arm).map((one) => one.cpuSecondsPerGb)
  console.log("\nTCP through mutual TLS: CPU seconds per GB (medians), and Weft's ratio with 95 % limits")
  for (const { name } of arms) {
    const ratio = pairedRatio(of('weft'), of(name))
    console.log(
      `  ${name.padEnd(12)} ${median(of(name)).toFixed(2)} s   ${ratio.median.toFixed(2)} (${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)})`,
    )
  }
  return samples
}
