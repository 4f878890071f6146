// A proxy's table as layers of sets that it shares with other proxies: nothing is copied per proxy.
import { ResourceSet } from './resource-set.ts'
import type { EncodedResource, ResourceTable } from './resource-table.ts'
import { addDigest, type Digest, digestText, emptyDigest } from './set-digest.ts'

type Layers = readonly ResourceSet[]

/** Several sets seen as one; a name that more than one has is the first one's. */
class LayeredSet implements ReadonlyMap<string, EncodedResource> {
  readonly layers: Layers
  readonly digest: Digest
  #size: number | undefined

  constructor(layers: Layers) {
    this.layers = layers
    this.digest = layers.reduce((sum, layer) => addDigest(sum, layer.digest), emptyDigest)
  }

  get size(): number {
    this.#size ??= this.#count()
    return this.#size
  }

  get(name: string): EncodedResource | undefined {
    for (const layer of this.layers) {
      const resource = layer.get(name)
      if (resource !== undefined) return resource
    }
    return undefined
  }

  has(name: string): boolean {
    return this.layers.some((layer) => layer.has(name))
  }

  forEach(visit: (resource: EncodedResource, name: string, map: ReadonlyMap<string, EncodedResource>) => void): void {
    for (const [name, resource] of this) visit(resource, name, this)
  }

  *keys(): MapIterator<string> {
    for (const resource of this.values()) yield resource.name
  }

  *values(): MapIterator<EncodedResource> {
    for (const [index, layer] of this.layers.entries()) {
      for (const resource of layer.values()) if (!this.#isHidden(resource.name, index)) yield resource
    }
  }

  *entries(): MapIterator<[string, EncodedResource]> {
    for (const resource of this.values()) yield [resource.name, resource]
  }

  [Symbol.iterator](): MapIterator<[string, EncodedResource]> {
    return this.entries()
  }

  /** Looks through the smaller set of each pair, so that a large shared set is not visited for every proxy. */
  #count(): number {
    const sorted = [...this.layers].sort((a, b) => b.size - a.size)
    return sorted.reduce((sum, layer, index) => {
      const own =
        index === 0
          ? layer.size
          : [...layer.keys()].filter((name) => !sorted.slice(0, index).some((s) => s.has(name))).length
      return sum + own
    }, 0)
  }

  #isHidden(name: string, index: number): boolean {
    for (let above = 0; above < index; above++) if (this.layers[above]?.has(name) === true) return true
    return false
  }
}

/** Makes the table of a proxy from the sets of its layers, the first layer on top. Shares what `previous` has already. */
export function layeredTable(
  layers: readonly ReadonlyMap<string, ResourceSet>[],
  previous: ResourceTable | undefined,
): ResourceTable {
  const byType = new Map<string, ResourceSet[]>()
  for (const layer of layers) {
    for (const [type, set] of layer) {
      const list = byType.get(type)
      if (list === undefined) byType.set(type, [set])
      else list.push(set)
    }
  }
  const types = new Map<string, ResourceSet | LayeredSet>()
  for (const [type, sets] of byType) types.set(type, oneOf(sets, previous?.get(type)))
  return {
    get: (type) => types.get(type) ?? nothing,
    versionOf: (type) => textOf(types.get(type)?.digest ?? emptyDigest),
  }
}

const nothing = ResourceSet.empty()

// Asked for with every acknowledgement of every stream.
const texts = new WeakMap<Digest, string>()

function textOf(digest: Digest): string {
  let text = texts.get(digest)
  if (text === undefined) texts.set(digest, (text = digestText(digest)))
  return text
}

function oneOf(sets: Layers, before: ReadonlyMap<string, EncodedResource> | undefined): ResourceSet | LayeredSet {
  const [only] = sets
  if (only !== undefined && sets.length === 1) return only
  if (before instanceof LayeredSet && before.layers.length === sets.length) {
    if (before.layers.every((layer, index) => layer === sets[index])) return before
  }
  return new LayeredSet(sets)
}

/**
 * Names that may differ between two maps of one type; undefined when only comparing them can tell (they do not come from
 * one line of sets).
 */
export function changedNames(
  earlier: ReadonlyMap<string, unknown>,
  later: ReadonlyMap<string, unknown>,
): readonly string[] | undefined {
  if (earlier === later) return []
  const before = layersOf(earlier)
  const after = layersOf(later)
  if (before === undefined || after === undefined || before.length !== after.length) return undefined
  const names: string[] = []
  for (const [index, layer] of after.entries()) {
    const changed = layer.changedSince(before[index] as ResourceSet)
    if (changed === undefined) return undefined
    names.push(...changed)
  }
  return names
}

function layersOf(map: ReadonlyMap<string, unknown>): Layers | undefined {
  if (map instanceof ResourceSet) return [map]
  return map instanceof LayeredSet ? map.layers : undefined
}
