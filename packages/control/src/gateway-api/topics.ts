// The questions that views ask about Gateway API objects, as names (see snapshot/topics.ts).
import { type KindName, serviceFqdn, type SpecByKind } from '@weft/resources'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { gatewayGroup, type Route } from './objects.ts'

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

function routeTopics({ id, spec }: Route): string[] {
  const parents = (spec.parentRefs ?? []).map(({ group, kind, namespace = id.namespace, name }) =>
    group === gatewayGroup
      ? referringTopic('Route', kind, namespace, name)
      : meshRouteTopic(serviceFqdn({ namespace, name })),
  )
  return [...new Set([...parents, ...(spec.useDefaultGateways === 'All' ? [defaultRoutes] : [])])]
}

/** The routes for the Service of a full host name, inside the mesh. */
export function meshRouteTopic(host: string): string {
  return `Route>Service/${host}`
}
