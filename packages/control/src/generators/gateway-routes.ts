// The routes of a gateway port: for each host of a server, the rules of the VirtualServices bound to it, merged in order.
import { originOf } from '@weft/core'
import { hostCovers, resolveGateway } from '@weft/resources'
import { RouteConfigurationSchema } from '@weft/xds/es/envoy/config/route/v3/route'
import { ruleScope } from './destination-rules.ts'
import { encodeResource } from './encode.ts'
import { gatewayRouteName } from './gateway-listeners.ts'
import { gatewayPorts, gatewaysOn, type ServerHost, serverHosts } from './gateways.ts'
import { generator, makeView } from './generator.ts'
import { weftMetadata } from './metadata.ts'
import { routeRules } from './routes/route-policies.ts'
import { callerScope } from './outbound-routes.ts'
import { serviceIndex, VirtualHostBuilder, visibleTo } from './routes/virtual-hosts.ts'
import type { VirtualService } from './routes/virtual-service-routes.ts'

/** `http.<port>` */
export const gatewayRoutes = generator({
  name: 'gateway-routes',
  scope: (mesh, proxy) => ({
    ...callerScope(mesh, proxy),
    gatewayLabels: proxy.instance.labels,
    callers: ruleScope(mesh, proxy),
  }),
  views(mesh, { gatewayLabels, callers, ...caller }) {
    const gateways = mesh.gatewaysFor(gatewayLabels)
    return gatewayPorts(gateways).map((port) => {
      const onPort = gatewaysOn(gateways, port)
      const names = onPort.map(({ id }) => `${id.namespace}/${id.name}`)
      const virtualServices = visibleTo(mesh.virtualServicesOf(names), caller.namespace, names)
      const services = mesh.destinationsOf(virtualServices)
      return makeView(
        { ...caller, port },
        { gateways: onPort, services, virtualServices, rules: routeRules(mesh, services, callers) },
      )
    })
  },
  build({ scope, refs }) {
    const { port } = scope
    const builder = new VirtualHostBuilder(serviceIndex(refs.services), refs.rules)
    const servers = serverHosts(refs.gateways, port)
    for (const [host, bound] of hostsOf(refs.virtualServices, servers)) {
      const gateways = [...new Set(servers.map((server) => server.gateway))]
      const { routes } = builder.routesOf(bound, { ...scope, gateways })
      const origin = originOf((bound[0] as VirtualService).id, '')
      builder.add(
        {
          name: `${host}:${port}`,
          domains: host === '*' ? ['*'] : [host, `${host}:${port}`],
          routes,
          metadata: weftMetadata({ origin, virtualService: origin }),
        },
        origin,
      )
    }
    // Without any host Envoy answers 404 as well, but says less about why.
    if (builder.hosts.length === 0) builder.hosts.push({ name: `blackhole:${port}`, domains: ['*'] })
    const name = gatewayRouteName(port)
    const resource = encodeResource(
      RouteConfigurationSchema,
      name,
      {
        name,
        virtualHosts: builder.hosts,
        validateClusters: false,
        maxDirectResponseBodySizeBytes: 1_048_576,
      },
      [...builder.origins],
    )
    return { resources: [resource], problems: builder.problems, losers: builder.losers }
  },
})

/** Hosts served, in order, each with the VirtualServices bound to it. */
function hostsOf(
  virtualServices: readonly VirtualService[],
  servers: readonly ServerHost[],
): Map<string, VirtualService[]> {
  const hosts = new Map<string, VirtualService[]>()
  for (const virtualService of virtualServices) {
    const { namespace } = virtualService.id
    const bound = virtualService.spec.gateways.map((name) => resolveGateway(name, namespace))
    for (const server of servers) {
      if (!bound.includes(server.gateway) || (server.namespace !== '*' && server.namespace !== namespace)) continue
      for (const written of virtualService.spec.hosts) {
        // A name without dots is a Service inside the mesh, but what a client of the gateway writes at its door.
        const common = intersectHosts(written.toLowerCase(), server.host.toLowerCase())
        if (common === undefined) continue
        const list = hosts.get(common) ?? []
        if (!list.includes(virtualService)) hosts.set(common, [...list, virtualService])
      }
    }
  }
  for (const list of hosts.values()) list.sort((a, b) => rankOf(a, servers) - rankOf(b, servers))
  return hosts
}

/** When two Gateways claim one host, what is bound to the first of them comes first; `analyze` tells the other one. */
function rankOf({ id, spec }: VirtualService, servers: readonly ServerHost[]): number {
  const bound = spec.gateways.map((name) => resolveGateway(name, id.namespace))
  return servers.findIndex(({ gateway }) => bound.includes(gateway))
}

/** The narrower of two overlapping hosts. */
function intersectHosts(a: string, b: string): string | undefined {
  if (hostCovers(b, a)) return a
  return hostCovers(a, b) ? b : undefined
}
