/** Who asked about which topic. */
export class Dependants<T> {
  readonly #byTopic = new Map<string, Set<T>>()

  /** Moves an asker from the topics it asked about before to those it asks about now. */
  set(asker: T, before: ReadonlySet<string>, now: ReadonlySet<string>): void {
    for (const topic of before) {
      if (now.has(topic)) continue
      const askers = this.#byTopic.get(topic)
      askers?.delete(asker)
      if (askers?.size === 0) this.#byTopic.delete(topic)
    }
    for (const topic of now) {
      if (before.has(topic)) continue
      const askers = this.#byTopic.get(topic)
      if (askers === undefined) this.#byTopic.set(topic, new Set([asker]))
      else askers.add(asker)
    }
  }

  /** Everyone who asked about any of these topics. */
  of(topics: ReadonlySet<string>): Set<T> {
    const all = new Set<T>()
    for (const topic of topics) for (const asker of this.#byTopic.get(topic) ?? []) all.add(asker)
    return all
  }

  clear(): void {
    this.#byTopic.clear()
  }
}
