// Virtual hosts: the names of a Service port, and the rules of the VirtualServices for it.
import { originOf, type Origin } from '@weft/core'
import type { VirtualHostSchema, RouteSchema } from '@weft/xds/es/envoy/config/route/v3/route_components'
import {
  type Destination,
  hostCovers,
  isVisible,
  resolveGateway,
  resolveHost,
  ruledTraffic,
  type TrafficPolicy,
} from '@weft/resources'
import {
  type AttachablePolicy,
  type HoldingPolicies,
  holdingPolicies,
  serviceWay,
} from '../../gateway-api/attached-policies.ts'
import type { MeshQuery } from '../../snapshot/mesh-query.ts'
import { duration } from '../config-source.ts'
import type { DestinationRule } from '../destination-rules.ts'
import { guarded } from '../dynamic-hosts.ts'
import type { GeneratorProblem, Loser } from '../generator.ts'
import { domainsOf, outboundCluster, type Service, serviceHost } from '../hosts.ts'
import { weftMetadata } from '../metadata.ts'
import { blackHole, tunnelName } from '../static-clusters.ts'
import type { TcpTarget } from '../tcp-proxy.ts'
import { type ClusterOf, defaultAction, type HashOf } from './route-action.ts'
import { hashPolicies, policyFinder, type PolicyOf, tcpIdleMs } from './route-policies.ts'
import { withPolicies } from './sending-policies.ts'
import { type Caller, type SendingOf, type VirtualService, virtualServiceRoutes } from './virtual-service-routes.ts'
import type { Init } from '../init.ts'

/** A virtual host to be sent. */
export type VirtualHostInit = Init<typeof VirtualHostSchema>
type RouteInit = Init<typeof RouteSchema>

/** Services by full host name. */
export type ServiceIndex = ReadonlyMap<string, Service>

/** Indexes Services by their full names. */
export function serviceIndex(services: readonly Service[]): ServiceIndex {
  return new Map(services.map((service) => [serviceHost(service), service]))
}

/** Where destinations as written are: host, port and subset, the cluster, and what of a request is hashed on the way there. */
interface Destinations {
  located(destination: Destination): [host: string, port: number, subset: string | undefined]
  readonly clusterOf: ClusterOf
  readonly hashOf: HashOf
  readonly sendingOf: SendingOf
}

/** Collects what virtual hosts are built from and what was found out on the way. */
export class VirtualHostBuilder {
  readonly hosts: VirtualHostInit[] = []
  /** Who each of `hosts` belongs to. */
  readonly owners: Origin[] = []
  readonly losers: Loser[] = []
  readonly problems: GeneratorProblem[] = []
  readonly origins = new Set<Origin>()
  readonly #services: ServiceIndex
  readonly #domains = new Map<string, Origin>()
  readonly #policyOf: PolicyOf
  readonly #attached: readonly AttachablePolicy[]

  constructor(
    services: ServiceIndex,
    rules: readonly DestinationRule[] = [],
    attached: readonly AttachablePolicy[] = [],
  ) {
    this.#services = services
    this.#attached = attached
    this.#policyOf = policyFinder(rules)
  }

