// What a proxy is to its runner, whoever's proxy it is: one or several processes that are kept alive.
import type { Result } from '@weft/core'
import type { LogPrinter } from '../process/log-printer.ts'
import type { Watchdog } from '../watchdog/watchdog.ts'

/** How the processes of a proxy are started. */
export interface ProxyLaunch {
  /** `web-0.proxy`: shown before each line. */
  readonly label: string
  /** Name of the workload instance. */
  readonly instance: string
  readonly bootstrapFile: string
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly accessLog: boolean
  readonly watchdog: Watchdog
  readonly printer: LogPrinter
}

/** The living processes. */
export interface ProxyProcesses {
  /** Of the generation that serves, the leading one first. */
  readonly pids: readonly number[]
  /** Of generations that are finishing what they had begun. */
  readonly retiringPids: readonly number[]
  /** How often the proxy was replaced while it served. */
  readonly epoch: number
  readonly restarts: number
  readonly problem: string | undefined
  /** Last lines of output, for an error message. */
  readonly lastLines: readonly string[]
  isReady(): Promise<boolean>
  /** Stops accepting and waits, up to `timeoutMs`, until connections of others have finished. */
  drain(timeoutMs: number): Promise<void>
  stop(graceMs: number): Promise<void>
  /** Replaces the generation that serves by a new one without losing a connection. */
  replace(how: Replacement): Promise<Result<Replaced>>
}

/** How a generation is to be replaced. */
export interface Replacement {
  /** Processes of the new generation. */
  readonly shards: number
  /** Their environment. */
  readonly env: Readonly<Record<string, string>>
  /** How long connections of the old one may take to finish. */
  readonly drainMs: number
}

/** A replacement that worked: process ids are the proof. */
export interface Replaced {
  readonly epoch: number
  readonly previousPids: readonly number[]
  readonly pids: readonly number[]
}
