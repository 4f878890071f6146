// The status of policies that are attached to Services: one entry per Gateway that uses one of them.
import type { ServiceSpec } from '@weft/resources'
import { authoritiesOf } from '../gateway-api/backend-tls.ts'
import { resolveBackend } from '../gateway-api/backends.ts'
import type { GatewayModel } from '../gateway-api/gateway-model.ts'
import type { GatewayRefs, RouteRefs } from '../gateway-api/gateway-refs.ts'
import type { Route } from '../gateway-api/objects.ts'
import { backendRefsOf } from '../gateway-api/route-backends.ts'
import type { Fault } from '../gateway-api/listeners.ts'
import { controllerName } from '@weft/resources'
import { type AttachedPolicy, effectivePolicy, targetsOf } from '../gateway-api/policies.ts'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { type Condition, Conditions, type Reader } from './conditions.ts'

type Service = SnapshotObject<ServiceSpec>

/** What a Gateway says of a policy. */
export interface PolicyAncestorStatus {
  readonly ancestorRef: {
    readonly group: string
    readonly kind: string
    readonly namespace: string
    readonly name: string
  }
  readonly controllerName: string
  readonly conditions: readonly Condition[]
}

/** What one Gateway says of the policies on the Services that its routes send to, by the key of the policy. */
export function policyStatuses(
  model: GatewayModel,
  refs: GatewayRefs,
  reader: Reader,
): Map<string, PolicyAncestorStatus> {
  const services = servicesOf(model, refs)
  const found = new Map<string, PolicyAncestorStatus>()
  const { group, kind, namespace, name } = model.gateway.id
  const add = (policy: AttachedPolicy<unknown>, conditions: readonly Condition[]): void => {
    found.set(policy.key, { ancestorRef: { group, kind, namespace, name }, controllerName, conditions })
  }
  const used = <P extends AttachedPolicy<unknown>>(policies: readonly P[]): P[] =>
    policies.filter((policy) => services.some((service) => targetsOf(policy, service).length > 0))
  for (const policy of used(refs.tlsPolicies)) {
    const make = new Conditions(policy, reader)
    const { unusable, unresolved } = authoritiesOf(policy.spec.validation, policy.id.namespace, refs)
    const fault = lostTo(policy, refs.tlsPolicies, services) ?? unusable
    add(policy, [make.unless('Accepted', fault), make.unless('ResolvedRefs', unresolved)])
  }
  for (const policy of used(refs.trafficPolicies)) {
    const make = new Conditions(policy, reader)
    add(policy, [make.unless('Accepted', lostTo(policy, refs.trafficPolicies, services))])
  }
  return found
}

/** What the mesh says of policies on the backends of a route whose parents are Services, by the key of the policy. */
export function meshPolicyStatuses(
  route: Route,
  refs: RouteRefs,
  reader: Reader,
): Map<string, readonly PolicyAncestorStatus[]> {
  const found = new Map<string, PolicyAncestorStatus[]>()
  const add = (policy: AttachedPolicy<unknown>, faultAt: (service: Service) => Fault | undefined): void => {
    for (const service of refs.services.filter((one) => targetsOf(policy, one).length > 0)) {
      const { group, kind, namespace, name } = service.id
      const conditions = [new Conditions(policy, reader).unless('Accepted', faultAt(service))]
      const one = { ancestorRef: { group, kind, namespace, name }, controllerName, conditions }
      found.set(policy.key, [...(found.get(policy.key) ?? []), one])
    }
  }
  for (const policy of route.id.kind === 'TLSRoute' ? [] : refs.tlsPolicies) {
    add(policy, ({ id: { name } }) => {
      const message = `sidecars speak to Service ${name} as the mesh does: the policy holds at Gateways alone`
      return { reason: 'Invalid', message }
    })
  }
  const sendsRequests = route.id.kind === 'HTTPRoute' || route.id.kind === 'GRPCRoute'
  for (const policy of sendsRequests ? refs.trafficPolicies : []) {
    add(policy, (service) => lostTo(policy, refs.trafficPolicies, [service]))
  }
  return found
}

function servicesOf({ attached }: GatewayModel, refs: GatewayRefs): Service[] {
  const services = [...new Set(attached.map(({ route }) => route))].flatMap((route) =>
    backendRefsOf(route).flatMap((ref) => {
      const resolved = resolveBackend(route, ref, refs)
      return resolved.ok && resolved.target.kind === 'service' ? [resolved.target.service] : []
    }),
  )
  return [...new Set(services)]
}

/** A policy that holds for no port of any Service it names has lost to an older one. */
function lostTo<P extends AttachedPolicy<unknown>>(
  policy: P,
  policies: readonly P[],
  services: readonly Service[],
): Fault | undefined {
  const mine = services.filter((service) => targetsOf(policy, service).length > 0)
  let winner: P | undefined
  for (const service of mine) {
    for (const port of service.spec.ports) {
      const holds = effectivePolicy(policies, service, port)
      if (holds === policy) return undefined
      winner ??= holds
    }
  }
  const by = winner === undefined ? 'another policy' : `${winner.id.kind} ${winner.id.namespace}/${winner.id.name}`
  return { reason: 'Conflicted', message: `${by} is attached to the same Services, and is older or first by name` }
}
