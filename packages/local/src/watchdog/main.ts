// The watchdog: a process in a session of its own that holds the other end of a pipe to `weft up`. When the pipe ends
// without a farewell, the supervisor was killed: everything it had started is ended within two seconds.
// Lines on stdin: `+<pid>` a process group was started, `-<pid>` it ended, `bye` the supervisor ended in good order.
// argv: <run id> <runtime folder to remove>.
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { createInterface } from 'node:readline'

const [runId = '', runtimeDir = ''] = process.argv.slice(2)
const groups = new Set<number>()
const TERM_GRACE_MS = 1_000
let farewell = false

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const pid = Number(line.slice(1))
    if (line === 'bye') farewell = true
    else if (line.startsWith('+')) groups.add(pid)
    else if (line.startsWith('-')) groups.delete(pid)
  })
  .on('close', () => {
    if (farewell) process.exit(0)
    signalAll('SIGTERM')
    setTimeout(() => {
      signalAll('SIGKILL')
      if (runtimeDir !== '') rmSync(runtimeDir, { recursive: true, force: true })
      process.exit(0)
    }, TERM_GRACE_MS)
  })

function signalAll(signal: NodeJS.Signals): void {
  for (const group of groups) send(-group, signal)
  for (const pid of strays()) send(pid, signal)
}

// What left its group (setsid), or was started in the instant before it could be registered, still carries the run's id.
function strays(): number[] {
  const found: number[] = []
  try {
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue
      if (carriesRunId(entry)) found.push(Number(entry))
    }
  } catch {
    // No /proc: the groups have to do.
  }
  return found
}

function carriesRunId(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`WEFT_RUN=${runId}`)
  } catch {
    return false
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // Already gone.
  }
}
