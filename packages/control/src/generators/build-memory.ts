// What was built, by view: equal views of any scope share one result, which is forgotten with its last user.
import type { Built, Generator, View } from './generator.ts'

/** A result and how many nodes use it. */
export interface RememberedBuild {
  readonly key: string
  readonly built: Built
  users: number
}

/** What translating has cost so far. Counts only grow; the difference of two readings is the work between them. */
export interface TranslationWork {
  /** Objects and instances that came, changed or went. */
  readonly objects: number
  /** Questions whose answer became another. */
  readonly topics: number
  /** Scopes, or items of them, whose views were asked for. */
  readonly views: number
  /** Builds that were not answered from memory. */
  readonly builds: number
  /** Resources and parts encoded, and their bytes. */
  readonly encoded: number
  readonly encodedBytes: number
  /** Resources put together from parts, and their bytes: copied, not encoded. */
  readonly spliced: number
  readonly splicedBytes: number
}

/** Builds each view once. */
export class BuildMemory {
  readonly work: { -readonly [K in keyof TranslationWork]: TranslationWork[K] } = {
    objects: 0,
    topics: 0,
    views: 0,
    builds: 0,
    encoded: 0,
    encodedBytes: 0,
    spliced: 0,
    splicedBytes: 0,
  }
  /** `builds` and `views` by generator. */
  readonly buildCounts = new Map<string, number>()
  readonly viewCounts = new Map<string, number>()
  readonly #builds = new Map<string, RememberedBuild>()

  /** Counts that a scope (or an item of it) was looked at. */
  countView(generator: Generator): void {
    this.work.views++
    count(this.viewCounts, generator.name)
  }

  /** The result of a view, for one more user. */
  take(generator: Generator, view: View<object, object>): RememberedBuild {
    const key = `${generator.name}|${view.key}`
    let build = this.#builds.get(key)
    if (build === undefined) {
      build = { key, built: generator.build(view), users: 0 }
      this.#builds.set(key, build)
      this.#countBuild(generator, build.built)
    }
    build.users++
    return build
  }

  /** One user less. */
  release(build: RememberedBuild): void {
    build.users--
    if (build.users === 0) this.#builds.delete(build.key)
  }

  /** Counts what a join put together. */
  countJoin(joined: Built): void {
    this.work.spliced += joined.resources.length
    for (const { body } of joined.resources) this.work.splicedBytes += body.length
  }

  /** Forgets all results. */
  clear(): void {
    this.#builds.clear()
  }

  #countBuild(generator: Generator, { resources, parts = [] }: Built): void {
    const { work } = this
    work.builds++
    count(this.buildCounts, generator.name)
    work.encoded += resources.length + parts.length
    for (const { body } of resources) work.encodedBytes += body.length
    for (const { size } of parts) work.encodedBytes += size
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

/** The work between two readings. */
export function workBetween(before: TranslationWork, after: TranslationWork): TranslationWork {
  return {
    objects: after.objects - before.objects,
    topics: after.topics - before.topics,
    views: after.views - before.views,
    builds: after.builds - before.builds,
    encoded: after.encoded - before.encoded,
    encodedBytes: after.encodedBytes - before.encodedBytes,
    spliced: after.spliced - before.spliced,
    splicedBytes: after.splicedBytes - before.splicedBytes,
  }
}
