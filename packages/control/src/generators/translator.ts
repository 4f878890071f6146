// From a snapshot and a proxy to its resource table. Views remember what they asked of the mesh, so a change visits those
// that asked about it; proxies share the layers of their scopes, so it visits each of those once, however many proxies there
// are.
import { canonicalJson } from '@weft/resources'
import { layeredTable, type ResourceTable } from '@weft/xds'
import { MeshIndex } from '../snapshot/mesh-index.ts'
import { MeshQuery } from '../snapshot/mesh-query.ts'
import type { MeshSettings } from '../snapshot/mesh-settings.ts'
import type { MeshSnapshot, Ref, RefChanges } from '../snapshot/mesh-snapshot.ts'
import { BuildMemory, type TranslationWork } from './build-memory.ts'
import { Dependants, type Topic } from './dependants.ts'
import type { Generator, GeneratorProblem, ItemKind, Loser, ProxyRef } from './generator.ts'
import { gatewayTarget } from '../gateway-api/data-plane.ts'
import { type BootstrapPatches, noBootstrapPatches } from '../patches/bootstrap-patches.ts'
import { type EnvoyFilter, filtersFor, patchKey, PatchSet } from '../patches/envoy-filters.ts'
import { generatorsOf } from './proxy-kinds.ts'
import { type Layer, sameItems, ScopeSet, type ViewNode } from './scope-set.ts'

/** Everything one proxy gets, and what was left out of it. */
export interface Translation {
  readonly table: ResourceTable
  /** What it is made of, first on top; shared with other proxies. */
  readonly layers: readonly Layer[]
  /** Patches that do not fit. */
  readonly patchProblems?: readonly GeneratorProblem[]
}

/** What the translator knows of a proxy. */
interface KnownProxy {
  ref: ProxyRef
  patches: PatchSet | undefined
  sets: readonly ScopeSet[]
  asked: readonly Topic<KnownProxy>[]
  translation: Translation | undefined
}

/** Translates one line of snapshots. What no proxy used when the next snapshot came is forgotten. */
export class Translator {
  readonly #memory = new BuildMemory()
  readonly #sets = new Map<string, ScopeSet>()
  readonly #patches = new Map<string, PatchSet>()
  readonly #nodes = new Dependants<ViewNode>()
  readonly #proxies = new Map<string, KnownProxy>()
  readonly #scopes = new Dependants<KnownProxy>()
  #index = new MeshIndex()
  #mesh: MeshSnapshot | undefined
  #settings: MeshSettings | undefined

