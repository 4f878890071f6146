// Memory of idle and loaded proxies, Weft's and Envoy's, with the same resources.
import type { Arm } from './arm.ts'
import { type Memory, memoryOf } from './cpu.ts'
import { runLoad } from './load.ts'
import { median } from './statistics.ts'
import { startMesh } from './weft-arm.ts'

/** What one kind of proxy takes, MB. `idlePss` is the mean of eight proxies alive at once. */
export interface MemoryOfKind {
  readonly idle: Memory
  readonly loaded: Memory
  readonly idlePss: number
}

/** Both kinds in one run. */
export type MemoryReport = Readonly<Record<'weft' | 'envoy', MemoryOfKind>>

function middle(all: readonly Memory[]): Memory {
  return {
    rssMb: median(all.map((m) => m.rssMb)),
    anonMb: median(all.map((m) => m.anonMb)),
    pssMb: median(all.map((m) => m.pssMb)),
  }
}

async function measureKind(proxy: 'weft' | 'envoy'): Promise<MemoryOfKind> {
  // Four meshes of two proxies each: eight proxies on one machine, sharing the pages of one executable.
  const meshes: Arm[] = []
  try {
    for (let i = 0; i < 4; i += 1) meshes.push(await startMesh({ name: proxy, kind: 'pair', proxy }))
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    const idle = meshes.flatMap(({ pids }) => pids.map(memoryOf))
    const idlePss = idle.reduce((sum, { pssMb }) => sum + pssMb, 0) / idle.length
    const loadedMesh = meshes[0] as Arm
    await runLoad(loadedMesh.url, 10)
    return { idle: middle(idle), loaded: middle(loadedMesh.pids.map(memoryOf)), idlePss }
  } finally {
    for (const mesh of meshes) await mesh.stop()
  }
}

/** Measures both kinds and prints the table. */
export async function measureMemory(): Promise<MemoryReport> {
  const report = { weft: await measureKind('weft'), envoy: await measureKind('envoy') }
  console.log('\nmemory, MB (medians of eight idle proxies; loaded: after 10 s at 64 connections)')
  for (const [name, { idle, loaded, idlePss }] of Object.entries(report)) {
    console.log(
      `  ${name.padEnd(6)} idle RSS ${idle.rssMb.toFixed(1)} (anonymous ${idle.anonMb.toFixed(1)}), mean PSS ${idlePss.toFixed(1)}; loaded RSS ${loaded.rssMb.toFixed(1)}`,
    )
  }
  return report
}
