// TCP rules of VirtualServices, decided as far as they do not depend on the addresses of the connection.
import { originOf, type Origin } from '@weft/core'
import { hostCovers, protocolOf, type TrafficPolicy } from '@weft/resources'
import type { Loser } from '../generator.ts'
import { outboundCluster, type Service, serviceHost } from '../hosts.ts'
import type { TcpTarget } from '../tcp-proxy.ts'
import {
  type AddressChain,
  type AddressConditions,
  addressChains,
  addressesOfMatch,
  isForAll,
} from './address-rules.ts'
import type { PolicyOf } from './route-policies.ts'
import { serviceIndex, VirtualHostBuilder } from './virtual-hosts.ts'
import { type Caller, holdsFor, type VirtualService } from './virtual-service-routes.ts'

/** Where connections go, the rule that says so, and the addresses that it asks for. */
export interface TcpArm extends AddressConditions {
  readonly targets: readonly TcpTarget[]
  readonly origin: Origin
  readonly policy: TrafficPolicy
}

/** Rules in the order in which they are tried; the last one is for all connections. */
export interface TcpArms {
  readonly arms: readonly TcpArm[]
  readonly last: TcpArm
  readonly losers: readonly Loser[]
}

interface Refs {
  readonly services: readonly Service[]
  readonly virtualServices: readonly VirtualService[]
}

/** The rules for connections to a Service port. */
export function tcpArms(
  service: Service,
  port: number,
  refs: Refs,
  scope: Pick<Caller, 'namespace' | 'labels'>,
  policyOf: PolicyOf = () => ({}),
): TcpArms {
  const caller: Caller = { gateways: ['mesh'], namespace: scope.namespace, labels: scope.labels, port }
  const [virtualService, ...others] = refs.virtualServices
  const losers: Loser[] = others.map((other) => ({
    origin: originOf(other.id, ''),
    reason: 'host-conflict',
    ...(virtualService === undefined ? {} : { by: originOf(virtualService.id, '') }),
    detail: `${serviceHost(service)} already has a VirtualService`,
  }))
  const arms: TcpArm[] = []
  for (const found of virtualService === undefined ? [] : rulesFor(service, virtualService, caller)) {
    const arm = { ...found.conditions, ...ruled(service, port, found, refs.services, policyOf) }
    if (isForAll(found.conditions)) return { arms, last: arm, losers }
    arms.push(arm)
  }
  const portIndex = service.spec.ports.findIndex((candidate) => candidate.port === port)
  const origin = originOf(service.id, `spec.ports[${portIndex}]`)
  const targets = [{ cluster: outboundCluster(serviceHost(service), port), weight: 1 }]
  return { arms, last: { targets, origin, policy: policyOf(serviceHost(service), port) }, losers }
}

/** The chains of these rules: the one for all connections, and before it those that ask for addresses. */
export function armChains({ arms, last }: TcpArms): AddressChain<TcpArm>[] {
  return arms.length === 0 ? [{ rule: last }] : addressChains([...arms, last])
}

interface FoundRule {
  readonly virtualService: VirtualService
  readonly rule: VirtualService['spec']['tcp'][number] | VirtualService['spec']['tls'][number]
  readonly path: string
  readonly conditions: AddressConditions
}

/** The rules that hold for a caller, each as often as it has matches: `tls` rules first, where the port speaks TLS. */
function* rulesFor(service: Service, virtualService: VirtualService, caller: Caller): Iterable<FoundRule> {
  const { id, spec } = virtualService
  if (speaksTls(service, caller.port)) {
    const host = serviceHost(service)
    for (const [index, rule] of spec.tls.entries()) {
      for (const match of rule.match) {
        if (!holdsFor(match, caller, id.namespace)) continue
        if (!match.sniHosts.some((name) => hostCovers(name.toLowerCase(), host))) continue
        yield { virtualService, rule, path: `spec.tls[${index}]`, conditions: addressesOfMatch(match) }
      }
    }
  }
  for (const [index, rule] of spec.tcp.entries()) {
    for (const match of rule.match ?? [undefined]) {
      if (match !== undefined && !holdsFor(match, caller, id.namespace)) continue
      yield { virtualService, rule, path: `spec.tcp[${index}]`, conditions: addressesOfMatch(match) }
    }
  }
}

/**
 * A client that names the host of such a port (in a tunnel, or by the listener that it has for it) asks its server for that name; where it only
 * names an address, chains by server name come first (redirect-ports.ts).
 */
function speaksTls(service: Service, number: number | undefined): boolean {
  const port = service.spec.ports.find((each) => each.port === number)
  return port !== undefined && ['tls', 'https'].includes(protocolOf(port))
}

function ruled(
  service: Service,
  port: number,
  { virtualService, rule, path }: FoundRule,
  services: readonly Service[],
  policyOf: PolicyOf,
): Omit<TcpArm, keyof AddressConditions> {
  const destinations = new VirtualHostBuilder(serviceIndex(services)).destinationsOf(virtualService, port)
  const legs = usedLegs(rule)
  const targets = legs.map((leg) => ({ cluster: destinations.clusterOf(leg.destination), weight: leg.weight }))
  const [first] = legs
  // A connection has one policy: that of its only destination, or else of the Service it was made to.
  const policy =
    first === undefined || legs.length > 1
      ? policyOf(serviceHost(service), port)
      : policyOf(...destinations.located(first.destination))
  return { targets, origin: originOf(virtualService.id, path), policy }
}

/** The destinations that get a share: a proxy refuses weights of 0. One alone gets everything, whatever its weight. */
export function usedLegs({ route }: Pick<FoundRule['rule'], 'route'>): FoundRule['rule']['route'] {
  return route.filter(({ weight }) => weight > 0 || route.length === 1)
}

/** Whether a VirtualService has rules for connections. */
export function rulesConnections({ spec }: VirtualService): boolean {
  return spec.tcp.length + spec.tls.length > 0
}
