/** A topic and who asked about it. */
export interface Topic<T> {
  readonly name: string
  readonly askers: Set<T>
}

/** Who asked about which topic. What an asker keeps are the topics themselves, so that their names exist once. */
export class Dependants<T> {
  readonly #topics = new Map<string, Topic<T>>()

  /** Moves an asker from the topics it asked about before to those it asks about now, and returns these. */
  move(asker: T, before: readonly Topic<T>[], now: ReadonlySet<string>): readonly Topic<T>[] {
    for (const topic of before) {
      if (now.has(topic.name)) continue
      topic.askers.delete(asker)
      if (topic.askers.size === 0) this.#topics.delete(topic.name)
    }
    return Array.from(now, (name) => {
      let topic = this.#topics.get(name)
      if (topic === undefined) this.#topics.set(name, (topic = { name, askers: new Set() }))
      topic.askers.add(asker)
      return topic
    })
  }

  /** Forgets an asker. */
  remove(asker: T, before: readonly Topic<T>[]): void {
    this.move(asker, before, new Set())
  }

  /** Everyone who asked about any of these topics. */
  of(names: ReadonlySet<string>): Set<T> {
    const all = new Set<T>()
    for (const name of names) for (const asker of this.#topics.get(name)?.askers ?? []) all.add(asker)
    return all
  }

  clear(): void {
    this.#topics.clear()
  }
}
