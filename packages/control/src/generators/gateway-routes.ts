// The routes of a gateway: for each host of a server, the rules of the VirtualServices bound to it, merged in order.
import { originOf } from '@weft/core'
import { VirtualHost_TlsRequirementType as TlsRequirement } from '@weft/xds/es/envoy/config/route/v3/route_components'
import { RouteConfigurationSchema } from '@weft/xds/es/envoy/config/route/v3/route'
import { ruleScope } from './destination-rules.ts'
import { encodeResource } from './encode.ts'
import { bindingsOf } from './gateway-bindings.ts'
import {
  type Gateway,
  gatewayPorts,
  type GatewayPort,
  gatewaysOf,
  hostsOf,
  type PlacedServer,
  routeNameOf,
  type ServerRef,
  serversOf,
} from './gateways.ts'
import { generator, makeView } from './generator.ts'
import { weftMetadata } from './metadata.ts'
import { routeRules } from './routes/route-policies.ts'
import { callerScope } from './outbound-routes.ts'
import { serviceIndex, VirtualHostBuilder, visibleTo } from './routes/virtual-hosts.ts'
import type { VirtualService } from './routes/virtual-service-routes.ts'

/** `http.<port>` for all servers of a port without TLS, `https.<port>.<port name>.<gateway>.<namespace>` for each behind it. */
export const gatewayRoutes = generator({
  name: 'gateway-routes',
  scope: (mesh, proxy) => ({
    ...callerScope(mesh, proxy),
    callers: ruleScope(mesh, proxy),
    workload: {
      namespace: proxy.instance.namespace,
      labels: proxy.instance.labels,
      address: proxy.instance.address,
      ports: proxy.instance.ports,
    },
  }),
  views(mesh, { workload, callers, ...caller }) {
    return gatewayPorts(mesh, workload).ports.flatMap((port) => {
      const onPort = gatewaysOf(mesh, workload.labels, port.servers)
      return [...routeNames(port, onPort)].map(([name, servers]) => {
        const gateways = gatewaysOf(mesh, workload.labels, servers)
        const names = gateways.map(({ id }) => `${id.namespace}/${id.name}`)
        const virtualServices = visibleTo(mesh.virtualServicesOf(names), caller.namespace, names)
        const services = mesh.destinationsOf(virtualServices)
        return makeView(
          { ...caller, name, port: port.port, servers },
          {
            gateways,
            services,
            virtualServices,
            rules: routeRules(mesh, services, callers),
            attached: services.flatMap(({ id }) => mesh.policiesOn(id)),
          },
        )
      })
    })
  },
  build({ scope, refs }) {
    const { name } = scope
    const builder = new VirtualHostBuilder(serviceIndex(refs.services), refs.rules, refs.attached)
    const servers = serversOf(refs.gateways, scope.servers)
    const hosts = new Map<string, GatewayHost>()
    for (const placed of servers) addBindings(hosts, placed, refs.virtualServices)
    for (const placed of servers) addRedirects(hosts, placed)
    const gateways = [...new Set(servers.map((placed) => placed.gateway))]
    for (const [key, { host, port, bound, redirects, first }] of hosts) {
      const { routes } = builder.routesOf(bound, { ...scope, port, gateways })
      const virtualService = bound[0] === undefined ? undefined : originOf(bound[0].id, '')
      const origin = virtualService ?? first.origin
      builder.add(
        {
          name: key,
          domains: [host],
          routes,
          ...(redirects ? { requireTls: TlsRequirement.ALL } : {}),
          metadata: weftMetadata({ origin, virtualService }),
        },
        origin,
      )
    }
    // Without any host Envoy answers 404 as well, but says less about why.
    const port = servers[0]?.server.port.number ?? scope.port
    if (builder.hosts.length === 0) builder.hosts.push({ name: `blackhole:${port}`, domains: ['*'] })
    const resource = encodeResource(
      RouteConfigurationSchema,
      name,
      {
        name,
        virtualHosts: builder.hosts,
        validateClusters: false,
        // What clients wrote is the port of a load balancer, or of a Service: any.
        ignorePortInHostMatching: true,
        maxDirectResponseBodySizeBytes: 1_048_576,
      },
      [...builder.origins],
    )
    return { resources: [resource], problems: builder.problems, losers: builder.losers }
  },
})

/** The servers of each RouteConfiguration of a port. */
function routeNames(port: GatewayPort, gateways: readonly Gateway[]): Map<string, ServerRef[]> {
  const names = new Map<string, ServerRef[]>()
  for (const ref of port.servers) {
    const [placed] = serversOf(gateways, [ref])
    const name = placed === undefined ? undefined : routeNameOf(placed, port)
    if (name !== undefined) names.set(name, [...(names.get(name) ?? []), ref])
  }
  return names
}

/** A host of some servers, and who has rules for it: what is bound to the first Gateway that claims it comes first. */
interface GatewayHost {
  readonly host: string
  /** That the server names, which is not always the one that is bound. */
  readonly port: number
  readonly bound: VirtualService[]
  readonly first: PlacedServer
  /** Whether requests without TLS are sent to where there is some. */
  redirects: boolean
}

function addBindings(
  hosts: Map<string, GatewayHost>,
  placed: PlacedServer,
  virtualServices: readonly VirtualService[],
): void {
  for (const { virtualService, hosts: shared } of bindingsOf(placed, virtualServices)) {
    for (const host of shared) {
      const known = hostEntry(hosts, placed, host)
      if (!known.bound.includes(virtualService)) known.bound.push(virtualService)
      known.redirects ||= placed.server.tls?.httpsRedirect === true
    }
  }
}

/** A host that redirects does so whether or not anyone has rules for it. */
function addRedirects(hosts: Map<string, GatewayHost>, placed: PlacedServer): void {
  if (placed.server.tls?.httpsRedirect !== true) return
  for (const { host } of hostsOf(placed)) hostEntry(hosts, placed, host).redirects = true
}

function hostEntry(hosts: Map<string, GatewayHost>, placed: PlacedServer, host: string): GatewayHost {
  const port = placed.server.port.number
  const key = `${host}:${port}`
  const known = hosts.get(key) ?? { host, port, bound: [], first: placed, redirects: false }
  hosts.set(key, known)
  return known
}
