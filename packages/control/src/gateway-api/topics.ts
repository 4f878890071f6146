// The questions that views ask about Gateway API objects, as names (see snapshot/topics.ts).
import { type KindName, serviceFqdn, type SpecByKind } from '@weft/resources'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { isServiceRef } from './mesh-routes.ts'
import { experimentalGroup, gatewayGroup, type Route } from './objects.ts'
import { backendRefsOf } from './route-backends.ts'

/** The object of a kind by name; kinds without namespaces have ''. */
export function namedTopic(kind: KindName, namespace: string, name: string): string {
  return `${kind}=${namespace}/${name}`
}

/** What names an object of a kind as its parent or its target. */
export function referringTopic(what: string, kind: string, namespace: string, name: string): string {
  return `${what}>${kind}/${namespace}/${name}`
}

/** The objects of a kind in a namespace. */
export function namespaceTopic(kind: KindName, namespace: string): string {
  return `${kind}?${namespace}`
}

/** Routes that ask for the Gateways that call themselves default. */
export const defaultRoutes = 'Route>default'

/** Topics of an object of the Gateway API, and of the Kubernetes objects that it refers to. */
export function gatewayApiTopics(kind: KindName, object: SnapshotObject): readonly string[] {
  const { namespace, name } = object.id
  const named = namedTopic(kind, namespace, name)
  switch (kind) {
    case 'GatewayAPIGateway':
    case 'XMesh':
      return [kind, named]
    case 'GatewayClass':
    case 'XBackend':
    case 'Namespace':
    case 'Secret':
    case 'ConfigMap':
      return [named]
    case 'ReferenceGrant':
      return [namespaceTopic(kind, namespace)]
    case 'ListenerSet': {
      const { parentRef } = object.spec as SpecByKind['ListenerSet']
      return [named, referringTopic(kind, 'Gateway', parentRef.namespace ?? namespace, parentRef.name)]
    }
    case 'BackendTLSPolicy':
    case 'XBackendTrafficPolicy': {
      const { targetRefs } = object.spec as SpecByKind['BackendTLSPolicy' | 'XBackendTrafficPolicy']
      return [...new Set(targetRefs.map((ref) => referringTopic(kind, ref.kind, namespace, ref.name)))]
    }
    case 'RateLimit':
    case 'RetryPolicy':
    case 'TimeoutPolicy':
    case 'HedgingPolicy': {
      const { targetRefs } = object.spec as SpecByKind['RateLimit']
      return [named, ...new Set(targetRefs.map((ref) => referringTopic('Policy', ref.kind, namespace, ref.name)))]
    }
    case 'HTTPRoute':
    case 'GRPCRoute':
    case 'TLSRoute':
    case 'TCPRoute':
    case 'UDPRoute':
      return routeTopics(object as Route)
    default:
      return []
  }
}

/** What routes inside the mesh may need besides what the mesh has anyway: clusters of XBackends, listeners by server name, listeners for datagrams. */
export type MeshNeed = 'backends' | 'names' | 'datagrams'

/** The routes inside the mesh that need something. */
export function meshNeedTopic(need: MeshNeed): string {
  return `Route>mesh/${need}`
}

function routeTopics(route: Route): string[] {
  const { id, spec } = route
  const refs = spec.parentRefs ?? []
  const parents = refs.flatMap((ref) => {
    const { group, kind, namespace = id.namespace, name } = ref
    if (group === gatewayGroup) return [referringTopic('Route', kind, namespace, name)]
    return isServiceRef(ref) ? [meshRouteTopic(serviceFqdn({ namespace, name }))] : []
  })
  const inMesh = refs.some(isServiceRef)
  const needs = inMesh ? needsOf(route).map(meshNeedTopic) : []
  return [...new Set([...parents, ...needs, ...(spec.useDefaultGateways === 'All' ? [defaultRoutes] : [])])]
}

function needsOf(route: Route): MeshNeed[] {
  const { kind } = route.id
  const outside = backendRefsOf(route).some((ref) => ref.group === experimentalGroup && ref.kind === 'XBackend')
  return [
    ...(outside ? (['backends'] as const) : []),
    ...(kind === 'TLSRoute' ? (['names'] as const) : []),
    ...(kind === 'UDPRoute' ? (['datagrams'] as const) : []),
  ]
}

/** The routes for the Service of a full host name, inside the mesh. */
export function meshRouteTopic(host: string): string {
  return `Route>Service/${host}`
}
