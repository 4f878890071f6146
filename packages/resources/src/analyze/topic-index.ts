// Objects by topic, and which topics changed since somebody last asked.
import type { Topics } from './mesh-view.ts'
import { topicsOf } from './topics.ts'
import type { WrittenObject } from './written-object.ts'

interface Topic {
  readonly objects: Map<string, WrittenObject>
  sorted: readonly WrittenObject[] | undefined
}

const empty: readonly WrittenObject[] = []

/** The index of one mesh. */
export class TopicIndex implements Topics {
  readonly #topics = new Map<string, Topic>()
  readonly #topicsOf = new Map<string, ReadonlySet<string>>()
  readonly #changed = new Set<string>()
  /** Of changed topics: whether they had objects before. */
  readonly #before = new Map<string, boolean>()

  at(name: string): readonly WrittenObject[] {
    const topic = this.#topics.get(name)
    if (topic === undefined) return empty
    topic.sorted ??= [...topic.objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object)
    return topic.sorted
  }

  size(name: string): number {
    return this.#topics.get(name)?.objects.size ?? 0
  }

  /** Adds an object under all its topics. */
  add(key: string, object: WrittenObject): void {
    const names = topicsOf(object)
    this.#topicsOf.set(key, names)
    for (const name of names) {
      const topic = this.#touch(name)
      topic.objects.set(key, object)
    }
  }

  /** Takes an object out. */
  remove(key: string): void {
    for (const name of this.#topicsOf.get(key) ?? []) this.#touch(name).objects.delete(key)
    this.#topicsOf.delete(key)
  }

  /** Puts an object in the place of one with equal content: nothing that was found changes. */
  move(key: string, object: WrittenObject): void {
    for (const name of this.#topicsOf.get(key) ?? []) {
      const topic = this.#topics.get(name)
      if (topic === undefined) continue
      topic.objects.set(key, object)
      topic.sorted = undefined
    }
  }

  /** The topics whose objects changed, and `any TOPIC` for those that became empty or no longer are; starts anew. */
  takeChanges(): Set<string> {
    const changes = new Set(this.#changed)
    for (const [name, hadAny] of this.#before) {
      if (this.size(name) > 0 !== hadAny) changes.add(`any ${name}`)
      if (this.size(name) === 0) this.#topics.delete(name)
    }
    this.#changed.clear()
    this.#before.clear()
    return changes
  }

  #touch(name: string): Topic {
    let topic = this.#topics.get(name)
    if (topic === undefined) {
      topic = { objects: new Map(), sorted: undefined }
      this.#topics.set(name, topic)
    }
    if (!this.#changed.has(name)) {
      this.#changed.add(name)
      this.#before.set(name, topic.objects.size > 0)
    }
    topic.sorted = undefined
    return topic
  }
}
