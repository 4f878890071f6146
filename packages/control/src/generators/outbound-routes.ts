// The routes of the explicit HTTP proxy: every Service the workload may call by name, on every port.
import { originOf } from '@weft/core'
import { type HttpRetry, resolveHost } from '@weft/resources'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import { type Callers, type DestinationRule, ruleScope } from './destination-rules.ts'
import { generator, makeView, type ProxyRef, type View } from './generator.ts'
import { meshHostRoutes, meshRouteRefs, type MeshRouteRefs, noMeshRoutes } from './gateway-api/mesh-hosts.ts'
import { meshStreams, namesTunnel } from './gateway-api/mesh-streams.ts'
import { domainsOf, portKind, type Service, serviceHost } from './hosts.ts'
import { weftMetadata } from './metadata.ts'
import { routeRules } from './routes/route-policies.ts'
import { joinVirtualHosts, type UnknownHosts, virtualHostParts } from './routes/virtual-host-parts.ts'
import {
  addServiceHost,
  connectRoute,
  inMesh,
  serviceIndex,
  type ServiceIndex,
  VirtualHostBuilder,
  visibleTo,
} from './routes/virtual-hosts.ts'
import { rulesConnections, tcpArms } from './routes/tcp-routes.ts'
import { isSeen } from './service-references.ts'
import { clusterForUnknown, commonImportsOf, covers, type Imports, importsRules } from './sidecar-scope.ts'
import type { Caller, VirtualService } from './routes/virtual-service-routes.ts'
import { blackHole, passthrough } from './static-clusters.ts'

/** Name of the RouteConfiguration of sidecars. */
export const outboundHttp = 'outbound-http'

/** What routes depend on besides objects. */
export interface RouteScope {
  readonly namespace: string
  /** Only the labels that some rule asks for, so that proxies differ no more than their routes do. */
  readonly labels: Readonly<Record<string, string>>
  readonly tunnel: boolean
  /** Retries where no rule says them, if the mesh does. */
  readonly retries?: HttpRetry
}

/** What a scope says besides; not part of any view, so that callers who see the same share it. */
export interface RouteImports {
  readonly hosts: Imports
  readonly unknown: UnknownHosts
  readonly callers: Callers
}

interface RouteRefs extends MeshRouteRefs {
  /** The Service whose hosts these are; none for a VirtualService's own. */
  readonly service: readonly Service[]
  readonly virtualServices: readonly VirtualService[]
  readonly destinations: readonly Service[]
  /** DestinationRules that routes depend on. */
  readonly rules: readonly DestinationRule[]
  /** Hosts of the VirtualService that are Services and therefore not its own. */
  readonly taken: readonly Service[]
}

/** What routes depend on in a caller. */
export function callerScope(
  mesh: MeshQuery,
  { instance }: ProxyRef,
): Pick<RouteScope, 'namespace' | 'labels' | 'retries'> {
  const labels = mesh.sourceLabelKeys().flatMap((key) => {
    const value = instance.labels[key]
    return value === undefined ? [] : [[key, value] as const]
  })
  const { defaultHttpRetryPolicy: retries } = mesh.settings.config
  return {
    namespace: instance.namespace,
    labels: Object.fromEntries(labels),
    ...(retries === undefined ? {} : { retries }),
  }
}

/** `outbound-http`: virtual hosts of each Service, then those of VirtualServices for hosts that are no Service. */
export const outboundRoutes = generator({
  name: 'outbound-routes',
  scope: (mesh, proxy) => ({
    ...callerScope(mesh, proxy),
    tunnel: proxy.interception === 'explicit',
    hosts: commonImportsOf(mesh, proxy),
    unknown: unknownHosts(mesh, proxy),
    callers: ruleScope(mesh, proxy),
  }),
  each: ['Service', 'VirtualService'],
  views(mesh, { hosts, unknown: _unknown, callers, ...scope }: RouteScope & RouteImports, item) {
    const object = item as Service | VirtualService
    if (isVirtualService(object)) return foreignView(mesh, scope, mesh.withDelegates(object), { hosts, callers })
    return serviceRouteViews(mesh, scope, object, { hosts, callers })
  },
  build({ scope, refs }) {
    const [service] = refs.service
    const services = serviceIndex(refs.destinations)
    const builder = new VirtualHostBuilder(services, refs.rules, refs.attached)
    const caller: Caller = { ...callerOf(scope), port: 80 }
    const context = { services, caller, tunnel: scope.tunnel }
    if (service === undefined) addForeignHosts(builder, refs, context)
    else addService(builder, service, { ...context, refs })
    const parts = virtualHostParts(builder, service !== undefined && service.id.namespace === scope.namespace)
    return { resources: [], parts, problems: builder.problems, losers: builder.losers }
  },
  join: ({ unknown }, parts, before) => joinVirtualHosts(outboundHttp, parts, unknown, before),
})

