// Ends test files that hang. The runner's own time limit ends a file's process alone, and then waits for what that process started
// and what holds its output open: one such file would hold up the whole run without being named.
import { execFileSync } from 'node:child_process'
import type { TestsStream } from 'node:test'

interface Running {
  heardAt: number
  readonly tests: Set<string>
  /** One of its tests is over: while none runs, it is at its end, or nearly. */
  begun: boolean
}

interface Watched {
  readonly silentMs: number
  /** As `silentMs`, for a file whose tests are over: what they left open keeps it from its end. */
  readonly endingMs: number
  /** Told of each file that was ended, in one line. */
  readonly tell: (line: string) => void
}

/** Watches a run: a file of which nothing was heard for `silentMs` (or `endingMs`) is ended with everything it started, and told with its tests that were running. Returns what stops the watch. */
export function watchForHangs(stream: TestsStream, { silentMs, endingMs, tell }: Watched): () => void {
  const running = new Map<string, Running>()
  const heard = (file: string | undefined): Running | undefined => {
    const found = file === undefined ? undefined : running.get(file)
    if (found !== undefined) found.heardAt = Date.now()
    return found
  }
  stream.on('test:dequeue', ({ name, file }) => {
    if (name === file) running.set(file, { heardAt: Date.now(), tests: new Set(), begun: false })
    else heard(file)?.tests.add(name)
  })
  stream.on('test:complete', ({ name, file }) => {
    if (name === file) running.delete(file)
    else {
      const of = heard(file)
      if (of === undefined) return
      of.tests.delete(name)
      of.begun = true
    }
  })
  const timer = setInterval(() => {
    for (const [file, { heardAt, tests, begun }] of running) {
      const limitMs = begun && tests.size === 0 ? endingMs : silentMs
      if (Date.now() - heardAt < limitMs) continue
      running.delete(file)
      const during = tests.size === 0 ? 'after its last test' : `in: ${[...tests].join('; ')}`
      tell(`HANGS ${file} ${during}; ended after ${Math.round(limitMs / 1_000)} s without a sign`)
      endTree(file)
    }
  }, endingMs / 10)
  return () => clearInterval(timer)
}

/** Ends this process' child that runs the file, and all below it. */
function endTree(file: string): void {
  const processes = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^ *(\d+) +(\d+) (.*)$/.exec(line))
    .filter((found) => found !== null)
    .map(([, pid, parent, args = '']) => ({ pid: Number(pid), parent: Number(parent), args }))
  const below = (pid: number): number[] => [
    pid,
    ...processes.filter(({ parent }) => parent === pid).flatMap((child) => below(child.pid)),
  ]
  const roots = processes.filter(({ parent, args }) => parent === process.pid && args.endsWith(file))
  for (const pid of roots.flatMap((root) => below(root.pid))) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended meanwhile.
    }
  }
}
