// The hosts of a gateway's RouteConfigurations: which server each stands at, who has rules for it, and whether requests without TLS
// are sent to where there is some.
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import { bindingsOf } from './gateway-bindings.ts'
import {
  type GatewayPort,
  gatewayPorts,
  gatewaysOf,
  type GatewayWorkload,
  hostsOf,
  type PlacedServer,
  routeNameOf,
  serversOf,
} from './gateways.ts'
import { visibleTo } from './routes/virtual-hosts.ts'
import type { VirtualService } from './routes/virtual-service-routes.ts'

/** The servers of one RouteConfiguration, in order: plain, so that a scope may hold it. */
export interface GatewayRouteServers {
  readonly name: string
  readonly port: number
  readonly servers: readonly PlacedServer[]
  /** `namespace/name` of their Gateways. */
  readonly gateways: readonly string[]
}

/** One host at the port of a server. */
export interface GatewayHost {
  readonly host: string
  /** That the server names, which is not always the one that is bound. */
  readonly port: number
  /** The first of the servers that have it, by its place among all. */
  readonly server: number
  /** Who has rules for it: what is bound to the first server that claims it comes first. */
  readonly bound: readonly VirtualService[]
  readonly redirects: boolean
}

/** The RouteConfigurations of a gateway workload. */
export function gatewayRouteServers(mesh: MeshQuery, workload: GatewayWorkload): GatewayRouteServers[] {
  return gatewayPorts(mesh, workload).ports.flatMap((port) => {
    const servers = serversOf(gatewaysOf(mesh, workload.labels, port.servers), port.servers)
    const named = Map.groupBy(servers, (placed) => routeNameOf(placed, port))
    return [...named].flatMap(([name, placed]) => (name === undefined ? [] : [routeServers(name, port, placed)]))
  })
}

function routeServers(name: string, { port }: GatewayPort, servers: readonly PlacedServer[]): GatewayRouteServers {
  return { name, port, servers, gateways: [...new Set(servers.map(({ gateway }) => gateway))] }
}

/** The hosts at which a VirtualService is the first that has rules, for callers in a namespace. */
export function hostsLedBy(
  mesh: MeshQuery,
  virtualService: VirtualService,
  routes: GatewayRouteServers,
  namespace: string,
): GatewayHost[] {
  const { servers, gateways } = routes
  if (visibleTo([virtualService], namespace, gateways).length === 0) return []
  const seen = new Set<string>()
  return servers.flatMap((placed) =>
    bindingsOf(placed, [virtualService]).flatMap(({ hosts }) =>
      hosts.flatMap((host) => {
        const key = hostKey(host, placed)
        if (seen.has(key)) return []
        seen.add(key)
        const all = visibleTo(mesh.virtualServicesAt(gateways, host), namespace, gateways)
        const found = hostAt(host, placed.server.port.number, servers, all)
        return found.bound[0]?.key === virtualService.key ? [found] : []
      }),
    ),
  )
}

function hostAt(
  host: string,
  port: number,
  servers: readonly PlacedServer[],
  candidates: readonly VirtualService[],
): GatewayHost {
  const bound: VirtualService[] = []
  let first = -1
  let redirects = false
  for (const [index, placed] of servers.entries()) {
    if (placed.server.port.number !== port) continue
    const here = bindingsOf(placed, candidates).filter(({ hosts }) => hosts.includes(host))
    for (const { virtualService } of here) if (!bound.includes(virtualService)) bound.push(virtualService)
    if (here.length > 0 && first < 0) first = index
    const concerned = here.length > 0 || hostsOf(placed).some((each) => each.host === host)
    redirects ||= concerned && placed.server.tls?.httpsRedirect === true
  }
  return { host, port, server: first, bound, redirects }
}

/** Hosts of servers that redirect, which they do whether or not anyone has rules for them; `taken` are keys of those with rules. */
export function redirectOnly({ servers }: GatewayRouteServers, taken: ReadonlySet<string>): GatewayHost[] {
  const known = new Set(taken)
  return servers.flatMap((placed, server) => {
    if (placed.server.tls?.httpsRedirect !== true) return []
    return hostsOf(placed).flatMap(({ host }) => {
      const key = hostKey(host, placed)
      if (known.has(key)) return []
      known.add(key)
      return [{ host, port: placed.server.port.number, server, bound: [], redirects: true }]
    })
  })
}

function hostKey(host: string, { server }: PlacedServer): string {
  return `${host}:${server.port.number}`
}
