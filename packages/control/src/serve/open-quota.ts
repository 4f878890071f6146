// How many of something each holder has open, and no more than so many.

interface Holder {
  open: number
  /** Its refusal was told already. */
  told: boolean
}

/** A bound for each holder; it remembers those that have something open, and no others. */
export class OpenQuota {
  readonly #max: number
  readonly #holders = new Map<string, Holder>()

  /** Each holder may have `max` open. */
  constructor(max: number) {
    this.#max = max
  }

  /**
   * Counts one more, to be given back with `release`; nothing is counted unless the answer is `open`. `full` is news, `still-full` was
   * answered before: a holder that stays near its bound is told of once, until it has given half of it back.
   */
  take(name: string): 'open' | 'full' | 'still-full' {
    const holder = this.#holders.get(name) ?? { open: 0, told: false }
    this.#holders.set(name, holder)
    if (holder.open < this.#max) {
      holder.open++
      return 'open'
    }
    const known = holder.told
    holder.told = true
    return known ? 'still-full' : 'full'
  }

  /** Gives back what `take` counted. */
  release(name: string): void {
    const holder = this.#holders.get(name)
    if (holder === undefined) return
    holder.open--
    if (holder.open <= this.#max / 2) holder.told = false
    if (holder.open === 0) this.#holders.delete(name)
  }
}
