// What one generator made for one scope: the views, what each of them asked about, and the layer of resources that every
// proxy of the scope shares.
import { ResourceSet } from '@weft/xds'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import type { MeshIndex } from '../snapshot/mesh-index.ts'
import type { Ref } from '../snapshot/mesh-snapshot.ts'
import type { BuildMemory, RememberedBuild } from './build-memory.ts'
import type { Topic } from './dependants.ts'
import type { Built, BuiltResource, Generator, GeneratorProblem, Loser, Part } from './generator.ts'

/** Resources of a scope by type, and what was found on the way. Immutable; the same object while nothing changed. */
export interface Layer {
  readonly sets: ReadonlyMap<string, ResourceSet>
  readonly losers: readonly Loser[]
  readonly problems: readonly GeneratorProblem[]
}

/** One call of `views`: for a whole scope, or for one item of it. */
export interface ViewNode {
  readonly owner: ScopeSet
  item: Ref | undefined
  asked: readonly Topic<ViewNode>[]
  builds: readonly RememberedBuild[]
}

const emptyLayer: Layer = { sets: new Map(), losers: [], problems: [] }

/** The views of one generator and scope. Mutable; its `layer` is not. */
export class ScopeSet {
  readonly generator: Generator
  readonly scope: object
  /** Proxies that use the layer. */
  users = 0
  readonly #nodes = new Map<string, ViewNode>()
  /** Nodes with findings: few, so that a layer's findings are cheap to collect. */
  readonly #finders = new Set<ViewNode>()
  #changes = new Map<string, Map<string, BuiltResource | undefined>>()
  #partsChanged = false
  /** The nodes in the order of their items; undefined after some came or went. */
  #ordered: readonly ViewNode[] | undefined
  #findingsChanged = false
  #joined: Built | undefined
  #layer = emptyLayer

  constructor(generator: Generator, scope: object) {
    this.generator = generator
    this.scope = scope
  }

  /** As of the last `finish`. */
  get layer(): Layer {
    return this.#layer
  }

  get nodes(): Iterable<ViewNode> {
    return this.#nodes.values()
  }

  /** The views of an item (or the scope) are wanted, in its newest version; they are not looked at yet. */
  add(item: Ref | undefined): ViewNode {
    const known = this.#nodes.get(item?.key ?? '')
    if (known !== undefined) {
      known.item = item
      return known
    }
    const node: ViewNode = { owner: this, item, asked: [], builds: [] }
    this.#nodes.set(item?.key ?? '', node)
    this.#ordered = undefined
    return node
  }

  /** The node of an item, if it has one. */
  nodeOf(key: string): ViewNode | undefined {
    return this.#nodes.get(key)
  }

  /** Forgets an item. */
  remove(node: ViewNode, memory: BuildMemory): void {
    this.#replace(node, [], memory)
    this.#nodes.delete(node.item?.key ?? '')
    this.#ordered = undefined
  }

  /** Looks at the views of a node again, by way of `mesh`, and builds what is not known. */
  look(node: ViewNode, mesh: MeshQuery, memory: BuildMemory): void {
    const views = this.generator.views(mesh, this.scope, node.item)
    memory.countView(this.generator)
    const builds = views.map((view) => memory.take(this.generator, view))
    this.#replace(node, builds, memory)
  }

  /** Brings the layer up to date; true if it is another than before. */
  finish(index: MeshIndex, memory: BuildMemory): boolean {
    if (this.generator.join !== undefined && (this.#partsChanged || this.#joined === undefined))
      this.#join(index, memory)
    const sets = new Map(this.#layer.sets)
    for (const [type, changes] of this.#changes) {
      const before = sets.get(type) ?? ResourceSet.empty()
      const after = before.with(changes)
      if (after.size > 0 || sets.has(type)) sets.set(type, after)
    }
    this.#changes = new Map()
    const changed =
      sets.size !== this.#layer.sets.size || [...sets].some(([type, set]) => this.#layer.sets.get(type) !== set)
    if (!changed && !this.#findingsChanged) return false
    const builts = [...this.#finders].sort(byItem).flatMap((node) => node.builds.map(({ built }) => built))
    if (this.#joined !== undefined) builts.push(this.#joined)
    this.#layer = {
      sets: changed ? sets : this.#layer.sets,
      losers: builts.flatMap(({ losers }) => losers),
      problems: builts.flatMap(({ problems }) => problems),
    }
    this.#findingsChanged = false
    return true
  }

  #replace(node: ViewNode, builds: readonly RememberedBuild[], memory: BuildMemory): void {
    const old = node.builds
    node.builds = builds
    if (!sameItems(old, builds)) {
      const names = new Set<string>()
      for (const { built } of builds) {
        for (const resource of built.resources) {
          // Within a node the first of a name counts.
          const id = `${resource.type}|${resource.name}`
          if (!names.has(id)) this.#change(resource.type, resource.name, resource)
          names.add(id)
        }
      }
      for (const { built } of old) {
        for (const { type, name } of built.resources)
          if (!names.has(`${type}|${name}`)) this.#change(type, name, undefined)
      }
      this.#partsChanged ||= !sameItems(versionsOf(old), versionsOf(builds))
      if (hasFindings(old) || hasFindings(builds)) {
        this.#findingsChanged = true
        if (hasFindings(builds)) this.#finders.add(node)
        else this.#finders.delete(node)
      }
    }
    for (const build of old) memory.release(build)
  }

  #join(index: MeshIndex, memory: BuildMemory): void {
    this.#ordered ??= (this.generator.each ?? []).flatMap((kind) =>
      index.at(kind).flatMap(({ key }) => this.#nodes.get(key) ?? []),
    )
    const parts: Part[] = []
    for (const { builds } of this.#ordered)
      for (const { built } of builds) if (built.parts !== undefined) parts.push(...built.parts)
    const joined = this.generator.join?.(this.scope, parts, this.#joined)
    if (joined === undefined) return
    for (const { type, name } of this.#joined?.resources ?? []) this.#change(type, name, undefined)
    for (const resource of joined.resources) this.#change(resource.type, resource.name, resource)
    memory.countJoin(joined)
    this.#findingsChanged ||=
      joined.losers.length + joined.problems.length > 0 || hasFindings([{ built: this.#joined }])
    this.#joined = joined
    this.#partsChanged = false
  }

  #change(type: string, name: string, resource: BuiltResource | undefined): void {
    let changes = this.#changes.get(type)
    if (changes === undefined) this.#changes.set(type, (changes = new Map()))
    changes.set(name, resource)
  }
}

function partsOf(builds: readonly RememberedBuild[]): Part[] {
  return builds.flatMap(({ built }) => built.parts ?? [])
}

function versionsOf(builds: readonly RememberedBuild[]): string[] {
  return partsOf(builds).map(({ version }) => version)
}

function hasFindings(builds: readonly { readonly built: Built | undefined }[]): boolean {
  return builds.some(({ built }) => built !== undefined && built.losers.length + built.problems.length > 0)
}

/** However it came about, a layer lists its findings in one order. */
function byItem(a: ViewNode, b: ViewNode): number {
  return (a.item?.key ?? '') < (b.item?.key ?? '') ? -1 : 1
}

/** Whether two lists hold the same references. */
export function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}
