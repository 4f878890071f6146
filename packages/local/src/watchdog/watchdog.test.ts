import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { once } from '@weft/testkit/once'
import { startProgram } from '@weft/testkit/start-program'

// A supervisor in small: starts the watchdog, then a child that ignores SIGTERM, has a child of its own, and a stray that
// left the group; prints their pids and waits to be killed.
const supervisor = `
import { spawn } from 'node:child_process'
import { startWatchdog } from ${JSON.stringify(join(import.meta.dirname, 'watchdog.ts'))}
import { entryOf } from ${JSON.stringify(join(import.meta.dirname, '../process/entries.ts'))}
const [runtimeDir, ending] = process.argv.slice(-2)
const watchdog = startWatchdog(entryOf('watchdog'), 'test-run-' + process.pid, runtimeDir)
const env = { ...process.env, WEFT_RUN: 'test-run-' + process.pid }
const start = (script) => spawn('sh', ['-c', script], { detached: true, stdio: 'ignore', env })
const stubborn = start('trap "" TERM; sleep 300 & sleep 300; sleep 300')
watchdog.add(stubborn.pid)
const stray = start('sleep 300')
console.log(JSON.stringify([stubborn.pid, stray.pid]))
if (ending === 'bye') setTimeout(() => { watchdog.close(); process.kill(-stray.pid, 'SIGKILL'); setTimeout(() => process.exit(0), 50) }, 300)
else setInterval(() => {}, 1000)
`

interface Run {
  readonly pids: readonly number[]
  readonly runtimeDir: string
  kill(): void
  ended(): Promise<unknown>
}

async function startSupervisor(ending: 'kill' | 'bye'): Promise<Run> {
  const runtimeDir = mkdtempSync(join(tmpdir(), 'weft-dog-'))
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '-e', supervisor, '--']
  const child = startProgram(process.execPath, [...args, runtimeDir, ending])
  const [line] = await once(child.stdout, 'data')
  const ended = async (): Promise<unknown> => (child.exitCode === null ? once(child, 'exit') : undefined)
  return { pids: JSON.parse(String(line)) as number[], runtimeDir, kill: () => child.kill('SIGKILL'), ended }
}

function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

async function within(timeoutMs: number, condition: () => boolean): Promise<boolean> {
  const deadline = Date.now() + timeoutMs
  while (Date.now() < deadline) {
    if (condition()) return true
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return condition()
}

const skip = process.platform === 'linux' ? false : 'only Linux has /proc'

test('kill -9 of the supervisor ends groups, strays and the runtime folder', { skip }, async () => {
  const run = await startSupervisor('kill')
  assert.ok(run.pids.every(isAlive))
  run.kill()
  // Two seconds are promised; a busy machine gets some more before this is called a failure.
  assert.ok(await within(4_000, () => !run.pids.some(isAlive) && !existsSync(run.runtimeDir)))
})

test('after a farewell the watchdog ends nothing', { skip }, async () => {
  const run = await startSupervisor('bye')
  await run.ended()
  const [stubborn = 0] = run.pids
  await within(1_500, () => !isAlive(stubborn))
  assert.ok(isAlive(stubborn))
  process.kill(-stubborn, 'SIGKILL')
  rmSync(run.runtimeDir, { recursive: true })
})
