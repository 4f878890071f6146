// Listeners that nobody dials: the kernel redirects connections to 15001, and each is handed to the listener of the port it was made to.
// There the protocol, the server name or the address tells which host is meant.
import { type Origin, originOf } from '@weft/core'
import { hostCovers, protocolOf, type ServicePort } from '@weft/resources'
import { TrafficDirection } from '@weft/xds/es/envoy/config/core/v3/base'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import type { ListenerFilterSchema } from '@weft/xds/es/envoy/config/listener/v3/listener_components'
import { namesToward } from './dynamic-hosts.ts'
import { encodeResource } from './encode.ts'
import { type BuiltResource, generator, type Loser, makeView } from './generator.ts'
import { joinMeshRefs, meshRouteRefs, type MeshRouteRefs, ownMeshRefs } from './gateway-api/mesh-hosts.ts'
import { matchOfNames, type MeshStreams, meshStreams, nameOfNames } from './gateway-api/mesh-streams.ts'
import { outboundCluster, portKind, type Service, serviceHost } from './hosts.ts'
import { httpConnectionManager } from './http-connection-manager.ts'
import { sniffTimeout, tlsInspector } from './inbound-chains.ts'
import type { Init } from './init.ts'
import { weftMetadata } from './metadata.ts'
import { listenerMetadata } from './metrics.ts'
import { httpInspector, sniffedHttp } from './outbound-listeners.ts'
import { callerScope, importedRules, outboundHttp } from './outbound-routes.ts'
import { anyAddress } from './redirect-listeners.ts'
import {
  type AddressConditions,
  addressesOfMatch,
  addressMatch,
  canonical,
  covers as rangeCovers,
  isForAll,
  type MatchedChain,
  spread,
} from './routes/address-rules.ts'
import { armChains, type TcpArm, type TcpArms, tcpArms, usedLegs } from './routes/tcp-routes.ts'
import { serviceIndex, VirtualHostBuilder, virtualServicesFor } from './routes/virtual-hosts.ts'
import { type Caller, holdsFor, type VirtualService } from './routes/virtual-service-routes.ts'
import { isSeen } from './service-references.ts'
import { commonImportsOf, covers, egressPortsOf, clusterForUnknown } from './sidecar-scope.ts'
import { socketAddress } from './socket-address.ts'
import { withStreams } from './stream-chains.ts'
import { tcpFilters, tcpProxy, type TcpTarget } from './tcp-proxy.ts'
import { type Telemetry, telemetryOf } from './telemetry.ts'

type FilterChainInit = MatchedChain

interface PortScope {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly accessLog: Telemetry
  readonly unknown: string
  /** Ports that a Sidecar has a listener of its own for. */
  readonly taken: readonly number[]
}

interface PortRefs extends Omit<MeshRouteRefs, 'services'> {
  /** Where routes of the Gateway API send to. */
  readonly targets: MeshRouteRefs['services']
  readonly services: readonly Service[]
  readonly virtualServices: readonly VirtualService[]
  readonly destinations: readonly Service[]
}

/** `0.0.0.0_<port>` per outbound port */
export const redirectPorts = generator({
  name: 'redirect-ports',
  scope: (mesh, proxy) => ({
    ...callerScope(mesh, proxy),
    accessLog: telemetryOf(mesh, proxy, 'CLIENT'),
    unknown: clusterForUnknown(mesh, proxy),
    hosts: commonImportsOf(mesh, proxy),
    taken: egressPortsOf(mesh, proxy).flatMap(({ port, bound }) => (bound ? [] : [port])),
  }),
  views(mesh, { hosts, ...scope }) {
    const services = mesh
      .services()
      .filter(
        (service) =>
          (hosts === undefined || covers(hosts, service.id.namespace, serviceHost(service))) &&
          isSeen(mesh, service, scope),
      )
    const rules = services
      .filter(({ spec }) => spec.ports.some((port) => portKind(port) === 'tcp'))
      .flatMap((service) => importedRules(mesh, service, scope.namespace, hosts))
      .filter(({ spec }) => spec.tcp.length + spec.tls.length > 0)
    const virtualServices = [...new Set(rules)]
    const streams = services.filter(({ spec }) => spec.ports.some((port) => portKind(port) === 'tcp'))
    const routed = joinMeshRefs(streams.map((service) => meshRouteRefs(mesh, service, scope.namespace).refs))
    const { services: targets, ...routes } = routed
    return [
      makeView<PortScope, PortRefs>(scope, {
        ...routes,
        targets,
        services,
        virtualServices,
        destinations: mesh.destinationsOf(virtualServices),
      }),
    ]
  },
  build({ scope, refs }) {
    const ports = new Set(refs.services.flatMap(({ spec }) => spec.ports.map(({ port }) => port)))
    const built = [...ports]
      .filter((port) => !scope.taken.includes(port))
      .sort((a, b) => a - b)
      .map((port) => new OutboundPort(port, scope, refs).build())
    return {
      resources: built.flatMap(({ resource }) => resource ?? []),
      problems: [],
      losers: built.flatMap(({ losers }) => losers),
    }
  },
})

