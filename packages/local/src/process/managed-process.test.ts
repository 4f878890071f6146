import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { test } from 'node:test'
import { until } from '@weft/testkit/until'
import type { Watchdog } from '../watchdog/watchdog.ts'
import { describeExit, ManagedProcess, type ProcessExit, restartDelayMs } from './managed-process.ts'

const exit: ProcessExit = { code: 1, signal: null, error: undefined, upMs: 5 }

function recordingWatchdog(): Watchdog & { readonly groups: Set<number> } {
  const groups = new Set<number>()
  return { groups, add: (pid) => void groups.add(pid), remove: (pid) => void groups.delete(pid), close() {} }
}

const spec = { label: 'x', cwd: '/', env: { PATH: process.env['PATH'] ?? '' } }

test('the first restart comes at once, later ones after 100 ms doubling to 10 s, and a good life forgives', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 9, 99].map((failures) => restartDelayMs(exit, failures)),
    [0, 100, 200, 400, 10_000, 10_000],
  )
  assert.equal(restartDelayMs({ ...exit, upMs: 60_000 }, 99), 0)
})

test('a process that ends is started again, and its group is known to the watchdog while it lives', async () => {
  const watchdog = recordingWatchdog()
  const pids: number[] = []
  const exits: ProcessExit[] = []
  await new Promise<void>((resolve) => {
    const child = new ManagedProcess(
      { ...spec, command: 'sh', args: ['-c', 'exit 7'] },
      {
        onLine() {},
        onStart: (pid) => {
          pids.push(pid)
          assert.ok(watchdog.groups.has(pid))
        },
        onExit(ended, failures) {
          exits.push(ended)
          if (failures < 3) return 0
          resolve()
          return undefined
        },
      },
      watchdog,
    )
    assert.equal(child.restarts, 0)
  })
  assert.equal(new Set(pids).size, 3)
  assert.deepEqual(
    exits.map(({ code }) => code),
    [7, 7, 7],
  )
  assert.equal(watchdog.groups.size, 0)
})

test('a process that is to step back does, and whoever starts it does not', async () => {
  const own = getPriority()
  // `nice` without a command says how it runs; it is asked until it is so, since that is set once the process is there.
  const script = `until [ "$(nice)" = ${Math.min(own + 7, 19)} ]; do sleep 0.01; done; exit 3`
  const ended = await new Promise<ProcessExit>((resolve) => {
    const child = new ManagedProcess(
      { ...spec, command: 'sh', args: ['-c', script], niceness: 7 },
      { onLine() {}, onExit: (seen) => (resolve(seen), undefined) },
      recordingWatchdog(),
    )
    setTimeout(() => child.signal('SIGKILL'), 5_000).unref()
  })
  assert.equal(ended.code, 3)
  assert.equal(getPriority(), own)
})

test('a command that cannot be started is told as such', async () => {
  const ended = await new Promise<ProcessExit>((resolve) => {
    const child = new ManagedProcess(
      { ...spec, command: '/nowhere/at-all', args: [] },
      { onLine() {}, onExit: (seen) => (resolve(seen), undefined) },
      recordingWatchdog(),
    )
    assert.equal(child.pid, undefined)
  })
  assert.match(describeExit(ended), /could not be started: .*ENOENT/)
})

test('stop ends the whole group, first politely, and never restarts', async () => {
  const lines: string[] = []
  let exits = 0
  const child = new ManagedProcess(
    { ...spec, command: 'sh', args: ['-c', 'trap "" TERM; sleep 60 & echo $!; wait; sleep 60'] },
    { onLine: (line) => void lines.push(line), onExit: () => (exits++, 0) },
    recordingWatchdog(),
  )
  await until(() => lines.length > 0, 'the first line')
  const grandchild = Number(lines[0])
  assert.ok(isAlive(grandchild))
  await child.stop(100)
  await until(() => !isAlive(grandchild), 'the end of the grandchild')
  assert.equal(exits, 0)
  assert.equal(child.pid, undefined)
})

// A zombie that nobody has reaped yet does not count.
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return process.platform !== 'linux' || !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}
