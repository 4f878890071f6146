// Resources of one type by name as an immutable value that is cheap to change: what did not change is shared with the set
// it was made from, and a set can tell which names differ from an earlier one of its line without looking at the others.
import type { EncodedResource } from './resource-table.ts'
import { addDigest, type Digest, emptyDigest, resourceDigest, subtractDigest } from './set-digest.ts'

type Bucket = ReadonlyMap<string, EncodedResource>

/** Names that became different with a revision. */
interface LogEntry {
  readonly revision: number
  readonly names: readonly string[]
}

/** What all sets of a line have in common: the last changes, oldest first. Bounded; whoever is further behind compares. */
interface Line {
  newest: number
  log: LogEntry[]
}

const loggedRevisions = 64
/** Of a change larger than this the names are not kept. */
const loggedNames = 1024
/** Names per bucket on average when a set is laid out anew, and how many it may grow to. */
const bucketSize = 16
const bucketLimit = 128

/** Resources of one type by name. Iterates in the order of the names, however it came about. */
export class ResourceSet implements ReadonlyMap<string, EncodedResource> {
  readonly size: number
  /** Equal if and only if all (name, version) pairs are. */
  readonly digest: Digest
  readonly #buckets: readonly Bucket[]
  readonly #line: Line
  readonly #revision: number
  #sorted: readonly EncodedResource[] | undefined

  private constructor(buckets: readonly Bucket[], size: number, digest: Digest, line: Line, revision: number) {
    this.#buckets = buckets
    this.size = size
    this.digest = digest
    this.#line = line
    this.#revision = revision
  }

  /** A set without resources that begins a line of its own. */
  static empty(): ResourceSet {
    return new ResourceSet([new Map()], 0, emptyDigest, { newest: 0, log: [] }, 0)
  }

  /**
   * The set after changes: a resource replaces the one of its name, undefined removes it. A resource of the same version
   * counts as unchanged. Returns this set itself when nothing changed.
   */
  with(changes: Iterable<readonly [name: string, resource: EncodedResource | undefined]>): ResourceSet {
    const effective = new Map<string, EncodedResource | undefined>()
    for (const [name, resource] of changes) {
      if (this.get(name)?.version === resource?.version) effective.delete(name)
      else effective.set(name, resource)
    }
    if (effective.size === 0) return this
    let { size, digest } = this
    for (const [name, resource] of effective) {
      const old = this.get(name)
      if (old !== undefined) digest = subtractDigest(digest, resourceDigest(name, old.version))
      if (resource !== undefined) digest = addDigest(digest, resourceDigest(name, resource.version))
      size += (resource === undefined ? 0 : 1) - (old === undefined ? 0 : 1)
    }
    const buckets =
      size > this.#buckets.length * bucketLimit ? relaid(this, effective, size) : replaced(this.#buckets, effective)
    const revision = this.#revision + 1
    // A second successor of one set would make a log of two truths: it begins a line of its own.
    const line = this.#line.newest === this.#revision ? this.#line : { newest: 0, log: [] }
    line.newest = revision
    line.log = effective.size > loggedNames ? [] : [...line.log, { revision, names: [...effective.keys()] }]
    if (line.log.length > loggedRevisions) line.log.shift()
    return new ResourceSet(buckets, size, digest, line, revision)
  }

  /** Names that may differ between an earlier set of this line and this one; undefined when that is not known. */
  changedSince(earlier: ResourceSet): readonly string[] | undefined {
    if (earlier === this) return []
    if (earlier.#line !== this.#line || earlier.#revision > this.#revision) return undefined
    const entries = this.#line.log.filter(({ revision }) => revision > earlier.#revision && revision <= this.#revision)
    if (entries.length !== this.#revision - earlier.#revision) return undefined
    const [only] = entries
    return entries.length === 1 && only !== undefined ? only.names : [...new Set(entries.flatMap(({ names }) => names))]
  }

  get(name: string): EncodedResource | undefined {
    return bucketOf(this.#buckets, name).get(name)
  }

  has(name: string): boolean {
    return bucketOf(this.#buckets, name).has(name)
  }

  forEach(visit: (resource: EncodedResource, name: string, map: ReadonlyMap<string, EncodedResource>) => void): void {
    for (const resource of this.#inOrder()) visit(resource, resource.name, this)
  }

  *keys(): MapIterator<string> {
    for (const { name } of this.#inOrder()) yield name
  }

  *values(): MapIterator<EncodedResource> {
    yield* this.#inOrder()
  }

  *entries(): MapIterator<[string, EncodedResource]> {
    for (const resource of this.#inOrder()) yield [resource.name, resource]
  }

  [Symbol.iterator](): MapIterator<[string, EncodedResource]> {
    return this.entries()
  }

  /** Sorted once, for whoever wants the whole set: every new stream does. */
  #inOrder(): readonly EncodedResource[] {
    this.#sorted ??= this.#buckets
      .flatMap((bucket) => [...bucket.values()])
      .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    return this.#sorted
  }
}

function relaid(
  set: ReadonlyMap<string, EncodedResource>,
  changes: ReadonlyMap<string, EncodedResource | undefined>,
  size: number,
): Bucket[] {
  const count = 2 ** Math.ceil(Math.log2(size / bucketSize))
  const buckets = Array.from({ length: count }, () => new Map<string, EncodedResource>())
  for (const [name, resource] of set) if (!changes.has(name)) bucketOf(buckets, name).set(name, resource)
  for (const [name, resource] of changes) if (resource !== undefined) bucketOf(buckets, name).set(name, resource)
  return buckets
}

function replaced(buckets: readonly Bucket[], changes: ReadonlyMap<string, EncodedResource | undefined>): Bucket[] {
  const next = [...buckets]
  const copies = new Map<number, Map<string, EncodedResource>>()
  for (const [name, resource] of changes) {
    const index = indexOf(name, buckets.length)
    let copy = copies.get(index)
    if (copy === undefined) {
      copy = new Map(buckets[index])
      copies.set(index, copy)
      next[index] = copy
    }
    if (resource === undefined) copy.delete(name)
    else copy.set(name, resource)
  }
  return next
}

function bucketOf<B extends Bucket>(buckets: readonly B[], name: string): B {
  return buckets[indexOf(name, buckets.length)] as B
}

/** FNV-1a; the number of buckets is a power of two. */
function indexOf(name: string, buckets: number): number {
  if (buckets === 1) return 0
  let hash = 0x811c9dc5
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193)
  return (hash ^ (hash >>> 15)) & (buckets - 1)
}