/** What the routes of one Service are made from, for callers of a scope. */
export function serviceRouteViews(
  mesh: MeshQuery,
  scope: RouteScope,
  service: Service,
  { hosts, callers }: Pick<RouteImports, 'hosts' | 'callers'>,
): View<RouteScope, RouteRefs>[] {
  if (!isSeen(mesh, service, scope)) return []
  if (hosts !== undefined && !covers(hosts, service.id.namespace, serviceHost(service))) return []
  const virtualServices = importedRules(mesh, service, scope.namespace, hosts)
  const destinations = mesh.destinationsOf(virtualServices)
  const local = service.id.namespace === scope.namespace
  const rules = routeRules(mesh, [...new Set([service, ...destinations])], callers)
  const routes = meshRouteRefs(mesh, service, scope.namespace)
  const direct = [service, ...destinations].flatMap(({ id }) => mesh.policiesOn(id))
  const attached = [...new Set([...direct, ...routes.refs.attached])]
  const common = { virtualServices, destinations, rules, taken: [] }
  const refs: RouteRefs = { service: [service], ...common, ...routes.refs, attached }
  return [makeView(narrowed(scope, virtualServices, local || routes.byCaller), refs)]
}

/** The rules for a host that a caller sees and its Sidecar lets in. */
export function importedRules(mesh: MeshQuery, service: Service, namespace: string, hosts: Imports): VirtualService[] {
  return inMesh(mesh, serviceHost(service), namespace).filter((each) => importsRules(hosts, each))
}

/** What becomes of requests for hosts that no route is for: only where the kernel redirects them is known where they were meant to go. */
function unknownHosts(mesh: MeshQuery, proxy: ProxyRef): UnknownHosts {
  const cluster = clusterForUnknown(mesh, proxy)
  if (cluster === blackHole || (proxy.interception === 'explicit' && cluster === passthrough)) return 'block'
  return { cluster }
}

function isVirtualService(object: Service | VirtualService): object is VirtualService {
  return object.id.kind === 'VirtualService'
}

/** A VirtualService's hosts that are no Service: names that exist only as rules, on port 80. */
function foreignView(
  mesh: MeshQuery,
  scope: RouteScope,
  virtualService: VirtualService,
  { hosts: imported, callers }: Pick<RouteImports, 'hosts' | 'callers'>,
): View<RouteScope, RouteRefs>[] {
  const { id, spec } = virtualService
  const [visible] = visibleTo([virtualService], scope.namespace, ['mesh'])
  if (visible === undefined || spec.http.length === 0 || !importsRules(imported, virtualService)) return []
  const hosts = spec.hosts.map((host) => resolveHost(host, id.namespace))
  const taken = hosts.flatMap((host) => mesh.service(host) ?? [])
  if (taken.length === hosts.length) return []
  const local = hosts.some((host) => domainsOf(host, 80, scope.namespace).length > domainsOf(host, 80, '').length)
  const destinations = mesh.destinationsOf([virtualService])
  return [
    makeView(narrowed(scope, [virtualService], local), {
      service: [],
      virtualServices: [virtualService],
      destinations,
      rules: routeRules(mesh, destinations, callers),
      taken,
      ...noMeshRoutes,
      attached: destinations.flatMap(({ id }) => mesh.policiesOn(id)),
    }),
  ]
}

