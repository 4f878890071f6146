// The application process of one instance: started, probed, restarted.
import { resolve } from 'node:path'
import { err, ok, type Result } from '@weft/core'
import {
  appEnvironment,
  type MeshObject,
  type ServiceSpec,
  type WorkloadInstance,
  type WorkloadSpec,
} from '@weft/resources'
import type { LogPrinter } from '../process/log-printer.ts'
import { describeExit, GOOD_LIFE_MS, ManagedProcess, restartDelayMs } from '../process/managed-process.ts'
import { RepeatedOutput } from '../process/repeated-output.ts'
import type { Watchdog } from '../watchdog/watchdog.ts'
import { type ReadinessProbe, startReadinessProbe } from './readiness-probe.ts'

/** What an application runner works with. */
export interface AppParts {
  readonly watchdog: Watchdog
  readonly printer: LogPrinter
  readonly root: string
  readonly env: Readonly<Record<string, string>>
  readonly services: readonly MeshObject<ServiceSpec>[]
  /** Whether the instance may take traffic; called at every change. */
  readonly onReady: (ready: boolean) => void
}

const READY_TIMEOUT_MS = 30_000
/** Ends before the first readiness that are forgiven: another process it needs may not be up yet. */
const FORGIVEN_EXITS = 2

/** One application process. */
export class AppRunner {
  readonly #instance: WorkloadInstance
  readonly #spec: WorkloadSpec
  readonly #parts: AppParts
  readonly #env: Record<string, string>
  readonly #cwd: string
  #process: ManagedProcess | undefined
  #probe: ReadinessProbe | undefined
  #lastLines: string[] = []
  #problem: string | undefined
  #failed: string | undefined
  readonly #output: RepeatedOutput
  #lives: NodeJS.Timeout | undefined
  #everReady = false
  #settle = (): void => {}

  constructor(instance: WorkloadInstance, spec: WorkloadSpec, parts: AppParts) {
    this.#instance = instance
    this.#spec = spec
    this.#parts = parts
    this.#output = new RepeatedOutput((line) => parts.printer.line(instance.name, line))
    this.#cwd = resolve(parts.root, spec.workingDirectory ?? '.')
    this.#env = { ...parts.env, ...appEnvironment(instance, parts.services), ...spec.env }
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  get restarts(): number {
    return this.#process?.restarts ?? 0
  }

  get problem(): string | undefined {
    return this.#problem ?? this.#probe?.problem
  }

  /** Starts it; resolves when it is ready for the first time, or will not be. */
  start(): Promise<Result<undefined>> {
    return new Promise((done) => {
      const timer = setTimeout(() => this.#fail(`is not ready after ${READY_TIMEOUT_MS / 1000} s`), READY_TIMEOUT_MS)
      this.#settle = () => {
        clearTimeout(timer)
        this.#settle = () => {}
        done(this.#failed === undefined ? ok(undefined) : err(this.#failed))
      }
      const [command = '', ...args] = this.#spec.command ?? []
      this.#process = new ManagedProcess(
        { label: this.#instance.name, command, args, cwd: this.#cwd, env: this.#env },
        {
          onLine: (line, stream) => {
            this.#lastLines = [...this.#lastLines, line].slice(-20)
            this.#output.line(line, stream)
          },
          onStart: () => this.#onStart(),
          onExit: (exit, failures) => this.#onExit(describeExit(exit), exit, failures),
        },
        this.#parts.watchdog,
      )
    })
  }

  /** SIGTERM, then SIGKILL after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#probe?.close()
    clearTimeout(this.#lives)
    // What the last start said that has ended already was printed once.
    if (this.pid !== undefined) this.#output.settle()
    await this.#process?.stop(graceMs)
    // Whoever still waits for its readiness, and the timer of that wait, must not keep the mesh from ending.
    if (!this.#everReady) this.#failed ??= `${this.#instance.name} was stopped before it was ready`
    this.#settle()
  }

  #onStart(): void {
    this.#output.begin()
    clearTimeout(this.#lives)
    this.#lives = setTimeout(() => this.#output.settle(), GOOD_LIFE_MS)
    this.#lives.unref()
    this.#startProbe()
  }

  #startProbe(): void {
    this.#probe?.close()
    const { readiness } = this.#spec
    const target = { host: this.#instance.appAddress, cwd: this.#cwd, env: this.#env }
    if (readiness === undefined) setImmediate(() => this.#onReady(true))
    else this.#probe = startReadinessProbe(readiness, target, (ready) => this.#onReady(ready))
  }

  #onReady(ready: boolean): void {
    if (this.#process?.pid === undefined && ready) return
    // The service may be without an endpoint from here on, and only this line tells why.
    if (this.#everReady && this.#probe !== undefined) {
      const why = ready ? 'is ready again' : `is not ready any more: ${this.#probe.problem ?? 'its probe failed'}`
      this.#parts.printer.problem(`${this.#instance.name} ${why}`)
    }
    if (ready) {
      this.#problem = undefined
      this.#everReady = true
      // Without a probe it counts as ready when it is started, which says nothing.
      if (this.#probe !== undefined) this.#output.settle()
    }
    this.#parts.onReady(ready)
    if (ready) this.#settle()
  }

  #onExit(words: string, exit: Parameters<typeof restartDelayMs>[0], failures: number): number | undefined {
    this.#probe?.close()
    clearTimeout(this.#lives)
    this.#problem = words
    this.#parts.onReady(false)
    if (!this.#everReady && (failures > FORGIVEN_EXITS || exit.error !== undefined)) {
      this.#fail(words)
      return undefined
    }
    const delayMs = restartDelayMs(exit, failures)
    const told = this.#output.isSame ? `${words} again (${failures} times in a row) and said the same` : words
    const when = delayMs < 1000 ? '' : ` in ${(delayMs / 1000).toFixed(1)} s`
    this.#parts.printer.problem(`${this.#instance.name} ${told}; it is started again${when}`)
    return delayMs
  }

  #fail(words: string): void {
    const because = this.problem === undefined || this.problem === words ? '' : ` (${this.problem})`
    const last = this.#lastLines.slice(-4).map((line) => `\n  ${line}`)
    const command = (this.#spec.command ?? []).join(' ')
    this.#failed = `${this.#instance.name} (${command}) ${words}${because}${last.join('')}`
    this.#settle()
  }
}
