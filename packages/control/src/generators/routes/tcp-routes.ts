// TCP rules of VirtualServices, decided as far as they do not depend on the connection.
import { originOf, type Origin } from '@weft/core'
import type { TrafficPolicy } from '@weft/resources'
import type { Loser } from '../generator.ts'
import { outboundCluster, type Service, serviceHost } from '../hosts.ts'
import type { TcpTarget } from '../tcp-proxy.ts'
import type { PolicyOf } from './route-policies.ts'
import { serviceIndex, VirtualHostBuilder } from './virtual-hosts.ts'
import { type Caller, holdsFor, type VirtualService } from './virtual-service-routes.ts'

/** Where connections to a Service port go, and the rule that says so. */
export function tcpTargets(
  service: Service,
  port: number,
  refs: { readonly services: readonly Service[]; readonly virtualServices: readonly VirtualService[] },
  scope: Pick<Caller, 'namespace' | 'labels'>,
  policyOf: PolicyOf = () => ({}),
): { targets: TcpTarget[]; losers: Loser[]; origin: Origin; policy: TrafficPolicy } {
  const caller: Caller = { gateways: ['mesh'], namespace: scope.namespace, labels: scope.labels, port }
  const [virtualService, ...others] = refs.virtualServices
  const losers: Loser[] = others.map((other) => ({
    origin: originOf(other.id, ''),
    reason: 'host-conflict',
    ...(virtualService === undefined ? {} : { by: originOf(virtualService.id, '') }),
    detail: `${serviceHost(service)} already has a VirtualService`,
  }))
  const ruleIndex =
    virtualService?.spec.tcp.findIndex(
      (rule) =>
        rule.match === undefined || rule.match.some((match) => holdsFor(match, caller, virtualService.id.namespace)),
    ) ?? -1
  const rule = virtualService?.spec.tcp[ruleIndex]
  if (virtualService === undefined || rule === undefined) {
    const portIndex = service.spec.ports.findIndex((candidate) => candidate.port === port)
    const origin = originOf(service.id, `spec.ports[${portIndex}]`)
    const targets = [{ cluster: outboundCluster(serviceHost(service), port), weight: 1 }]
    return { targets, losers, origin, policy: policyOf(serviceHost(service), port) }
  }
  const destinations = new VirtualHostBuilder(serviceIndex(refs.services)).destinationsOf(virtualService, port)
  const arms = rule.route.filter((arm, _index, all) => arm.weight > 0 || all.length === 1)
  const targets = arms.map((arm) => ({ cluster: destinations.clusterOf(arm.destination), weight: arm.weight }))
  const [first] = arms
  // A connection has one policy: that of its only destination, or else of the Service it was made to.
  const policy =
    first === undefined || arms.length > 1
      ? policyOf(serviceHost(service), port)
      : policyOf(...destinations.located(first.destination))
  return { targets, losers, origin: originOf(virtualService.id, `spec.tcp[${ruleIndex}]`), policy }
}
