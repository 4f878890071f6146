// From a proxy's exec to the first request it proxies, with its configuration coming by xDS and its identity by SDS. The running
// gateway is killed; the supervisor's next generation is what is measured, from its exec (its start time in /proc) to the answer.
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { answers } from './arm.ts'
import { processTree } from './cpu.ts'
import { median } from './statistics.ts'
import { startMesh } from './weft-arm.ts'

/** Milliseconds of each try. */
export interface StartReport {
  readonly firstRequestMs: readonly number[]
  readonly medianMs: number
}

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** Milliseconds since boot at which a process was started (10 ms steps). */
function startedMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]) / ticksPerSecond) * 1_000
}

function uptimeMs(): number {
  return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1_000
}

async function untilAnswer(url: string): Promise<void> {
  while (!(await answers(url))) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Measures ten starts of the gateway's proxy. */
export async function measureStart(tries = 10): Promise<StartReport> {
  const mesh = await startMesh({ name: 'weft', kind: 'plain', proxy: 'weft' })
  const firstRequestMs: number[] = []
  try {
    const supervisor = mesh.supervisorPid
    let known = [...mesh.pids]
    for (let i = 0; i < tries; i += 1) {
      // Let the backoff of the supervisor settle, so that each start is a fresh one.
      await new Promise((resolve) => setTimeout(resolve, 3_000))
      // Without what it accepted last: the configuration has to come by xDS.
      for (const file of globSync(join(mesh.dir, '.weft/proxy/*/resources.pb'))) rmSync(file)
      for (const pid of known) process.kill(pid, 'SIGKILL')
      await untilAnswer(mesh.url)
      const answeredMs = uptimeMs()
      const next = processTree(supervisor).filter((pid) => mesh.isProxy(pid) && !known.includes(pid))
      firstRequestMs.push(answeredMs - Math.max(...next.map(startedMs)))
      known = next
    }
  } finally {
    await mesh.stop()
  }
  const medianMs = median(firstRequestMs)
  console.log(
    `\nfirst proxied request ${medianMs.toFixed(0)} ms after the proxy's exec (median of ${tries}; all: ${firstRequestMs.map((ms) => ms.toFixed(0)).join(', ')})`,
  )
  return { firstRequestMs, medianMs }
}