  /** What was done so far. */
  get work(): Readonly<TranslationWork> {
    return { ...this.#memory.work }
  }

  /** Builds done so far by generator. */
  get buildCounts(): ReadonlyMap<string, number> {
    return this.#memory.buildCounts
  }

  /** Views made so far by generator. */
  get viewCounts(): ReadonlyMap<string, number> {
    return this.#memory.viewCounts
  }

  /** The translation of a proxy: the previous one itself when nothing changed for this proxy. */
  translate(mesh: MeshSnapshot, ref: ProxyRef): Translation {
    if (mesh !== this.#mesh) this.#follow(mesh)
    const proxy = this.#proxyOf(ref)
    const layers = proxy.sets.map((set) => set.layer)
    const last = proxy.translation
    const patches = this.#patchesFor(proxy)
    if (last !== undefined && patches === proxy.patches && sameItems(last.layers, layers)) return last
    proxy.patches = patches
    const sets = layers.map((layer) => layer.sets)
    const table = layeredTable(sets, last?.table)
    const patched = patches?.apply(table)
    proxy.translation =
      patched === undefined ? { table, layers } : { table: patched.table, layers, patchProblems: patched.problems }
    return proxy.translation
  }

  /** The EnvoyFilters of a proxy; proxies with the same ones share what was patched. */
  #patchesFor({ ref }: Pick<KnownProxy, 'ref'>): PatchSet | undefined {
    const all = this.#index.at('EnvoyFilter') as readonly EnvoyFilter[]
    if (all.length === 0) return undefined
    const { instance, flavor } = ref
    const gateway = instance.proxy === 'gateway'
    const mesh = new MeshQuery(this.#index, this.#knownSettings())
    const filters = filtersFor(all, gateway ? gatewayTarget(mesh, instance) : instance, flavor, mesh)
    if (filters.length === 0) return undefined
    const key = patchKey(filters, instance)
    const known = this.#patches.get(key) ?? new PatchSet(filters, instance)
    this.#patches.set(key, known)
    return known
  }

  /** What EnvoyFilters change in the bootstrap of a proxy that is, or will be, an Envoy. */
  bootstrapPatches(ref: ProxyRef): BootstrapPatches {
    return this.#patchesFor({ ref: { ...ref, flavor: 'envoy' } })?.bootstrap ?? noBootstrapPatches
  }

  /** Forgets a proxy that is gone. */
  forget(proxyId: string): void {
    const proxy = this.#proxies.get(proxyId)
    if (proxy === undefined) return
    this.#proxies.delete(proxyId)
    this.#scopes.remove(proxy, proxy.asked)
    for (const set of proxy.sets) set.users--
  }

  #follow(mesh: MeshSnapshot): void {
    this.#mesh = mesh
    // Settings are for the life of a mesh; should they change, everything may.
    if (this.#settings !== mesh.config.settings) this.#startOver(mesh.config.settings)
    this.#forgetUnused()
    const used = new Set([...this.#proxies.values()].map(({ patches }) => patches))
    for (const [key, patches] of this.#patches) if (!used.has(patches)) this.#patches.delete(key)
    const { topics, objects, items } = this.#index.follow(mesh)
    this.#memory.work.objects += objects
    this.#memory.work.topics += topics.size
    const nodes = this.#nodes.of(topics)
    const touched = new Set<ScopeSet>()
    for (const set of this.#sets.values()) if (this.#followItems(set, items, nodes)) touched.add(set)
    for (const node of nodes) {
      touched.add(node.owner)
      this.#look(node)
    }
    for (const set of touched) set.finish(this.#index, this.#memory)
    for (const proxy of this.#scopes.of(topics)) this.#rescope(proxy)
  }

  /** Items that came or changed are to be looked at, those that went are forgotten; true if there were any. */
  #followItems(set: ScopeSet, items: ReadonlyMap<string, RefChanges<Ref>>, nodes: Set<ViewNode>): boolean {
    let any = false
    for (const kind of set.generator.each ?? []) {
      const { removed, added } = items.get(kind) ?? { removed: [], added: [] }
      any ||= removed.length + added.length > 0
      for (const item of added) nodes.add(set.add(item))
      for (const item of removed) {
        const node = set.nodeOf(item.key)
        // One that changed has the new item by now.
        if (node === undefined || node.item !== item) continue
        nodes.delete(node)
        this.#nodes.remove(node, node.asked)
        set.remove(node, this.#memory)
      }
    }
    return any
  }

  #look(node: ViewNode): void {
    const query = new MeshQuery(this.#index, this.#knownSettings())
    node.owner.look(node, query, this.#memory)
    node.asked = this.#nodes.move(node, node.asked, query.asked)
  }

  #proxyOf(ref: ProxyRef): KnownProxy {
    const known = this.#proxies.get(ref.id)
    if (known === undefined) {
      const proxy: KnownProxy = { ref, patches: undefined, sets: [], asked: [], translation: undefined }
      this.#proxies.set(ref.id, proxy)
      this.#rescope(proxy)
      return proxy
    }
    const { instance, flavor, interception, certificates } = known.ref
    const same = instance === ref.instance && flavor === ref.flavor && certificates === ref.certificates
    if (!same || interception !== ref.interception) {
      known.ref = ref
      this.#rescope(known)
    }
    return known
  }

  #rescope(proxy: KnownProxy): void {
    const query = new MeshQuery(this.#index, this.#knownSettings())
    const sets = generatorsOf(proxy.ref).map((generator) => this.#setOf(generator, generator.scope(query, proxy.ref)))
    for (const set of sets) set.users++
    for (const set of proxy.sets) set.users--
    proxy.asked = this.#scopes.move(proxy, proxy.asked, query.asked)
    proxy.sets = sets
  }

  #setOf(generator: Generator, scope: object): ScopeSet {
    const key = `${generator.name}|${canonicalJson(scope)}`
    const known = this.#sets.get(key)
    if (known !== undefined) return known
    const set = new ScopeSet(generator, scope)
    this.#sets.set(key, set)
    const items = generator.each?.flatMap((kind: ItemKind) => this.#index.at(kind)) ?? [undefined]
    for (const item of items) this.#look(set.add(item))
    set.finish(this.#index, this.#memory)
    return set
  }

  #forgetUnused(): void {
    for (const [key, set] of this.#sets) {
      if (set.users > 0) continue
      this.#sets.delete(key)
      for (const node of [...set.nodes]) {
        this.#nodes.remove(node, node.asked)
        set.remove(node, this.#memory)
      }
    }
  }

  #startOver(settings: MeshSettings): void {
    this.#settings = settings
    this.#index = new MeshIndex()
    this.#nodes.clear()
    this.#scopes.clear()
    this.#sets.clear()
    this.#patches.clear()
    this.#proxies.clear()
    this.#memory.clear()
  }

  #knownSettings(): MeshSettings {
    if (this.#settings === undefined) throw new Error('invariant violated: nothing was translated yet')
    return this.#settings
  }
}

/** What was left out of any of these translations, and what could not be honoured; each once. */
export function findingsOf(translations: Iterable<Translation>): {
  readonly losers: readonly Loser[]
  readonly problems: readonly GeneratorProblem[]
} {
  const all = [...translations]
  const layers = new Set(all.flatMap((translation) => translation.layers))
  const patchProblems = new Set(all.flatMap((translation) => translation.patchProblems ?? []))
  return {
    losers: eachOnce([...layers].flatMap(({ losers }) => losers)),
    problems: eachOnce([...[...layers].flatMap(({ problems }) => problems), ...patchProblems]),
  }
}

function eachOnce<T>(items: readonly T[]): T[] {
  return [...new Map(items.map((item) => [canonicalJson(item), item])).values()]
}
