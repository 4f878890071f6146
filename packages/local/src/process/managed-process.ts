// One child process in a process group of its own: started, watched, restarted with backoff, ended.
import { type ChildProcess, type SendHandle, spawn } from 'node:child_process'
import { getPriority, setPriority } from 'node:os'
import { createInterface } from 'node:readline'
import type { Watchdog } from '../watchdog/watchdog.ts'

/** What to run. */
export interface ProcessSpec {
  /** Shown before each of its lines. */
  readonly label: string
  readonly command: string
  /** A function is asked at each start. */
  readonly args: readonly string[] | (() => readonly string[])
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** How far it steps back when the processors are all taken, beyond whoever starts it; as with nice(1). */
  readonly niceness?: number
}

/** How a process ended. */
export interface ProcessExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Set when it could not be started at all. */
  readonly error: string | undefined
  readonly upMs: number
}

/** What the owner wants to hear. */
export interface ProcessHandler {
  onLine(line: string, stream: 'out' | 'err'): void
  /** A new process was started. `send` reaches it (and only it) when there is an `onMessage`; a process that is gone hears nothing. */
  onStart?(pid: number, send: (message: object, handle?: object) => void): void
  /** Something came over the channel that a process gets when this is there; `handle` is a descriptor sent with it. */
  onMessage?(message: unknown, handle: unknown): void
  /** It ended although nobody asked. Restart after the returned delay; undefined: leave it. */
  onExit(exit: ProcessExit, failuresInRow: number): number | undefined
}

/** Default restart policy: at once after a good life, else 100 ms doubling up to 10 s. */
export function restartDelayMs(exit: ProcessExit, failuresInRow: number): number {
  if (exit.upMs > GOOD_LIFE_MS || failuresInRow <= 1) return 0
  return Math.min(10_000, 100 * 2 ** Math.min(failuresInRow - 2, 10))
}

/** A life counts as good, and failures are forgotten, after this long. */
export const GOOD_LIFE_MS = 10_000

/** A child that is kept alive until `stop`. */
export class ManagedProcess {
  readonly #spec: ProcessSpec
  readonly #handler: ProcessHandler
  readonly #watchdog: Watchdog
  #child: ChildProcess | undefined
  #timer: NodeJS.Timeout | undefined
  #failures = 0
  #stopping = false
  #startedAt = 0
  #exited: Promise<void> = Promise.resolve()
  restarts = 0

  constructor(spec: ProcessSpec, handler: ProcessHandler, watchdog: Watchdog) {
    this.#spec = spec
    this.#handler = handler
    this.#watchdog = watchdog
    this.#start()
  }

  /** Of the living generation. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** SIGTERM to the group, SIGKILL after `graceMs`; resolves when it is gone. Never restarts afterwards. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#timer)
    if (this.#child === undefined) return
    this.signal('SIGTERM')
    const force = setTimeout(() => this.signal('SIGKILL'), graceMs)
    await this.#exited
    clearTimeout(force)
  }

  /** Sends a signal to the whole group. */
  signal(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid
    if (pid !== undefined) signalGroup(pid, signal)
  }

  #start(): void {
    this.#startedAt = performance.now()
    const { command, cwd, env } = this.#spec
    const args = typeof this.#spec.args === 'function' ? this.#spec.args() : this.#spec.args
    const hasChannel = this.#handler.onMessage !== undefined
    const stdio: ('ignore' | 'pipe' | 'ipc')[] = ['ignore', 'pipe', 'pipe', ...(hasChannel ? (['ipc'] as const) : [])]
    const child = spawn(command, args, { cwd, env, detached: true, stdio })
    this.#child = child
    if (hasChannel) child.on('message', (message, handle) => this.#handler.onMessage?.(message, handle))
    if (child.pid !== undefined) {
      this.#watchdog.add(child.pid)
      stepBack(child.pid, this.#spec.niceness)
      this.#handler.onStart?.(child.pid, (message, handle) => send(child, message, handle))
    }
    for (const [stream, from] of [
      ['out', child.stdout],
      ['err', child.stderr],
    ] as const) {
      if (from !== null) createInterface({ input: from }).on('line', (line) => this.#handler.onLine(line, stream))
    }
    this.#exited = new Promise((resolve) => {
      let ended = false
      const finish = (code: number | null, signal: NodeJS.Signals | null, error: string | undefined): void => {
        if (ended) return
        ended = true
        this.#onEnd(child, { code, signal, error, upMs: performance.now() - this.#startedAt })
        resolve()
      }
      child.once('error', (error) => finish(null, null, error.message))
      child.once('exit', (code, signal) => finish(code, signal, undefined))
    })
  }

  #onEnd(child: ChildProcess, exit: ProcessExit): void {
    this.#child = undefined
    if (child.pid !== undefined) {
      // What the process itself had started must not outlive it: its group ends with it.
      signalGroup(child.pid, 'SIGKILL')
      this.#watchdog.remove(child.pid)
    }
    if (this.#stopping) return
    this.#failures = exit.upMs > GOOD_LIFE_MS ? 1 : this.#failures + 1
    const delayMs = this.#handler.onExit(exit, this.#failures)
    if (delayMs === undefined) return
    this.#timer = setTimeout(() => {
      if (this.#stopping) return
      this.restarts += 1
      this.#start()
    }, delayMs)
  }
}

/** In words, for people. */
export function describeExit(exit: ProcessExit): string {
  if (exit.error !== undefined) return `could not be started: ${exit.error}`
  return exit.signal === null ? `ended with exit code ${exit.code}` : `was ended by ${exit.signal}`
}

function send(child: ChildProcess, message: object, handle: object | undefined): void {
  // With a callback, a channel that is closed is no uncaught error. Node takes native handles, though its types do not say so.
  if (child.connected) child.send(message, handle as SendHandle | undefined, () => {})
}

function stepBack(pid: number, niceness: number | undefined): void {
  if (niceness === undefined) return
  try {
    setPriority(pid, Math.min(getPriority() + niceness, 19))
  } catch {
    // Already gone, or this machine has none of that: it runs all the same.
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // Already gone.
  }
}