/** A port of a host, and what routes say of connections to it. */
interface Served {
  readonly service: Service
  readonly port: ServicePort
  readonly streams: MeshStreams | undefined
}

/** The chains of one port. */
class OutboundPort {
  readonly #port: number
  readonly #scope: PortScope
  readonly #refs: PortRefs
  readonly #chains: FilterChainInit[] = []
  readonly #losers: Loser[] = []
  readonly #origins = new Set<Origin>()
  readonly #names = new Set<string>()
  /** Address ranges that `tls` rules ask for. */
  readonly #ranges: string[] = []

  constructor(port: number, scope: PortScope, refs: PortRefs) {
    this.#port = port
    this.#scope = scope
    this.#refs = refs
  }

  build(): { readonly resource: BuiltResource | undefined; readonly losers: readonly Loser[] } {
    const routes = { ...this.#refs, services: this.#refs.targets }
    const served = this.#refs.services.flatMap((service) =>
      service.spec.ports
        .filter(({ port }) => port === this.#port)
        .map((port): Served => {
          const own = ownMeshRefs(routes, service, this.#scope.namespace)
          return { service, port, streams: meshStreams(own, service, port.port) }
        }),
    )
    const http = served.find(({ port }) => portKind(port) === 'http')
    const routed = served.filter(({ streams }) => streams !== undefined)
    const named = served.filter((each) => !routed.includes(each) && ['https', 'tls'].includes(protocolOf(each.port)))
    if (http !== undefined) this.#http(http)
    for (const each of routed) this.#byRoutes(each)
    for (const each of named) this.#byServerName(each)
    const bytes = served.filter((each) => portKind(each.port) === 'tcp' && !named.includes(each))
    for (const each of bytes) this.#byAddress(each)
    const others = bytes.filter(({ service }) => addressesOf(service).length === 0)
    const fallback = this.#fallback(others)
    if (this.#chains.length === 0 && fallback === undefined) return { resource: undefined, losers: this.#losers }
    const names = named.length > 0 || routed.some(({ streams }) => (streams?.named ?? []).length > 0)
    const sniffs = http !== undefined ? [tlsInspector(), httpInspector()] : names ? [tlsInspector()] : []
    return { resource: this.#listener(sniffs, fallback), losers: this.#losers }
  }

  #listener(
    sniffs: readonly Init<typeof ListenerFilterSchema>[],
    fallback: FilterChainInit | undefined,
  ): BuiltResource {
    const name = `${anyAddress}_${this.#port}`
    const [origin = ''] = this.#origins
    const unknown = { cluster: this.#scope.unknown, weight: 1 }
    return encodeResource(
      ListenerSchema,
      name,
      {
        name,
        address: socketAddress(anyAddress, this.#port),
        bindToPort: false,
        trafficDirection: TrafficDirection.OUTBOUND,
        metadata: listenerMetadata(origin, this.#scope.accessLog),
        ...(sniffs.length === 0
          ? {}
          : {
              listenerFilters: [...sniffs],
              listenerFiltersTimeout: sniffTimeout,
              continueOnListenerFiltersTimeout: true,
            }),
        filterChains: spread(this.#chains, this.#ranges),
        defaultFilterChain: fallback ?? { name: 'passthrough', filters: [tcpProxy([unknown], this.#scope.accessLog)] },
      },
      [...this.#origins],
    )
  }

  #http({ service }: Served): void {
    const origin = originOf(service.id, '')
    this.#origins.add(origin)
    this.#chains.push({
      name: 'http',
      filterChainMatch: { transportProtocol: 'raw_buffer', applicationProtocols: sniffedHttp },
      metadata: weftMetadata({ origin }),
      filters: [
        httpConnectionManager({
          side: 'outbound',
          statPrefix: `outbound_${anyAddress}_${this.#port}`,
          routes: outboundHttp,
          port: this.#port,
          accessLog: this.#scope.accessLog,
        }),
      ],
    })
  }

  /** What TLSRoutes say of connections to a host; the rest goes by address. */
  #byRoutes({ service, streams }: Served): void {
    const addresses = addressesOf(service)
    const destinations = addresses.length === 0 ? {} : { destinations: addresses.map(canonical) }
    for (const { names, targets, origin } of streams?.named ?? []) {
      this.#named(names.length === 0 ? [''] : names, targets, origin, destinations)
    }
    this.#losers.push(...(streams?.losers ?? []))
  }

  /** TLS that is passed on: by the `tls` rules for the host, then to the host itself. */
  #byServerName({ service, port }: Served): void {
    const host = serviceHost(service)
    const builder = new VirtualHostBuilder(serviceIndex(this.#refs.destinations))
    for (const virtualService of virtualServicesFor(host, this.#refs.virtualServices)) {
      const { clusterOf } = builder.destinationsOf(virtualService, this.#port)
      for (const [index, rule] of virtualService.spec.tls.entries()) {
        for (const [position, match] of rule.match.entries()) {
          if (!holdsFor(match, this.#caller(), virtualService.id.namespace)) continue
          const names = match.sniHosts.filter((name) => hostCovers(host, name) || hostCovers(name, host))
          const targets = usedLegs(rule).map((leg) => ({ cluster: clusterOf(leg.destination), weight: leg.weight }))
          const origin = originOf(virtualService.id, `spec.tls[${index}].match[${position}]`)
          this.#named(names, targets, origin, addressesOfMatch(match))
        }
      }
    }
    const target = { cluster: outboundCluster(host, port.port), weight: 1 }
    this.#named([host], [target], originOf(service.id, ''))
  }

  #named(
    wanted: readonly string[],
    targets: readonly TcpTarget[],
    origin: Origin,
    { destinations }: AddressConditions = {},
  ): void {
    const names = namesToward(wanted, targets, this.#scope.accessLog.dynamic) ?? []
    const filters = tcpFilters(targets, this.#scope.accessLog)
    for (const range of destinations ?? [undefined]) {
      // Who takes a name for all addresses, or for more of them, takes it for these.
      const taken = (name: string): boolean =>
        this.#names.has(name) || (range !== undefined && this.#covered(name, range))
      const free = names.filter((name) => !taken(name))
      if (free.length === 0) continue
      for (const name of free) this.#names.add(range === undefined ? name : `${name} ${range}`)
      if (range !== undefined) this.#ranges.push(range)
      this.#origins.add(origin)
      const addresses = addressMatch({ destinations: range === undefined ? undefined : [range] })
      const serverNames = free.filter((name) => name !== '')
      this.#chains.push({
        name: range === undefined ? nameOfNames(serverNames) : `${nameOfNames(serverNames)}-${range}`,
        filterChainMatch: { ...matchOfNames(serverNames), ...addresses },
        metadata: weftMetadata({ origin }),
        filters,
      })
    }
  }

  #covered(name: string, range: string): boolean {
    return this.#ranges.some((other) => this.#names.has(`${name} ${other}`) && rangeCovers(other, range))
  }

  /** Bytes have nothing but their address to go by. */
  #byAddress(each: Served): void {
    const { service } = each
    // One text for each: rules ask for them, too, and a proxy refuses a listener in which one range has two chains.
    const addresses = addressesOf(service)
      .map(canonical)
      .filter((address) => !this.#names.has(address))
    if (addresses.length === 0) return
    for (const address of addresses) this.#names.add(address)
    const arms = this.#arms(each)
    const within = { ...arms, arms: arms.arms.map((arm) => ({ ...arm, destinations: narrowed(arm, addresses) })) }
    for (const [index, chain] of armChains({ ...within, last: { ...arms.last, destinations: addresses } }).entries()) {
      const destinations = chain.destinations ?? addresses
      const own = index === 0 ? '' : `-${index}`
      this.#chains.push({
        ...this.#bytes(chain.rule),
        name: `tcp-${serviceHost(service)}${own}`,
        filterChainMatch: addressMatch({ ...chain, destinations }),
      })
    }
  }

  /** A host without an address has the port if it is the only one. */
  #fallback([first, ...others]: readonly Served[]): FilterChainInit | undefined {
    if (first === undefined) return undefined
    const by = originOf(first.service.id, '')
    for (const { service } of others) {
      const detail = `port ${this.#port} belongs to ${serviceHost(first.service)}: without an address bytes cannot be told apart`
      this.#losers.push({ origin: originOf(service.id, ''), reason: 'port-conflict', by, detail })
    }
    const name = `tcp-${serviceHost(first.service)}`
    const arms = this.#arms(first)
    for (const [index, { rule, ...addresses }] of armChains(arms).entries()) {
      if (isForAll(addresses)) continue
      const filterChainMatch = addressMatch(addresses)
      this.#chains.push({ ...this.#bytes(rule), name: `${name}-${index}`, filterChainMatch })
    }
    return { ...this.#bytes(arms.last), name }
  }

  #arms({ service, port, streams }: Served): TcpArms {
    const rules = virtualServicesFor(serviceHost(service), this.#refs.virtualServices)
    const refs = { services: this.#refs.destinations, virtualServices: rules.filter(({ spec }) => spec.tcp.length > 0) }
    const arms = tcpArms(service, port.port, refs, this.#scope)
    this.#losers.push(...arms.losers)
    this.#origins.add(originOf(service.id, ''))
    return withStreams(arms, streams)
  }

  #bytes({ targets, origin }: TcpArm): Pick<FilterChainInit, 'metadata' | 'filters'> {
    return { metadata: weftMetadata({ origin }), filters: [tcpProxy(targets, this.#scope.accessLog)] }
  }

  #caller(): Caller {
    const { namespace, labels } = this.#scope
    return { gateways: ['mesh'], namespace, labels, port: this.#port }
  }
}

/** Addresses and ranges by which a host is called. */
function addressesOf({ spec }: Service): readonly string[] {
  return spec.addresses ?? spec.clusterIPs ?? []
}

/** Of the addresses of a host, those that a rule asks for. */
function narrowed({ destinations }: AddressConditions, addresses: readonly string[]): readonly string[] {
  if (destinations === undefined) return addresses
  return destinations.flatMap((range) =>
    addresses.flatMap((own) => (rangeCovers(own, range) ? range : rangeCovers(range, own) ? own : [])),
  )
}
