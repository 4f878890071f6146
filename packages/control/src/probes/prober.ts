// Asks the entries of WorkloadGroups with a probe, and tells which of them are not ready.
import type { Runtime, Timer } from '@weft/core'
import type { ProbedEntry } from './probe-plan.ts'
import type { ProbeOnce } from './probe-once.ts'
import { afterAnswer, type Readiness, unasked } from './readiness.ts'

/** What a prober needs. */
export interface ProberOptions {
  readonly runtime: Pick<Runtime, 'timers' | 'log'>
  readonly probe: ProbeOnce
  /** Hears of every change of mind: the keys of all entries that are not ready. */
  readonly onChange: (unready: ReadonlySet<string>) => void
}

interface Watched {
  readonly entry: ProbedEntry
  state: Readiness
  timer: Timer | undefined
}

/** Never more than this many questions are open: the others wait for their turn. */
const mostAtOnce = 64

/** One question at a time for each entry, every `periodSeconds`. */
export class Prober {
  readonly #options: ProberOptions
  readonly #watched = new Map<string, Watched>()
  readonly #waiting: Watched[] = []
  #open = 0

  constructor(options: ProberOptions) {
    this.#options = options
  }

  /** Takes the entries there are now; what stays the same keeps its state. */
  watch(entries: readonly ProbedEntry[]): void {
    const before = this.unready
    const now = new Map(entries.map((entry) => [entry.key, entry]))
    for (const [key, watched] of this.#watched) {
      const next = now.get(key)
      if (next !== undefined && next.address === watched.entry.address && sameProbe(next, watched.entry)) continue
      watched.timer?.cancel()
      this.#watched.delete(key)
    }
    for (const entry of entries) {
      if (this.#watched.has(entry.key)) continue
      const watched: Watched = { entry, state: unasked, timer: undefined }
      this.#watched.set(entry.key, watched)
      this.#askIn(watched, entry.probe.initialDelaySeconds)
    }
    if (before.size !== this.unready.size) this.#options.onChange(this.unready)
  }

  /** The keys of the entries that are not ready. */
  get unready(): ReadonlySet<string> {
    return new Set([...this.#watched].filter(([, { state }]) => !state.ready).map(([key]) => key))
  }

  close(): void {
    for (const { timer } of this.#watched.values()) timer?.cancel()
    this.#watched.clear()
    this.#waiting.length = 0
  }

  #askIn(watched: Watched, seconds: number): void {
    watched.timer = this.#options.runtime.timers.set(seconds * 1000, () => this.#ask(watched), { keepAlive: false })
  }

  #ask(watched: Watched): void {
    if (this.#open >= mostAtOnce) {
      this.#waiting.push(watched)
      return
    }
    this.#open++
    const { entry } = watched
    void this.#options
      .probe(entry.probe, entry.address)
      .catch((error: unknown) => `could not be asked: ${String(error)}`)
      .then((problem) => {
        this.#open--
        this.#answered(watched, problem)
        this.#askNext()
      })
  }

  /** Whoever is still watched of those that wait. */
  #askNext(): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (!this.#isWatched(next)) continue
      this.#ask(next)
      return
    }
  }

  #answered(watched: Watched, problem: string | undefined): void {
    if (!this.#isWatched(watched)) return
    const { key, probe } = watched.entry
    const { ready } = watched.state
    watched.state = afterAnswer(watched.state, problem === undefined, probe)
    if (watched.state.ready !== ready) {
      this.#options.runtime.log.info(ready ? 'entry is not ready' : 'entry is ready', { entry: key, problem })
      this.#options.onChange(this.unready)
    }
    this.#askIn(watched, probe.periodSeconds)
  }

  #isWatched(watched: Watched): boolean {
    return this.#watched.get(watched.entry.key) === watched
  }
}

function sameProbe(a: ProbedEntry, b: ProbedEntry): boolean {
  return a.probe === b.probe || JSON.stringify(a.probe) === JSON.stringify(b.probe)
}
