// A map that is another, shared one but for a few names: a thousand streams that hold the same ten thousand resources keep their
// differences only.

const nothing: ReadonlyMap<string, never> = new Map<string, never>()

/** A map by name over a shared one that nobody changes. Iterates the shared names first. */
export class OverlaidMap<V extends object> {
  readonly #same: (a: V | undefined, b: V | undefined) => boolean
  #base: ReadonlyMap<string, V> = nothing
  /** What differs; null: the name is not there. */
  readonly #own = new Map<string, V | null>()
  /** Names that were written since the map was last laid over another; not counted while there is nothing below. */
  readonly #written = new Set<string>()
  #size = 0

  /** `same` tells whether the shared map's value may stand for the own one; undefined: not there. */
  constructor(same: (a: V | undefined, b: V | undefined) => boolean) {
    this.#same = same
  }

  get size(): number {
    return this.#size
  }

  /** How many names it keeps itself. */
  get ownSize(): number {
    return this.#own.size
  }

  /** What it lies over. */
  get base(): ReadonlyMap<string, V> {
    return this.#base
  }

  get(name: string): V | undefined {
    const own = this.#own.get(name)
    return own === undefined ? this.#base.get(name) : (own ?? undefined)
  }

  has(name: string): boolean {
    const own = this.#own.get(name)
    return own === undefined ? this.#base.has(name) : own !== null
  }

  set(name: string, value: V): void {
    if (!this.has(name)) this.#size++
    this.#own.set(name, value)
    this.#write(name)
  }

  delete(name: string): void {
    if (!this.has(name)) return
    this.#size--
    if (this.#base.has(name)) this.#own.set(name, null)
    else this.#own.delete(name)
    this.#write(name)
  }

  *keys(): IterableIterator<string> {
    for (const name of this.#base.keys()) if (!this.#own.has(name)) yield name
    for (const [name, own] of this.#own) if (own !== null) yield name
  }

  *entries(): IterableIterator<[string, V]> {
    for (const name of this.keys()) yield [name, this.get(name) as V]
  }

  /**
   * Lays the map over another one, without changing what it says, where that spares more than it costs. `changedSince` names what may
   * differ between what it lay over before and the new one (undefined: anything); the work grows with that and with what was written since.
   */
  layOver(
    next: ReadonlyMap<string, V>,
    changedSince: (earlier: ReadonlyMap<string, V>) => readonly string[] | undefined,
  ): void {
    if (next === this.#base) return
    const first = this.#base === nothing
    if (first && this.#size * 2 <= next.size) return
    const changed = first ? undefined : changedSince(this.#base)
    const names = new Set(
      changed === undefined
        ? [...next.keys(), ...this.#base.keys(), ...this.#own.keys()]
        : [...changed, ...this.#written],
    )
    const values = Array.from(names, (name) => [name, this.get(name)] as const)
    this.#base = next
    this.#written.clear()
    for (const [name, value] of values) {
      if (this.#same(value, next.get(name))) this.#own.delete(name)
      else this.#own.set(name, value ?? null)
    }
  }

  #write(name: string): void {
    if (this.#base !== nothing) this.#written.add(name)
  }
}
