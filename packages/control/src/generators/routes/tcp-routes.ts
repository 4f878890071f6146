// TCP rules of VirtualServices, decided as far as they do not depend on the connection.
import { originOf, type Origin } from '@weft/core'
import type { Loser } from '../generator.ts'
import { outboundCluster, type Service, serviceHost } from '../hosts.ts'
import type { TcpTarget } from '../tcp-proxy.ts'
import { serviceIndex, VirtualHostBuilder } from './virtual-hosts.ts'
import { type Caller, holdsFor, type VirtualService } from './virtual-service-routes.ts'

/** Where connections to a Service port go, and the rule that says so. */
export function tcpTargets(
  service: Service,
  port: number,
  refs: { readonly services: readonly Service[]; readonly virtualServices: readonly VirtualService[] },
  scope: Pick<Caller, 'namespace' | 'labels'>,
): { targets: TcpTarget[]; losers: Loser[]; origin: Origin } {
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
    return { targets: [{ cluster: outboundCluster(serviceHost(service), port), weight: 1 }], losers, origin }
  }
  const clusterOf = new VirtualHostBuilder(serviceIndex(refs.services)).clusterOf(virtualService, port)
  const targets = rule.route
    .filter((arm, _index, all) => arm.weight > 0 || all.length === 1)
    .map((arm) => ({ cluster: clusterOf(arm.destination), weight: arm.weight }))
  return { targets, losers, origin: originOf(virtualService.id, `spec.tcp[${ruleIndex}]`) }
}