  /** Adds a host unless all its domains are taken; taken domains are left to who had them first. */
  add(host: VirtualHostInit & { readonly domains: string[] }, origin: Origin): void {
    const free = host.domains.filter((domain) => !this.#domains.has(domain.toLowerCase()))
    if (free.length === 0) {
      const by = this.#domains.get(host.domains[0]?.toLowerCase() ?? '')
      const detail = `${host.domains[0]} already belongs to another object`
      this.losers.push({ origin, reason: 'host-conflict', ...(by === undefined ? {} : { by }), detail })
      return
    }
    for (const domain of free) this.#domains.set(domain.toLowerCase(), origin)
    this.origins.add(origin)
    this.hosts.push({ ...host, domains: free })
    this.owners.push(origin)
  }

  /** Routes of VirtualServices in order, as one list: the first that matches wins; what takes everything comes last. */
  routesOf(virtualServices: readonly VirtualService[], caller: Caller): { routes: RouteInit[]; catchAll: boolean } {
    const routes: RouteInit[] = []
    let everything: { readonly route: RouteInit; readonly origin: Origin } | undefined
    for (const virtualService of virtualServices) {
      const ruled = virtualServiceRoutes(virtualService, caller, this.destinationsOf(virtualService, caller.port))
      const compiled = { ...ruled, routes: ruled.routes.map((route) => this.guarded(route)) }
      this.losers.push(...compiled.losers)
      this.origins.add(originOf(virtualService.id, ''))
      const { catchAll: origin } = compiled
      // The rule that takes everything is the last of its VirtualService.
      const last = origin === undefined ? undefined : compiled.routes.at(-1)
      routes.push(...compiled.routes.filter((route) => route !== last))
      if (origin === undefined || last === undefined) continue
      if (everything === undefined) everything = { route: last, origin }
      else {
        const detail = 'the rule of another VirtualService takes every request'
        this.losers.push({ origin, reason: 'shadowed', by: everything.origin, detail })
      }
    }
    if (everything !== undefined) routes.push(everything.route)
    return { routes, catchAll: everything !== undefined }
  }

  /** Finds the clusters of destinations as written in a VirtualService; unknown ones answer 503, as in Istio. */
  destinationsOf(virtualService: VirtualService, port: number): Destinations {
    const located = (destination: Destination): [string, number, string | undefined] => {
      const host = resolveHost(destination.host, virtualService.id.namespace)
      const ports = this.#services.get(host)?.spec.ports ?? []
      const chosen = destination.port?.number ?? (ports.length === 1 ? ports[0]?.port : undefined) ?? port
      return [host, chosen, destination.subset]
    }
    return {
      located,
      clusterOf: (destination) => {
        const [host, chosen, subset] = located(destination)
        if (!this.#services.has(host)) {
          const message = `destination ${destination.host} is no Service; requests for it are answered with 503`
          this.problems.push({ origin: originOf(virtualService.id, ''), message })
        }
        return outboundCluster(host, chosen, subset)
      },
      hashOf: (destination) => hashPolicies(this.#policyOf(...located(destination))),
      sendingOf: (destination) => {
        const [host, port] = located(destination)
        const service = this.#services.get(host)
        return service === undefined ? {} : this.sendingTo(service, port)
      },
    }
  }

  /** Routes to hosts that stand for names which callers bring are for such names alone. `own`: the Service whose routes these are. */
  guarded(route: RouteInit, own?: Service): RouteInit {
    return guarded(route, (host) => (own !== undefined && serviceHost(own) === host ? own : this.#services.get(host)))
  }

  /** What is said about a port of a Service. */
  policyFor(service: Service, port: number): TrafficPolicy {
    return this.#policyOf(serviceHost(service), port)
  }

  /** The policies of our own on the way to a port of a Service. */
  sendingTo({ id, spec }: Service, port: number): HoldingPolicies {
    const name = spec.ports.find((one) => one.port === port)?.name
    return holdingPolicies(this.#attached, serviceWay(id, name))
  }

  get policyOf(): PolicyOf {
    return this.#policyOf
  }
}

/** The VirtualServices whose hosts name `host`: exact names before wildcards, longer wildcards first. */
export function virtualServicesFor(host: string, all: readonly VirtualService[]): VirtualService[] {
  const ranked = all.flatMap((virtualService) => {
    const ranks = virtualService.spec.hosts
      .map((name) => resolveHost(name, virtualService.id.namespace))
      .map((name) => (name === host ? 1000 : hostCovers(name, host) ? name.length : -1))
    const rank = Math.max(...ranks)
    return rank < 0 ? [] : [{ virtualService, rank }]
  })
  return ranked.sort((a, b) => b.rank - a.rank).map(({ virtualService }) => virtualService)
}

/** The VirtualServices for a host that a sidecar of `namespace` sees, the one in force first. */
export function inMesh(mesh: MeshQuery, host: string, namespace: string): VirtualService[] {
  return virtualServicesFor(host, visibleTo(mesh.virtualServicesNaming(host), namespace, ['mesh']))
}

/** Those that a proxy of `namespace` sees through one of `gateways` (`mesh` for sidecars), first by key. */
export function visibleTo(
  all: readonly VirtualService[],
  namespace: string,
  gateways: readonly string[],
): VirtualService[] {
  return all.filter(
    ({ id, spec }) =>
      isVisible(spec.exportTo, id.namespace, namespace) &&
      (spec.gateways.length === 0 ? ['mesh'] : spec.gateways).some((name) =>
        gateways.includes(resolveGateway(name, id.namespace)),
      ),
  )
}

/** The route that opens a tunnel: CONNECT ends here, its inside goes on as a connection of its own. */
export function connectRoute(
  targets: readonly TcpTarget[] = [{ cluster: tunnelName, weight: 1 }],
  policy: TrafficPolicy = {},
): RouteInit {
  const [first] = targets
  const idleMs = tcpIdleMs(policy)
  return {
    name: 'connect',
    match: { pathSpecifier: { case: 'connectMatcher', value: {} } },
    action: {
      case: 'route',
      value: {
        clusterSpecifier:
          targets.length > 1
            ? {
                case: 'weightedClusters',
                value: { clusters: targets.map(({ cluster, weight }) => ({ name: cluster, weight })) },
              }
            : { case: 'cluster', value: first?.cluster ?? blackHole },
        timeout: duration(0),
        ...(idleMs === undefined ? {} : { idleTimeout: duration(idleMs) }),
        hashPolicy: policy.loadBalancer?.consistentHash?.useSourceIp === true ? hashPolicies(policy) : [],
        upgradeConfigs: [{ upgradeType: 'CONNECT', connectConfig: {} }],
      },
    },
  }
}

/** What the virtual host of a Service port is made with. */
interface HostOptions {
  readonly virtualServices: readonly VirtualService[]
  readonly caller: Caller
  readonly tunnel: boolean
  /** Routes of the Gateway API for the port, which hold instead of a VirtualService. */
  readonly instead:
    | { readonly routes: readonly RouteInit[]; readonly losers: readonly Loser[]; readonly origin: Origin }
    | undefined
}

/** The virtual host of an HTTP port of a Service, for explicit proxying. */
export function addServiceHost(
  builder: VirtualHostBuilder,
  service: Service,
  portIndex: number,
  options: HostOptions,
): void {
  const port = service.spec.ports[portIndex]
  if (port === undefined) return
  const host = serviceHost(service)
  const { instead } = options
  if (instead !== undefined) builder.losers.push(...instead.losers)
  const by = instead?.origin
  for (const { id, spec } of options.virtualServices) {
    if (by === undefined || spec.http.length === 0) continue
    const detail = `routes of the Gateway API hold for ${host}:${port.port}`
    builder.losers.push({ origin: originOf(id, ''), reason: 'host-conflict', by, detail })
  }
  // Rules for connections to the host may stand in another one.
  const ruling = options.virtualServices.filter(({ spec }) => ruledTraffic(spec).includes('requests'))
  const [virtualService, ...others] = instead === undefined ? ruling : []
  for (const other of others) {
    builder.losers.push({
      origin: originOf(other.id, ''),
      reason: 'host-conflict',
      ...(virtualService === undefined ? {} : { by: originOf(virtualService.id, '') }),
      detail: `${host} already has a VirtualService; inside the mesh they are not merged`,
    })
  }
  const caller = { ...options.caller, port: port.port }
  const origin = originOf(service.id, '')
  const portOrigin = originOf(service.id, `spec.ports[${portIndex}]`)
  const own =
    instead !== undefined
      ? instead.routes
      : virtualService === undefined || virtualService.spec.http.length === 0
        ? [
            builder.guarded(
              serviceRoute(outboundCluster(host, port.port), builder, {
                service,
                port: port.port,
                origin: portOrigin,
                caller,
              }),
              service,
            ),
          ]
        : builder.routesOf([virtualService], caller).routes
  builder.add(
    {
      name: `${host}:${port.port}`,
      domains: domainsOf(host, port.port, caller.namespace),
      routes: [...(options.tunnel ? [connectRoute()] : []), ...own],
      metadata: weftMetadata({
        origin,
        virtualService: virtualService === undefined ? undefined : originOf(virtualService.id, ''),
      }),
    },
    origin,
  )
}

/** What a Service without rules gets. */
function serviceRoute(
  cluster: string,
  builder: VirtualHostBuilder,
  {
    service,
    port,
    origin,
    caller,
  }: { readonly service: Service; readonly port: number; readonly origin: Origin; readonly caller: Caller },
): RouteInit {
  const action = defaultAction(cluster, hashPolicies(builder.policyFor(service, port)), caller.retries)
  const said = { timeout: false, perTry: false, retries: false }

  return {
    name: 'default',
    match: { pathSpecifier: { case: 'prefix', value: '/' } },
    action: { case: 'route', value: withPolicies(action, builder.sendingTo(service, port), said) },
    metadata: weftMetadata({ origin }),
  }
}
