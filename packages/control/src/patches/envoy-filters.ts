// EnvoyFilters on the table of a proxy: what is sent is decoded, patched and encoded again, each resource once per patch set.
import { clone, type DescMessage, fromBinary, type Message, toBinary } from '@bufbuild/protobuf'
import type { Origin } from '@weft/core'
import type { EnvoyFilterSpec, Selection } from '@weft/resources'
import { type ResourceTable, resourceTable, type EncodedResource, typeUrl } from '@weft/xds'
import type { Cluster } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { TrafficDirection } from '@weft/xds/es/envoy/config/core/v3/base'
import type { Listener } from '@weft/xds/es/envoy/config/listener/v3/listener'
import type { RouteConfiguration } from '@weft/xds/es/envoy/config/route/v3/route'
import { resourceSchemas, versionOf } from '../generators/encode.ts'
import type { GeneratorProblem, ProxyRef } from '../generators/generator.ts'
import { policyLevel, type PolicyTarget, withServices } from '../policies/workload-selection.ts'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import type { TypedExtensionConfig } from '@weft/xds/es/envoy/config/core/v3/extension'
import { bootstrapPatches, type BootstrapPatches } from './bootstrap-patches.ts'
import { placeExtensions } from './extension-configs.ts'
import { mergeMessage } from './merge-message.ts'
import { missingClusters, type NamedClusters, namedClusters } from './missing-clusters.ts'
import { patchListener } from './patch-listener.ts'
import { patchRoutes } from './patch-routes.ts'
import { isForProxy, type PatchedProxy } from './patched-proxy.ts'
import { listRule, readPatches, type ReadyPatch } from './ready-patch.ts'

/** An EnvoyFilter with its content. */
export type EnvoyFilter = SnapshotObject<EnvoyFilterSpec>

/** The patches that hold for a proxy: those of the root namespace first, then by priority and name. Weft's own proxy gets none. */
export function filtersFor(
  all: readonly EnvoyFilter[],
  target: PolicyTarget,
  flavor: ProxyRef['flavor'],
  mesh: MeshQuery,
): EnvoyFilter[] {
  if (flavor !== 'envoy') return []
  const { rootNamespace } = mesh.settings
  const known = withServices(
    mesh,
    target,
    all.map(({ spec }) => selectionOf(spec)),
  )
  const rank = ({ id }: EnvoyFilter): number => (id.namespace === rootNamespace ? 0 : 1)
  return all
    .filter(({ id, spec }) => policyLevel(id, selectionOf(spec), known, rootNamespace) !== undefined)
    .sort((a, b) => rank(a) - rank(b) || a.spec.priority - b.spec.priority || (a.key < b.key ? -1 : 1))
}

function selectionOf({ workloadSelector, targetRefs }: EnvoyFilterSpec): Selection {
  return {
    selector: { matchLabels: workloadSelector?.labels ?? {} },
    ...(targetRefs === undefined ? {} : { targetRefs }),
  }
}

type Context = 'SIDECAR_INBOUND' | 'SIDECAR_OUTBOUND' | 'GATEWAY'

/** A set of patches for proxies of one kind; remembers what it made of each resource. */
export class PatchSet {
  readonly key: string
  readonly #problems: readonly GeneratorProblem[]
  readonly #named: readonly NamedClusters[]
  /** What changes in what an Envoy is told at its start. */
  readonly bootstrap: BootstrapPatches
  readonly #patches: readonly ReadyPatch[]
  readonly #gateway: boolean
  readonly #done = new WeakMap<EncodedResource, EncodedResource | 'removed'>()

  constructor(filters: readonly EnvoyFilter[], proxy: PatchedProxy) {
    this.key = patchKey(filters, proxy)
    this.#gateway = proxy.proxy === 'gateway'
    const read = filters.flatMap((filter) => readPatches(filter, ({ match }) => isForProxy(match, proxy)))
    this.#patches = read.flatMap((patch) => (patch.ok ? [patch.value] : []))
    const { found, problems } = bootstrapPatches(this.#patches, this.#gateway)
    this.bootstrap = found
    this.#named = namedClusters(this.#patches)
    this.#problems = [...read.flatMap((patch) => (patch.ok ? [] : [patch.error])), ...problems]
  }

  /** The table after all patches, and what is wrong with them. */
  apply(table: ResourceTable): { readonly table: ResourceTable; readonly problems: readonly GeneratorProblem[] } {
    const patched = this.#patchTable(table)
    const missing = missingClusters(this.#named, patched, this.bootstrap)
    return { table: patched, problems: missing.length === 0 ? this.#problems : [...this.#problems, ...missing] }
  }

  #patchTable(table: ResourceTable): ResourceTable {
    const types = new Map<string, ReadonlyMap<string, EncodedResource>>()
    for (const type of Object.values(typeUrl)) {
      const patched = new Map<string, EncodedResource>()
      for (const [name, resource] of table.get(type)) {
        const after = this.#patched(type, resource)
        if (after !== 'removed') patched.set(name, after)
      }
      for (const added of this.#added(type)) patched.set(added.name, added)
      types.set(type, patched)
    }
    return resourceTable(types, (text) => versionOf(new TextEncoder().encode(text)))
  }

  #patched(type: string, resource: EncodedResource): EncodedResource | 'removed' {
    const known = this.#done.get(resource)
    if (known !== undefined) return known
    const made = this.#patch(type, resource)
    this.#done.set(resource, made)
    return made
  }

  #patch(type: string, resource: EncodedResource): EncodedResource | 'removed' {
    const schema = resourceSchemas[type]
    const concerned = this.#patches.filter(({ applyTo }) => typesOf(applyTo).includes(type))
    if (schema === undefined || concerned.length === 0) return resource
    const message = fromBinary(schema, resource.body)
    const context = this.#contextOf(type, message)
    const wanted = concerned.filter((patch) => isIn(context, patch))
    for (const patch of wanted) {
      if (!isAside(patch) && !applyOne(type, message, patch)) return 'removed'
    }
    this.#extend(type, message)
    const body = toBinary(schema, message)
    const version = versionOf(body)
    if (version === resource.version) return resource
    return { ...resource, version, body, origin: [...(resource.origin ?? []), ...originsOf(type, resource, wanted)] }
  }

  /** Configurations that stand apart go where filters ask for them. */
  #extend(type: string, message: Message): void {
    if (type !== typeUrl.listener) return
    const context = this.#contextOf(type, message)
    const configs = this.#patches.filter((patch) => isAside(patch) && isIn(context, patch))
    if (configs.length === 0) return
    placeExtensions(
      message as Listener,
      configs.flatMap(({ value }) => (value === undefined ? [] : [value as TypedExtensionConfig])),
    )
  }

