// Listeners that nobody dials: the kernel redirects connections to 15001, and each is handed to the listener of the port it was made to.
// There the protocol, the server name or the address tells which host is meant.
import { type Origin, originOf } from '@weft/core'
import { hostCovers, protocolOf, type ServicePort } from '@weft/resources'
import { TrafficDirection } from '@weft/xds/es/envoy/config/core/v3/base'
import type { CidrRangeSchema } from '@weft/xds/es/envoy/config/core/v3/address'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import type { FilterChainSchema, ListenerFilterSchema } from '@weft/xds/es/envoy/config/listener/v3/listener_components'
import { encodeResource } from './encode.ts'
import { type BuiltResource, generator, type Loser, makeView } from './generator.ts'
import { outboundCluster, portKind, type Service, serviceHost } from './hosts.ts'
import { httpConnectionManager } from './http-connection-manager.ts'
import { sniffTimeout, tlsInspector } from './inbound-chains.ts'
import type { Init } from './init.ts'
import { weftMetadata } from './metadata.ts'
import { httpInspector, sniffedHttp } from './outbound-listeners.ts'
import { callerScope, importedRules, outboundHttp } from './outbound-routes.ts'
import { anyAddress } from './redirect-listeners.ts'
import { tcpTargets } from './routes/tcp-routes.ts'
import { serviceIndex, VirtualHostBuilder, virtualServicesFor } from './routes/virtual-hosts.ts'
import { type Caller, holdsFor, type VirtualService } from './routes/virtual-service-routes.ts'
import { isSeen } from './service-references.ts'
import { commonImportsOf, covers, egressPortsOf, clusterForUnknown } from './sidecar-scope.ts'
import { socketAddress } from './socket-address.ts'
import { tcpProxy, type TcpTarget } from './tcp-proxy.ts'
import { type Telemetry, telemetryOf } from './telemetry.ts'

type FilterChainInit = Init<typeof FilterChainSchema>

interface PortScope {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly accessLog: Telemetry
  readonly unknown: string
  /** Ports that a Sidecar has a listener of its own for. */
  readonly taken: readonly number[]
}

interface PortRefs {
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
    return [
      makeView<PortScope, PortRefs>(scope, {
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

/** A port of a host. */
interface Served {
  readonly service: Service
  readonly port: ServicePort
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

  constructor(port: number, scope: PortScope, refs: PortRefs) {
    this.#port = port
    this.#scope = scope
    this.#refs = refs
  }

  build(): { readonly resource: BuiltResource | undefined; readonly losers: readonly Loser[] } {
    const served = this.#refs.services.flatMap((service) =>
      service.spec.ports.filter(({ port }) => port === this.#port).map((port): Served => ({ service, port })),
    )
    const http = served.find(({ port }) => portKind(port) === 'http')
    const named = served.filter(({ port }) => ['https', 'tls'].includes(protocolOf(port)))
    if (http !== undefined) this.#http(http)
    for (const each of named) this.#byServerName(each)
    const bytes = served.filter((each) => portKind(each.port) === 'tcp' && !named.includes(each))
    for (const each of bytes) this.#byAddress(each)
    const others = bytes.filter(({ service }) => addressesOf(service).length === 0)
    const fallback = this.#fallback(others)
    if (this.#chains.length === 0 && fallback === undefined) return { resource: undefined, losers: this.#losers }
    const sniffs = http !== undefined ? [tlsInspector(), httpInspector()] : named.length > 0 ? [tlsInspector()] : []
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
        metadata: weftMetadata({ origin }),
        ...(sniffs.length === 0
          ? {}
          : {
              listenerFilters: [...sniffs],
              listenerFiltersTimeout: sniffTimeout,
              continueOnListenerFiltersTimeout: true,
            }),
        filterChains: this.#chains,
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
          const targets = rule.route.map((arm) => ({ cluster: clusterOf(arm.destination), weight: arm.weight }))
          this.#named(names, targets, originOf(virtualService.id, `spec.tls[${index}].match[${position}]`))
        }
      }
    }
    const target = { cluster: outboundCluster(host, port.port), weight: 1 }
    this.#named([host], [target], originOf(service.id, ''))
  }

  #named(names: readonly string[], targets: readonly TcpTarget[], origin: Origin): void {
    const free = names.filter((name) => !this.#names.has(name))
    if (free.length === 0) return
    for (const name of free) this.#names.add(name)
    this.#origins.add(origin)
    const filterChainMatch = { transportProtocol: 'tls', serverNames: free }
    const filters = [tcpProxy(targets, this.#scope.accessLog)]
    this.#chains.push({ name: `tls-${free[0]}`, filterChainMatch, metadata: weftMetadata({ origin }), filters })
  }

  /** Bytes have nothing but their address to go by. */
  #byAddress({ service, port }: Served): void {
    const addresses = addressesOf(service).filter((address) => !this.#names.has(address))
    if (addresses.length === 0) return
    for (const address of addresses) this.#names.add(address)
    this.#chains.push({
      ...this.#bytes(service, port),
      name: `tcp-${serviceHost(service)}`,
      filterChainMatch: { prefixRanges: addresses.map(cidrOf) },
    })
  }

  /** A host without an address has the port if it is the only one. */
  #fallback([first, ...others]: readonly Served[]): FilterChainInit | undefined {
    if (first === undefined) return undefined
    const by = originOf(first.service.id, '')
    for (const { service } of others) {
      const detail = `port ${this.#port} belongs to ${serviceHost(first.service)}: without an address bytes cannot be told apart`
      this.#losers.push({ origin: originOf(service.id, ''), reason: 'port-conflict', by, detail })
    }
    return { ...this.#bytes(first.service, first.port), name: `tcp-${serviceHost(first.service)}` }
  }

  #bytes(service: Service, port: ServicePort): Pick<FilterChainInit, 'metadata' | 'filters'> {
    const rules = virtualServicesFor(serviceHost(service), this.#refs.virtualServices)
    const refs = { services: this.#refs.destinations, virtualServices: rules.filter(({ spec }) => spec.tcp.length > 0) }
    const { targets, losers, origin } = tcpTargets(service, port.port, refs, this.#scope)
    this.#losers.push(...losers)
    this.#origins.add(originOf(service.id, ''))
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

function cidrOf(text: string): Init<typeof CidrRangeSchema> {
  const [addressPrefix = '', length] = text.split('/')
  const whole = addressPrefix.includes(':') ? 128 : 32
  return { addressPrefix, prefixLen: length === undefined ? whole : Number(length) }
}
