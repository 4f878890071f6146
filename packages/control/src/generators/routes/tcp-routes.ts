// TCP rules of VirtualServices, decided as far as they do not depend on the connection.
import { originOf, type Origin } from '@weft/core'
import { hostCovers, protocolOf, type TrafficPolicy } from '@weft/resources'
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
  const byName = virtualService === undefined ? undefined : tlsRule(service, virtualService, caller)
  const ruleIndex =
    virtualService?.spec.tcp.findIndex(
      (rule) =>
        rule.match === undefined || rule.match.some((match) => holdsFor(match, caller, virtualService.id.namespace)),
    ) ?? -1
  const rule = byName?.rule ?? virtualService?.spec.tcp[ruleIndex]
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
  const origin = originOf(virtualService.id, byName?.path ?? `spec.tcp[${ruleIndex}]`)
  return { targets, losers, origin, policy }
}

/**
 * The `tls` rule for a host on a port that speaks TLS. A client that names the host (in a tunnel, or by the listener that it has for it) asks
 * its server for that name; where it only names an address, chains by server name come first (redirect-ports.ts).
 */
function tlsRule(
  service: Service,
  { id, spec }: VirtualService,
  caller: Caller,
): { readonly rule: VirtualService['spec']['tls'][number]; readonly path: string } | undefined {
  const port = service.spec.ports.find((each) => each.port === caller.port)
  if (port === undefined || !['tls', 'https'].includes(protocolOf(port))) return undefined
  const host = serviceHost(service)
  const index = spec.tls.findIndex(({ match }) =>
    match.some(
      (each) =>
        holdsFor(each, caller, id.namespace) && each.sniHosts.some((name) => hostCovers(name.toLowerCase(), host)),
    ),
  )
  const rule = spec.tls[index]
  return rule === undefined ? undefined : { rule, path: `spec.tls[${index}]` }
}

/** Whether a VirtualService has rules for connections. */
export function rulesConnections({ spec }: VirtualService): boolean {
  return spec.tcp.length + spec.tls.length > 0
}