  #contextOf(type: string, message: Message): Context {
    if (this.#gateway) return 'GATEWAY'
    const inbound =
      type === typeUrl.listener
        ? (message as Listener).trafficDirection === TrafficDirection.INBOUND
        : type === typeUrl.cluster && (message as Cluster).name.startsWith('inbound|')
    return inbound ? 'SIDECAR_INBOUND' : 'SIDECAR_OUTBOUND'
  }

  /** Listeners and clusters that are new. */
  #added(type: string): EncodedResource[] {
    const target = type === typeUrl.listener ? 'LISTENER' : type === typeUrl.cluster ? 'CLUSTER' : undefined
    const schema = resourceSchemas[type]
    if (target === undefined || schema === undefined) return []
    return this.#patches.flatMap(({ applyTo, operation, value, match, origin }) => {
      if (applyTo !== target || operation !== 'ADD' || value === undefined) return []
      const { context = 'ANY' } = match ?? {}
      if (context !== 'ANY' && (context === 'GATEWAY') !== this.#gateway) return []
      const message = clone(schema, value)
      this.#extend(type, message)
      const body = toBinary(schema, message)
      return [{ name: (value as Listener | Cluster).name, version: versionOf(body), body, origin: [origin] }]
    })
  }
}

/** Of the patches that a resource was given, those that changed it: whoever looks for what is wrong with it is not sent to the others. */
function originsOf(type: string, resource: EncodedResource, patches: readonly ReadyPatch[]): readonly Origin[] {
  const schema = resourceSchemas[type] as DescMessage
  const message = fromBinary(schema, resource.body)
  let before = versionOf(toBinary(schema, message))
  const changed = patches.filter((patch) => {
    if (isAside(patch)) return true
    applyOne(type, message, patch)
    const after = versionOf(toBinary(schema, message))
    const isOther = after !== before
    before = after
    return isOther
  })
  return changed.map(({ origin }) => origin)
}

/** Whether a patch changes nothing by itself. */
function isAside({ applyTo }: ReadyPatch): boolean {
  return applyTo === 'EXTENSION_CONFIG'
}

function isIn(context: Context, { match }: ReadyPatch): boolean {
  return (match?.context ?? 'ANY') === 'ANY' || match?.context === context
}

/** What a set of patches is known by: proxies for which the same ones are share it. */
export function patchKey(filters: readonly EnvoyFilter[], proxy: PatchedProxy): string {
  const chosen = filters.map(({ key, hash, spec: { configPatches } }) => {
    const left = configPatches.flatMap(({ match }, index) => (isForProxy(match, proxy) ? [] : [index]))
    return `${key}@${hash}${left.length === 0 ? '' : `-${left.join('-')}`}`
  })
  return `${proxy.proxy === 'gateway'}|${chosen.join(',')}`
}

/** Routes may stand inside listeners. */
function typesOf(applyTo: ReadyPatch['applyTo']): readonly string[] {
  switch (applyTo) {
    case 'CLUSTER':
      return [typeUrl.cluster]
    case 'ROUTE_CONFIGURATION':
    case 'VIRTUAL_HOST':
    case 'HTTP_ROUTE':
      return [typeUrl.routeConfiguration, typeUrl.listener]
    case 'BOOTSTRAP':
      return []
    default:
      return [typeUrl.listener]
  }
}

/** False when the resource is removed. */
function applyOne(type: string, message: Message, patch: ReadyPatch): boolean {
  if (type === typeUrl.listener) return patchListener(message as Listener, patch)
  if (type === typeUrl.routeConfiguration) {
    patchRoutes(message as RouteConfiguration, patch)
    return true
  }
  return patchCluster(message as Cluster, patch)
}

function patchCluster(cluster: Cluster, { operation, value, match }: ReadyPatch): boolean {
  const { name, service, subset, portNumber } = match?.cluster ?? {}
  const [direction = '', port = '', ofSubset = '', host = ''] = cluster.name.split('|')
  if (name !== undefined && name !== cluster.name) return true
  if (service !== undefined && service !== host) return true
  if (subset !== undefined && subset !== ofSubset) return true
  if (portNumber !== undefined && (direction === cluster.name || port !== String(portNumber))) return true
  if (operation === 'REMOVE') return false
  const schema = resourceSchemas[typeUrl.cluster]
  if (value !== undefined && schema !== undefined && operation.startsWith('MERGE')) {
    mergeMessage(schema, cluster, value, listRule(operation))
  }
  return true
}
