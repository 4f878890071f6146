// Which VirtualServices may serve a host at a gateway, and where their rules for connections lead.
import { originOf, type Origin } from '@weft/core'
import { hostCovers, resolveGateway, type L4MatchAttributes } from '@weft/resources'
import type { Service } from './hosts.ts'
import { hostsOf, type PlacedServer } from './gateways.ts'
import { addressChains, type AddressConditions, addressesOfMatch, isForAll } from './routes/address-rules.ts'
import { usedLegs } from './routes/tcp-routes.ts'
import type { TcpTarget } from './tcp-proxy.ts'
import { serviceIndex, VirtualHostBuilder } from './routes/virtual-hosts.ts'
import { holdsFor, type VirtualService } from './routes/virtual-service-routes.ts'

/** A VirtualService at a server, for the hosts that both name: the narrower of each two. */
export interface Binding {
  readonly virtualService: VirtualService
  readonly hosts: readonly string[]
}

/** The VirtualServices that are bound to the Gateway of a server and share hosts with it. */
export function bindingsOf(placed: PlacedServer, virtualServices: readonly VirtualService[]): Binding[] {
  const served = hostsOf(placed)
  return virtualServices.flatMap((virtualService) => {
    const { namespace } = virtualService.id
    if (!gatewaysOfRules(virtualService).includes(placed.gateway)) return []
    const open = served.filter((host) => host.namespace === '*' || host.namespace === namespace)
    // A name without dots is a Service inside the mesh, but what a client of the gateway writes at its door.
    const hosts = open.flatMap(({ host }) =>
      virtualService.spec.hosts.flatMap((written) => narrower(host, written.toLowerCase()) ?? []),
    )
    return hosts.length === 0 ? [] : [{ virtualService, hosts: [...new Set(hosts)] }]
  })
}

function gatewaysOfRules({ id, spec }: VirtualService): string[] {
  return spec.gateways.map((name) => resolveGateway(name, id.namespace))
}

/** The narrower of two overlapping hosts. */
function narrower(a: string, b: string): string | undefined {
  if (hostCovers(a, b)) return b
  return hostCovers(b, a) ? a : undefined
}

/** Where connections go by one rule, and the names it is for. */
export interface ConnectionRule extends AddressConditions {
  readonly targets: readonly TcpTarget[]
  /** Server names that the rule asks for; undefined: any. */
  readonly serverNames: readonly string[] | undefined
  readonly origin: Origin
}

/** Rules for connections of the VirtualServices at a server, in order: those by server name, those for all. */
export class ConnectionRules {
  readonly #placed: PlacedServer
  readonly #bindings: readonly Binding[]
  readonly #namespace: string
  readonly #builder: VirtualHostBuilder

  constructor(
    placed: PlacedServer,
    refs: { readonly virtualServices: readonly VirtualService[]; readonly services: readonly Service[] },
    namespace: string,
  ) {
    this.#placed = placed
    this.#bindings = bindingsOf(placed, refs.virtualServices)
    this.#namespace = namespace
    this.#builder = new VirtualHostBuilder(serviceIndex(refs.services))
  }

  /** Destinations that are no Service. */
  get problems(): VirtualHostBuilder['problems'] {
    return this.#builder.problems
  }

  /** The `tls` rules; their names are narrowed to the hosts of the server. */
  byServerName(): ConnectionRule[] {
    return this.#bindings.flatMap(({ virtualService, hosts }) =>
      virtualService.spec.tls.flatMap((rule, index) =>
        rule.match.flatMap((match, position) => {
          if (!this.#holds(match, virtualService)) return []
          const serverNames = match.sniHosts.flatMap((name) =>
            hosts.flatMap((host) => narrower(host, name.toLowerCase()) ?? []),
          )
          if (serverNames.length === 0) return []
          const origin = originOf(virtualService.id, `spec.tls[${index}].match[${position}]`)
          return [
            {
              targets: this.#targets(rule, virtualService),
              serverNames: [...new Set(serverNames)],
              origin,
              ...addressesOfMatch(match),
            },
          ]
        }),
      ),
    )
  }

  /** The `tcp` rules that hold for the port, up to one for all addresses, each with the addresses that are left for it. */
  byAddress(): ConnectionRule[] {
    const found: ConnectionRule[] = []
    for (const rule of this.#streams()) {
      found.push(rule)
      if (isForAll(rule)) break
    }
    return addressChains(found).map(({ rule, destinations, sources }) => ({ ...rule, destinations, sources }))
  }

  *#streams(): Iterable<ConnectionRule> {
    for (const { virtualService } of this.#bindings) {
      for (const [index, rule] of virtualService.spec.tcp.entries()) {
        for (const match of rule.match ?? [undefined]) {
          if (match !== undefined && !this.#holds(match, virtualService)) continue
          const origin = originOf(virtualService.id, `spec.tcp[${index}]`)
          const targets = this.#targets(rule, virtualService)
          yield { targets, serverNames: undefined, origin, ...addressesOfMatch(match) }
        }
      }
    }
  }

  #holds(match: L4MatchAttributes, { id }: VirtualService): boolean {
    const { server, gateway } = this.#placed
    const caller = { gateways: [gateway], namespace: this.#namespace, labels: {}, port: server.port.number }
    return holdsFor(match, caller, id.namespace)
  }

  #targets(rule: Parameters<typeof usedLegs>[0], virtualService: VirtualService): TcpTarget[] {
    const { clusterOf } = this.#builder.destinationsOf(virtualService, this.#placed.server.port.number)
    return usedLegs(rule).map(({ destination, weight }) => ({ cluster: clusterOf(destination), weight }))
  }
}
