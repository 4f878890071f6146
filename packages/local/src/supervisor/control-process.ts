// The control plane as the supervisor sees it: a process, the ports it bound, and what it says about proxies.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { err, ok, type Result } from '@weft/core'
import type { FilesIn } from '@weft/resources'
import type { CaEndpoint } from '../agent/sign-client.ts'
import { entryOf } from '../process/entries.ts'
import type { LogPrinter } from '../process/log-printer.ts'
import { describeExit, ManagedProcess, restartDelayMs } from '../process/managed-process.ts'
import type { StatePaths } from '../state-paths.ts'
import type { Watchdog } from '../watchdog/watchdog.ts'
import type { UpSettings } from './settings.ts'

/** Where a server of the control plane listens. */
export interface BoundAddress {
  readonly host: string
  readonly port: number
}

/** `.weft/run/control.json`. */
export interface ControlFile {
  readonly pid: number
  readonly xds: BoundAddress
  readonly api: BoundAddress
  readonly metrics: BoundAddress
}

/** The configuration that a mesh was started on; a control plane that starts again looks nowhere else. */
export interface ConfigPlace {
  /** Absolute. */
  readonly dir: string
  readonly filesIn: FilesIn
}

const START_TIMEOUT_MS = 30_000
const POLL_MS = 20
const LABEL = 'control'
/**
 * A start of the control plane and its work on an edit are bursts of CPU that nobody's request waits for. When the machine is full, proxies and
 * applications come first: 3 of 4 parts are theirs where one of them wants the same processor.
 */
const NICENESS = 5

/** Starts, watches and asks the control plane. */
export class ControlProcess {
  readonly #paths: StatePaths
  readonly #settings: UpSettings
  readonly #process: ManagedProcess
  #lastLines: string[] = []
  #bound: ControlFile | undefined
  #failure: string | undefined
  #everUp = false

  constructor(
    paths: StatePaths,
    settings: UpSettings,
    config: ConfigPlace,
    parts: { watchdog: Watchdog; printer: LogPrinter },
  ) {
    this.#paths = paths
    this.#settings = settings
    rmSync(paths.controlFile, { force: true })
    const { command, args } = entryOf('control')
    const spec = {
      label: LABEL,
      command,
      args: () => [...args, ...this.#arguments(config)],
      cwd: paths.root,
      env: { ...settings.env },
      niceness: NICENESS,
    }
    this.#process = new ManagedProcess(
      spec,
      {
        onLine: (line) => {
          this.#lastLines = [...this.#lastLines, line].slice(-20)
          // The supervisor reads the same files and tells of the same mistakes, once.
          if (!line.includes('"component":"config-store"')) parts.printer.weft(LABEL, line)
        },
        onStart: (pid) => {
          if (this.#everUp) this.#whenItServes(pid, () => parts.printer.say('the control plane serves again'))
        },
        onExit: (exit, failures) => {
          if (!this.#everUp) {
            this.#failure = describeExit(exit)
            return undefined
          }
          parts.printer.problem(
            `control plane ${describeExit(exit)}; it is started again, proxies go on with what they have`,
          )
          return restartDelayMs(exit, failures)
        },
      },
      parts.watchdog,
    )
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  get restarts(): number {
    return this.#process.restarts
  }

  /** What it bound; read anew, since a restart may bind other ports. */
  get bound(): ControlFile | undefined {
    try {
      this.#bound = JSON.parse(readFileSync(this.#paths.controlFile, 'utf8')) as ControlFile
    } catch {
      // Not written yet, or being replaced: the last one.
    }
    return this.#bound
  }

  /** Resolves when it serves; the error says why it does not. */
  async untilUp(): Promise<Result<ControlFile>> {
    const deadline = Date.now() + START_TIMEOUT_MS
    while (Date.now() < deadline) {
      if (this.#failure !== undefined) return err(`the control plane ${this.#failure}${this.#tail()}`)
      const bound = this.bound
      if (bound !== undefined) {
        this.#everUp = true
        return ok(bound)
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
    return err(`the control plane did not come up in ${START_TIMEOUT_MS / 1000} s${this.#tail()}`)
  }

  /** Where the CA is at the moment. */
  caEndpoint(): CaEndpoint | undefined {
    const bound = this.bound
    if (bound === undefined) return undefined
    try {
      const rootsPem = readFileSync(join(this.#paths.ca, 'root-cert.pem'), 'utf8')
      const { trustDomain } = this.#settings
      return { target: `${bound.xds.host}:${bound.xds.port}`, rootsPem, trustDomain }
    } catch {
      return undefined
    }
  }

  /** Writes a one-time token where the control plane looks for it, readable by the user only. */
  freshToken(): string {
    const token = randomBytes(32).toString('base64url')
    writeFileSync(this.#paths.bootstrapFile, JSON.stringify({ token }), { mode: 0o600 })
    return token
  }

  /** `GET <path>` on its API; undefined when it does not answer. */
  async ask(path: string): Promise<unknown> {
    const api = this.bound?.api
    if (api === undefined) return undefined
    try {
      const response = await fetch(`http://${api.host}:${api.port}${path}`, { signal: AbortSignal.timeout(2_000) })
      return response.ok ? await response.json() : undefined
    } catch {
      return undefined
    }
  }

  async stop(graceMs: number): Promise<void> {
    // Who waits for it to come up waits no longer.
    this.#failure ??= 'was stopped'
    await this.#process.stop(graceMs)
    rmSync(this.#paths.controlFile, { force: true })
    rmSync(this.#paths.bootstrapFile, { force: true })
  }

  /** Not when the process has gone before that. */
  #whenItServes(pid: number, act: () => void): void {
    const look = setInterval(() => {
      const gone = this.#process.pid !== pid
      if (gone || this.bound?.pid === pid) clearInterval(look)
      if (!gone && this.bound?.pid === pid) act()
    }, POLL_MS)
    look.unref()
  }

  #tail(): string {
    return this.#lastLines.length === 0 ? '' : `; its last lines:\n  ${this.#lastLines.slice(-5).join('\n  ')}`
  }

  #arguments({ dir, filesIn }: ConfigPlace): string[] {
    const { trustDomain, svidTtlMs, accessLog, proxyKind } = this.#settings
    // Ports it was given once (where 0 was asked for) stay its own: proxies look for it there after a restart.
    const bound = this.bound
    const ports =
      bound === undefined
        ? this.#settings.ports
        : { xds: bound.xds.port, api: bound.api.port, metrics: bound.metrics.port }
    return [
      ['--config', dir],
      ['--files-in', filesIn],
      ['--state', this.#paths.state],
      ['--host', '127.0.0.1'],
      ['--xds-port', String(ports.xds)],
      ['--api-port', String(ports.api)],
      ['--metrics-port', String(ports.metrics)],
      ['--trust-domain', trustDomain],
      ['--access-log', accessLog ? 'on' : 'off'],
      ['--proxy', proxyKind],
      ...(svidTtlMs === undefined ? [] : [['--svid-ttl-ms', String(svidTtlMs)]]),
    ].flat()
  }
}
