// The central abstraction of the control plane: a generator sees nothing but its view.
import type { Origin } from '@weft/core'
import { canonicalJson, type WorkloadInstance } from '@weft/resources'
import type { EncodedResource } from '@weft/xds'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import type { Ref } from '../snapshot/mesh-snapshot.ts'

/** A proxy, as far as its configuration depends on it. */
export interface ProxyRef {
  /** `<instance>.<namespace>`. */
  readonly id: string
  readonly instance: WorkloadInstance
  /** Weft's own proxy gets a few resources that Envoy has no use for. */
  readonly flavor: 'weft' | 'envoy'
  /** `explicit`: applications name their proxy; `redirect`: the kernel sends everything to 15001 and 15006. */
  readonly interception: 'explicit' | 'redirect'
  /** gRPC without a proxy: its bootstrap offers certificates, so it can speak mutual TLS. */
  readonly certificates?: boolean
}

/** Everything a build sees; `key` names it completely. */
export interface View<P, R> {
  readonly key: string
  readonly scope: P
  readonly refs: R
}

/** A resource and its type. */
export interface BuiltResource extends EncodedResource {
  readonly type: string
}

/** Something that was written but has no effect, because something else was there first. */
export interface Loser {
  readonly origin: Origin
  readonly reason:
    | 'shadowed'
    | 'host-conflict'
    | 'port-conflict'
    | 'duplicate-subset'
    | 'duplicate-policy'
    | 'unknown-destination'
  /** What won. */
  readonly by?: Origin
  readonly detail: string
}

/** Something a build could not honour; the resource was built without it, or denies (security). */
export interface GeneratorProblem {
  readonly origin: Origin
  readonly message: string
}

/** A piece of a resource that several views make together, encoded. */
export interface Part {
  /** Hash of everything that `join` uses of the part. */
  readonly version: string
  /** Size of what was encoded for it. */
  readonly size: number
}

/** What a build yields. */
export interface Built<T extends Part = Part> {
  readonly resources: readonly BuiltResource[]
  /** Pieces for the generator's `join`. */
  readonly parts?: readonly T[]
  readonly problems: readonly GeneratorProblem[]
  readonly losers: readonly Loser[]
}

/** What a generator may go through one by one. */
export type ItemKind = 'Service' | 'VirtualService' | 'Instance'

/** How a generator is written: `S` is the scope of a proxy, `P` and `R` are scope and references of one view. */
export interface GeneratorOf<S extends object, P extends object, R extends object, T extends Part = Part> {
  readonly name: string
  /** Plain values that the views depend on besides objects: proxies of the same scope share everything. */
  scope(mesh: MeshQuery, proxy: ProxyRef): S
  /**
   * `views` is asked once for each object of these kinds, so that a change of one visits no other; absent: once per scope,
   * with no item.
   */
  readonly each?: readonly ItemKind[]
  /** The views of a scope (and an item), one per independent piece. Whatever it asks of the mesh is what it depends on. */
  views(mesh: MeshQuery, scope: S, item: Ref | undefined): View<P, R>[]
  build(view: View<P, R>): Built<T>
  /**
   * Joins the parts of all views, in the order of `each` and then of keys, to resources; looks only at the parts. `before` is what
   * it returned last time: it may spare work, and must not make a difference.
   */
  join?(scope: S, parts: readonly T[], before: Built | undefined): Built
}

/** A generator whose scope and references are nobody else's business. */
export type Generator = GeneratorOf<object, object, object>

/** Forgets the types of a generator; sound since its views and parts only ever come back to itself. */
export function generator<S extends object, P extends object, R extends object, T extends Part = Part>(
  definition: GeneratorOf<S, P, R, T>,
): Generator {
  return definition as unknown as Generator
}

/** Makes a view of plain values and object references by role; its key holds the scope and `key@hash` of each reference, so it cannot forget one. */
export function makeView<P extends object, R extends { readonly [role in keyof R]: readonly Ref[] }>(
  scope: P,
  refs: R,
): View<P, R> {
  return { key: `${textOf(scope, canonicalJson)}|${textOf(refs, rolesText)}`, scope, refs }
}

function rolesText(refs: object): string {
  return Object.entries(refs as Record<string, readonly Ref[]>)
    .map(([role, list]) => `${role}:${list.map((ref) => `${ref.key}@${ref.hash}`).join(',')}`)
    .join('|')
}

// Scopes and references are immutable, and one object is part of many views: its text is written once.
const texts = new WeakMap<object, string>()

function textOf(value: object, write: (value: object) => string): string {
  let text = texts.get(value)
  if (text === undefined) texts.set(value, (text = write(value)))
  return text
}