/** The part of a scope that routes of these VirtualServices can tell: callers that differ in the rest share them. */
function narrowed(scope: RouteScope, virtualServices: readonly VirtualService[], local: boolean): RouteScope {
  const rules = virtualServices.flatMap(({ spec }) => [...spec.http, ...spec.tls, ...spec.tcp])
  const matches = rules.flatMap((rule) => rule.match ?? [])
  const asked = new Set(matches.flatMap((match) => Object.keys(match.sourceLabels ?? {})))
  const byNamespace = local || matches.some((match) => match.sourceNamespace !== undefined)
  return {
    namespace: byNamespace ? scope.namespace : '',
    labels: Object.fromEntries(Object.entries(scope.labels).filter(([key]) => asked.has(key))),
    tunnel: scope.tunnel,
    ...(scope.retries === undefined ? {} : { retries: scope.retries }),
  }
}

/** For whom the rules of a scope are compiled. */
export function callerOf({ namespace, labels, retries }: Omit<RouteScope, 'tunnel'>): Omit<Caller, 'port'> {
  return { gateways: ['mesh'], namespace, labels, ...(retries === undefined ? {} : { retries }) }
}

interface HostContext {
  readonly services: ServiceIndex
  readonly caller: Caller
  readonly tunnel: boolean
}

/** Routes for all ports of a Service. */
export function addService(
  builder: VirtualHostBuilder,
  service: Service,
  context: HostContext & { readonly refs: RouteRefs },
): void {
  const { caller, tunnel } = context
  const { virtualServices } = context.refs
  for (const [index, port] of service.spec.ports.entries()) {
    // A route for requests says what an undeclared port speaks.
    const instead = meshHostRoutes(context.refs, service, port, context.caller.retries)
    if (portKind(port) === 'http' || instead !== undefined) {
      addServiceHost(builder, service, index, { virtualServices, caller, tunnel, instead })
    } else if (tunnel) {
      addTcpHost(builder, service, index, { ...context, virtualServices })
    }
  }
}

/** By authority: the inside of a tunnel to a TCP port needs no look at its bytes, so a server may speak first. */
function addTcpHost(
  builder: VirtualHostBuilder,
  service: Service,
  portIndex: number,
  context: HostContext & { readonly refs: RouteRefs; readonly virtualServices: readonly VirtualService[] },
): void {
  const port = service.spec.ports[portIndex]?.port ?? 0
  const { caller, services } = context
  const virtualServices = context.virtualServices.filter(rulesConnections)
  const refs = { services: [...services.values()], virtualServices }
  const ruled = tcpArms(service, port, refs, caller, builder.policyOf).last
  const streams = meshStreams(context.refs, service, port)
  const byName = streams !== undefined && streams.named.length > 0
  const { origin } = streams?.rest ?? ruled
  const targets = byName ? [{ cluster: namesTunnel(service, port), weight: 1 }] : (streams?.rest ?? ruled).targets
  const { policy } = ruled
  const host = serviceHost(service)
  builder.add(
    {
      name: `${host}:${port}`,
      domains: domainsOf(host, port, caller.namespace).filter((domain) => domain.includes(':')),
      routes: [builder.guarded(connectRoute(targets, policy), service)],
      metadata: weftMetadata({ origin }),
    },
    origin,
  )
}

/** Each host of the VirtualService that is not some Service's. */
function addForeignHosts(builder: VirtualHostBuilder, refs: RouteRefs, context: HostContext): void {
  const taken = serviceIndex(refs.taken)
  for (const virtualService of refs.virtualServices) {
    const origin = originOf(virtualService.id, '')
    for (const host of virtualService.spec.hosts) {
      const full = resolveHost(host, virtualService.id.namespace)
      if (taken.has(full)) continue
      const { routes } = builder.routesOf([virtualService], context.caller)
      builder.add(
        {
          name: `${full}:80`,
          domains: full === '*' ? ['*'] : domainsOf(full, 80, context.caller.namespace),
          routes: [...(context.tunnel ? [connectRoute()] : []), ...routes],
          metadata: weftMetadata({ origin, virtualService: origin }),
        },
        origin,
      )
    }
  }
}
