// Where what is repeated goes among priorities: away from those that were tried (Envoy's PreviousPrioritiesRetryPriority).
import type { PriorityLevel } from './priority-levels.ts'

/** A level as far as its share is concerned. */
type Level = Pick<PriorityLevel, 'priority' | 'availability'>

/** The priorities of one request. Its tries come in as they fail; every so many of them the shares are worked out anew. */
export class RetryPriorities {
  readonly #every: number
  #tried: number[] = []
  readonly #left = new Set<number>()
  #shares: readonly number[] | undefined = undefined

  /** `every`: how many tries there are between two changes of the shares. */
  constructor(every: number) {
    this.#every = every
  }

  /** A try at an endpoint of this priority is over; undefined: the endpoint is gone, and counts as a try all the same. */
  tried(priority: number | undefined): void {
    this.#tried.push(priority ?? -1)
  }

  /** Percent of the traffic by level, in their order; undefined: as without retries. */
  shares(levels: readonly Level[]): readonly number[] | undefined {
    if (this.#tried.length < this.#every) return undefined
    if (this.#tried.length % this.#every !== 0) return this.#shares
    for (const priority of this.#tried) this.#left.add(priority)
    this.#shares = sharesOf(availableOf(levels, this.#left))
    if (this.#shares !== undefined) return this.#shares
    // All were tried: it begins anew.
    this.#left.clear()
    this.#tried = []
    return (this.#shares = sharesOf(availableOf(levels, this.#left)))
  }
}

function availableOf(levels: readonly Level[], left: ReadonlySet<number>): readonly number[] {
  return levels.map(({ priority, availability }) => (left.has(priority) ? 0 : availability))
}

/** In whole percent, the higher priorities first, as Envoy counts; undefined: nothing is available. */
function sharesOf(available: readonly number[]): readonly number[] | undefined {
  const total = Math.min(
    100,
    available.reduce((sum, one) => sum + one, 0),
  )
  if (total === 0) return undefined
  const shares = available.map(() => 0)
  let left = 100
  for (let before = 0; left > 0 && left !== before; ) {
    before = left
    for (const [at, one] of available.entries()) {
      const more = Math.min(left, Math.floor((one * 100) / total))
      shares[at] = (shares[at] as number) + more
      left -= more
    }
  }
  // Less than one percent each: the first that has any takes what is left.
  if (left > 0) shares[available.findIndex((one) => one > 0)] = left
  return shares
}
