// The routes of a gateway: for each host of a server, the rules of the VirtualServices bound to it, merged in order. Each virtual host is
// encoded on its own, so a changed rule encodes one.
import { concatenated, type Origin, originOf } from '@weft/core'
import {
  VirtualHost_TlsRequirementType as TlsRequirement,
  VirtualHostSchema,
} from '@weft/xds/es/envoy/config/route/v3/route_components'
import { RouteConfigurationSchema } from '@weft/xds/es/envoy/config/route/v3/route'
import { ruleScope } from './destination-rules.ts'
import { encodePart, field, splicedResource, textField, versionOf } from './encode.ts'
import {
  type GatewayHost,
  gatewayRouteServers,
  type GatewayRouteServers,
  hostsLedBy,
  redirectOnly,
} from './gateway-hosts.ts'
import { type BuiltResource, generator, type Loser, makeView, type Part } from './generator.ts'
import { weftMetadata } from './metadata.ts'
import { routeRules } from './routes/route-policies.ts'
import { callerScope } from './outbound-routes.ts'
import { serviceIndex, VirtualHostBuilder, type VirtualHostInit } from './routes/virtual-hosts.ts'
import type { VirtualService } from './routes/virtual-service-routes.ts'

/** A virtual host of a RouteConfiguration, encoded. */
interface GatewayHostPart extends Part {
  /** Of the RouteConfiguration. */
  readonly routes: string
  /** The first server that has the host, by its place among those of the RouteConfiguration. */
  readonly server: number
  readonly key: string
  readonly domain: string
  readonly origin: Origin
  readonly origins: readonly Origin[]
  readonly field: Uint8Array
}

/** `http.<port>` for all servers of a port without TLS, `https.<port>.<port name>.<gateway>.<namespace>` for each behind it. */
export const gatewayRoutes = generator({
  name: 'gateway-routes',
  scope(mesh, proxy) {
    const { namespace, labels, address, ports } = proxy.instance
    const configurations = gatewayRouteServers(mesh, { namespace, labels, address, ports })
    return { ...callerScope(mesh, proxy), callers: ruleScope(mesh, proxy), configurations }
  },
  each: ['VirtualService'],
  views(mesh, { configurations, callers, ...caller }, item) {
    const virtualService = mesh.withDelegates(item as VirtualService)
    return configurations.flatMap((routes) =>
      hostsLedBy(mesh, virtualService, routes, caller.namespace).map(({ bound, ...at }) => {
        const services = mesh.destinationsOf(bound)
        return makeView(
          { ...caller, ...at, routes: routes.name, gateways: routes.gateways },
          {
            services,
            virtualServices: bound,
            rules: routeRules(mesh, services, callers),
            attached: services.flatMap(({ id }) => mesh.policiesOn(id)),
          },
        )
      }),
    )
  },
  build({ scope, refs }) {
    const builder = new VirtualHostBuilder(serviceIndex(refs.services), refs.rules, refs.attached)
    const { routes } = builder.routesOf(refs.virtualServices, scope)
    const origins = refs.virtualServices.map(({ id }) => originOf(id, ''))
    const [origin = ''] = origins
    const metadata = weftMetadata({ origin, virtualService: origin })
    const part = partOf(scope, scope.routes, { origins, origin }, { routes, metadata })
    return { resources: [], parts: [part], problems: builder.problems, losers: builder.losers }
  },
  join({ configurations }, parts) {
    const byRoutes = Map.groupBy(parts, ({ routes }) => routes)
    const losers: Loser[] = []
    const resources = configurations.map((each) => routesResource(each, byRoutes.get(each.name) ?? [], losers))
    return { resources, problems: [], losers }
  },
})

function partOf(
  { host, port, server, redirects }: Omit<GatewayHost, 'bound'>,
  routes: string,
  { origin, origins }: { readonly origin: Origin; readonly origins: readonly Origin[] },
  init: VirtualHostInit,
): GatewayHostPart {
  const key = `${host}:${port}`
  const requireTls = redirects ? { requireTls: TlsRequirement.ALL } : {}
  const whole = field(18, encodePart(VirtualHostSchema, { name: key, domains: [host], ...requireTls, ...init }))
  const version = versionOf(new TextEncoder().encode(`${versionOf(whole)} ${routes} ${server} ${origins.join(' ')}`))
  return { version, size: whole.length, routes, server, key, domain: host, origin, origins, field: whole }
}

/** One RouteConfiguration: the hosts of its servers in the servers' order, those that only redirect last. */
function routesResource(
  routes: GatewayRouteServers,
  given: readonly GatewayHostPart[],
  losers: Loser[],
): BuiltResource {
  const { name, servers, port } = routes
  const ruled = given.toSorted((a, b) => a.server - b.server)
  const redirecting = redirectOnly(routes, new Set(given.map(({ key }) => key))).map((host) => {
    const origin = servers[host.server]?.origin ?? ''
    return partOf(host, name, { origin, origins: [origin] }, { metadata: weftMetadata({ origin }) })
  })
  const owners = new Map<string, Origin>()
  const hosts: GatewayHostPart[] = []
  for (const part of [...ruled, ...redirecting]) {
    const by = owners.get(part.domain)
    if (by === undefined) {
      owners.set(part.domain, part.origin)
      hosts.push(part)
    } else {
      const detail = `${part.domain} already belongs to another object`
      losers.push({ origin: part.origin, reason: 'host-conflict', by, detail })
    }
  }
  const number = servers[0]?.server.port.number ?? port
  const fields = hosts.length > 0 ? hosts.map((part) => part.field) : [blackhole(number)]
  const content = hosts.length > 0 ? hosts.map(({ version }) => version).join(',') : `blackhole ${number}`
  const origin = [...new Set(hosts.flatMap(({ origins }) => origins))]
  const body = concatenated([textField(10, name), ...fields, tail])
  return splicedResource(RouteConfigurationSchema, name, body, { content, origin })
}

/** Without any host Envoy answers 404 as well, but says less about why. */
function blackhole(port: number): Uint8Array {
  return field(18, encodePart(VirtualHostSchema, { name: `blackhole:${port}`, domains: ['*'] }))
}

const tail = encodePart(RouteConfigurationSchema, {
  validateClusters: false,
  // What clients wrote is the port of a load balancer, or of a Service: any.
  ignorePortInHostMatching: true,
  maxDirectResponseBodySizeBytes: 1_048_576,
})
