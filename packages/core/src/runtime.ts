// Everything a plane needs from the outside world. `main.ts` hands in the real one (`@weft/core/node`), tests and the
// simulation hand in a deterministic one (`@weft/testkit`). Pure code never sees it.
import type { Net } from './transport.ts'

/** Time. `nowMs` is monotonic with fractions; `wallMs` is milliseconds since 1970. */
export interface Clock {
  nowMs(): number
  wallMs(): number
}

/** One armed timer. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void
}

/** Timers. A timer never fires synchronously from `set`. `keepAlive: false` does not hold the process open. */
export interface Timers {
  set(delayMs: number, onFire: () => void, options?: { readonly keepAlive?: boolean }): Timer
  /** Runs once everything that has arrived by now was told. Absent: a microtask does. */
  soon?(onFire: () => void): void
}

/** Randomness. `float` is in [0, 1); `fill` writes cryptographically strong bytes (deterministic ones in simulation). */
export interface Rng {
  float(): number
  fill(target: Uint8Array): void
}

/** Structured log fields; values are printed as JSON. Secrets never go in. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined | null>>

/** A leveled, structured log. `child` adds fields to every line. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  child(fields: LogFields): Logger
}

/** The few file operations the planes need; paths are absolute. Errors are values: the disk may be full. */
export interface Files {
  read(path: string): Promise<Uint8Array | undefined>
  /** Writes to a temporary name, syncs and renames, so that a reader sees the old or the new content, never a part. */
  writeAtomic(
    path: string,
    bytes: Uint8Array,
    mode?: number,
  ): Promise<{ readonly ok: true } | { readonly ok: false; readonly error: string }>
  /**
   * Names (not paths) of the files below `dir`, recursively and through links, sorted; undefined when it does not exist. Hidden files and
   * `node_modules` may be left out. Links that lead nowhere are told to `onDangling` with what they say: what was behind them may be a file or a whole
   * directory. Throws when some directory cannot be read.
   */
  list(dir: string, onDangling?: (name: string, target: string) => void): Promise<readonly string[] | undefined>
  remove(path: string): Promise<void>
  /** Calls back when something below `dir` may have changed (coalesced, may be spurious). */
  watch(dir: string, onChange: () => void): { close(): void }
}

/** What `main.ts` hands to a plane. */
export interface Runtime {
  readonly clock: Clock
  readonly timers: Timers
  readonly rng: Rng
  readonly log: Logger
  readonly files: Files
  readonly net: Net
}
