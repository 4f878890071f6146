// What DestinationRules say about routes and connections rather than clusters: hashes, idle times.
import { type ConsistentHash, durationMs, resolveHost, type TrafficPolicy } from '@weft/resources'
import type { RouteAction_HashPolicySchema } from '@weft/xds/es/envoy/config/route/v3/route_components'
import type { HashPolicySchema } from '@weft/xds/es/envoy/type/v3/hash_policy'
import type { MeshQuery } from '../../snapshot/mesh-query.ts'
import { duration } from '../config-source.ts'
import {
  byClientAddress,
  type Callers,
  type DestinationRule,
  destinationRulesFor,
  mergeDestinationRules,
  portPolicy,
} from '../destination-rules.ts'
import { type Service, serviceHost } from '../hosts.ts'
import type { Init } from '../init.ts'

/** The policy for a port (and subset) of a host, as far as routes depend on it. */
export type PolicyOf = (host: string, port: number, subset?: string) => TrafficPolicy

/** The rules of those Services whose routes depend on them, each Service's in order. */
export function routeRules(mesh: MeshQuery, services: readonly Service[], callers: Callers): DestinationRule[] {
  return services.flatMap((service) => {
    const rules = destinationRulesFor(mesh, service, callers)
    const implied = impliedRule(service)
    if (implied !== undefined) return [...rules, implied]
    return rules.some(concernsRoutes) ? rules : []
  })
}

const implied = new WeakMap<Service, DestinationRule>()

/** The `sessionAffinity` of a Service in the form of a rule, which holds where no other says how endpoints are chosen. */
function impliedRule(service: Service): DestinationRule | undefined {
  if (service.spec.sessionAffinity === undefined) return undefined
  let rule = implied.get(service)
  if (rule === undefined) {
    const { key, hash, id, labels, annotations } = service
    const spec = {
      host: serviceHost(service),
      trafficPolicy: { loadBalancer: byClientAddress },
      subsets: [],
      exportTo: [],
    }
    rule = { key, hash, id, labels, annotations, spec }
    implied.set(service, rule)
  }
  return rule
}

function concernsRoutes({ spec: { trafficPolicy, subsets } }: DestinationRule): boolean {
  return [trafficPolicy, ...subsets.map((subset) => subset.trafficPolicy)]
    .flatMap((policy) => [policy, ...(policy?.portLevelSettings ?? [])])
    .some(
      (policy) =>
        policy?.loadBalancer?.consistentHash !== undefined || policy?.connectionPool?.tcp?.idleTimeout !== undefined,
    )
}

function isImplied({ id }: DestinationRule): boolean {
  return id.kind === 'Service'
}

/** Looks policies up among `routeRules`. */
export function policyFinder(rules: readonly DestinationRule[]): PolicyOf {
  const merged = new Map<string, ReturnType<typeof mergeDestinationRules>>()
  const affine = new Set(rules.filter(isImplied).map(({ spec }) => spec.host))
  return (host, port, subset) => {
    let found = merged.get(host)
    if (found === undefined) {
      const ofHost = rules.filter((rule) => !isImplied(rule) && resolveHost(rule.spec.host, rule.id.namespace) === host)
      merged.set(host, (found = mergeDestinationRules(ofHost)))
    }
    const own = found.subsets.find((each) => each.subset.name === subset)?.subset.trafficPolicy
    const policy = portPolicy(found.policy, own, port)
    return affine.has(host) ? { loadBalancer: byClientAddress, ...policy } : policy
  }
}

/** What of a request is hashed; a cookie that is not there is made when it may live for a time. */
export function hashPolicies({ loadBalancer }: TrafficPolicy): Init<typeof RouteAction_HashPolicySchema>[] {
  const specifier = hashSpecifier(loadBalancer?.consistentHash)
  return specifier === undefined ? [] : [{ policySpecifier: specifier }]
}

type Specifier = NonNullable<Init<typeof RouteAction_HashPolicySchema>['policySpecifier']>

function hashSpecifier(hash: ConsistentHash | undefined): Specifier | undefined {
  if (hash?.httpHeaderName !== undefined) return { case: 'header', value: { headerName: hash.httpHeaderName } }
  if (hash?.httpQueryParameterName !== undefined) {
    return { case: 'queryParameter', value: { name: hash.httpQueryParameterName } }
  }
  if (hash?.useSourceIp === true) return { case: 'connectionProperties', value: { sourceIp: true } }
  if (hash?.httpCookie === undefined) return undefined
  const { name, path, ttl, attributes = [] } = hash.httpCookie
  return {
    case: 'cookie',
    value: {
      name,
      ...(path === undefined ? {} : { path }),
      ...(ttl === undefined ? {} : { ttl: duration(durationMs(ttl)) }),
      attributes: attributes.map((attribute) => ({ name: attribute.name, value: attribute.value ?? '' })),
    },
  }
}

/** What of a TCP connection is hashed: only the address of the client can be. */
export function tcpHashPolicies({ loadBalancer }: TrafficPolicy): Init<typeof HashPolicySchema>[] {
  if (loadBalancer?.consistentHash?.useSourceIp !== true) return []
  return [{ policySpecifier: { case: 'sourceIp', value: {} } }]
}

/** How long a TCP connection may be idle, milliseconds; undefined: as long as the proxy lets it. */
export function tcpIdleMs({ connectionPool }: TrafficPolicy): number | undefined {
  return durationMs(connectionPool?.tcp?.idleTimeout)
}
