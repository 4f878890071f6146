// From a snapshot and a proxy to its resource table: runs the ordered generators, memoising views per scope and builds per view.
import { canonicalJson, contentHash } from '@weft/resources'
import { resourceTable, type EncodedResource, type ResourceTable } from '@weft/xds'
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts'
import type { BuiltResource, Built, Generator, GeneratorProblem, Loser, ProxyRef, View } from './generator.ts'
import { generatorsOf } from './proxy-kinds.ts'

/** Everything one proxy gets, and what was left out of it. */
export interface Translation {
  readonly table: ResourceTable
  readonly losers: readonly Loser[]
  readonly problems: readonly GeneratorProblem[]
}

/** The views of one generator and scope, built. The same reference while nothing it depends on changed. */
interface ScopeBuild {
  readonly built: readonly Built[]
  readonly buildKeys: readonly string[]
  usedIn: number
}

interface CachedBuild {
  readonly built: Built
  usedIn: number
}

/**
 * Memo tables of one control plane. What no proxy used in the last two snapshots is forgotten, so the tables are bounded by
 * twice the size of the configuration.
 */
export class Translator {
  /** Builds done so far by generator name: tests and metrics read how much work a change caused. */
  readonly buildCounts = new Map<string, number>()
  /** Views looked at so far by generator name: what a change costs before anything is built. */
  readonly visitCounts = new Map<string, number>()
  #builds = new Map<string, CachedBuild>()
  #scopes = new WeakMap<object, Map<string, ScopeBuild>>()
  #lastScopes = new Map<string, ScopeBuild>()
  #lastTables = new Map<string, { scopes: readonly ScopeBuild[]; translation: Translation; types: TypeMaps }>()
  #epoch = 0
  #mesh: MeshSnapshot | undefined

  /** The table of a proxy. Returns the previous translation itself when nothing changed for this proxy. */
  translate(mesh: MeshSnapshot, proxy: ProxyRef): Translation {
    if (mesh !== this.#mesh) this.#begin(mesh)
    const scopes = generatorsOf(proxy).map((generator) => this.#scopeBuild(generator, mesh, proxy))
    const last = this.#lastTables.get(proxy.id)
    if (last !== undefined && sameItems(last.scopes, scopes)) return last.translation
    const builts = scopes.flatMap((scope) => scope.built)
    const types = mapsByType(builts, last?.types)
    const translation: Translation = {
      table: resourceTable(types, contentHash),
      losers: uniqueBy(
        builts.flatMap((built) => built.losers),
        canonicalJson,
      ),
      problems: uniqueBy(
        builts.flatMap((built) => built.problems),
        canonicalJson,
      ),
    }
    this.#lastTables.set(proxy.id, { scopes, translation, types })
    return translation
  }

  /** Forgets a proxy that is gone. */
  forget(proxyId: string): void {
    this.#lastTables.delete(proxyId)
  }

  #begin(mesh: MeshSnapshot): void {
    this.#mesh = mesh
    this.#epoch += 1
    for (const [key, cached] of this.#builds) if (cached.usedIn < this.#epoch - 2) this.#builds.delete(key)
    for (const [key, scope] of this.#lastScopes) if (scope.usedIn < this.#epoch - 2) this.#lastScopes.delete(key)
  }

  #scopeBuild(generator: Generator, mesh: MeshSnapshot, proxy: ProxyRef): ScopeBuild {
    const scope = generator.scope(mesh.config, proxy)
    const key = `${generator.name}|${canonicalJson(scope)}`
    const part = generator.reads === 'config' ? mesh.config : mesh
    let known = this.#scopes.get(part)
    if (known === undefined) this.#scopes.set(part, (known = new Map()))
    const found = known.get(key)
    if (found !== undefined) return this.#touch(found)
    const views = generator.views(mesh, scope)
    const built = views.map((view) => this.#build(generator, view))
    this.visitCounts.set(generator.name, (this.visitCounts.get(generator.name) ?? 0) + views.length)
    const last = this.#lastScopes.get(key)
    const result =
      last !== undefined && sameItems(last.built, built)
        ? this.#touch(last)
        : { built, buildKeys: views.map((view) => buildKey(generator, view)), usedIn: this.#epoch }
    known.set(key, result)
    this.#lastScopes.set(key, result)
    return result
  }

  /** Keeps what a scope was built from, although its views were not asked for again. */
  #touch(scope: ScopeBuild): ScopeBuild {
    if (scope.usedIn === this.#epoch) return scope
    scope.usedIn = this.#epoch
    for (const key of scope.buildKeys) {
      const cached = this.#builds.get(key)
      if (cached !== undefined) cached.usedIn = this.#epoch
    }
    return scope
  }

  #build(generator: Generator, view: View<object, object>): Built {
    const key = buildKey(generator, view)
    const cached = this.#builds.get(key)
    if (cached !== undefined) {
      cached.usedIn = this.#epoch
      return cached.built
    }
    const built = generator.build(view)
    this.buildCounts.set(generator.name, (this.buildCounts.get(generator.name) ?? 0) + 1)
    this.#builds.set(key, { built, usedIn: this.#epoch })
    return built
  }
}

function buildKey(generator: Generator, view: View<object, object>): string {
  return `${generator.name}|${view.key}`
}

type TypeMaps = ReadonlyMap<string, ReadonlyMap<string, EncodedResource>>

/** Resources by type and name; a type whose resources are all the same as before keeps its map. */
function mapsByType(builts: readonly Built[], last: TypeMaps | undefined): TypeMaps {
  const types = new Map<string, Map<string, BuiltResource>>()
  for (const built of builts) {
    for (const resource of built.resources) {
      let map = types.get(resource.type)
      if (map === undefined) types.set(resource.type, (map = new Map()))
      if (!map.has(resource.name)) map.set(resource.name, resource)
    }
  }
  const shared = new Map<string, ReadonlyMap<string, EncodedResource>>(types)
  for (const [type, map] of types) {
    const before = last?.get(type)
    if (before !== undefined && before.size === map.size && [...map].every(([name, r]) => before.get(name) === r)) {
      shared.set(type, before)
    }
  }
  return shared
}

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}

function uniqueBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [key(item), item])).values()]
}
