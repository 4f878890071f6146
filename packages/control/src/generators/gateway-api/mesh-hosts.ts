// Routes whose parent is a Service, for the callers inside the mesh. They hold instead of a VirtualService for the same host.
import { originOf, type Origin } from '@weft/core'
import type { HttpRetry, ServicePort } from '@weft/resources'
import type { RouteSchema } from '@weft/xds/es/envoy/config/route/v3/route_components'
import { type RouteRefs, routeRefs } from '../../gateway-api/gateway-refs.ts'
import { dependsOnCaller, routesForCallers, routesOnPort } from '../../gateway-api/mesh-routes.ts'
import type { Route } from '../../gateway-api/objects.ts'
import type { MeshQuery } from '../../snapshot/mesh-query.ts'
import type { Loser } from '../generator.ts'
import { type Service, serviceHost } from '../hosts.ts'
import type { Init } from '../init.ts'
import { compileRoutes } from './compiled-routes.ts'
import { type StreamTargets, streamTargets } from './stream-targets.ts'

/** What sidecars need of routes: policies on backends are for Gateways. */
export type MeshRouteRefs = Pick<RouteRefs, 'routes' | 'grants' | 'services' | 'attached'>

/** For hosts that no route can name. */
export const noMeshRoutes: MeshRouteRefs = { routes: [], grants: [], services: [], attached: [] }

/** The routes for a Service as callers of a namespace see them; `byCaller`: other namespaces may see others. */
export function meshRouteRefs(
  mesh: MeshQuery,
  service: Service,
  namespace: string,
): { readonly refs: MeshRouteRefs; readonly byCaller: boolean } {
  const all = mesh.meshRoutesOf(serviceHost(service))
  if (all.length === 0) return { refs: noMeshRoutes, byCaller: false }
  const { routes, grants, services, attached } = routeRefs(mesh, routesForCallers(all, service, namespace))
  return { refs: { routes, grants, services, attached }, byCaller: dependsOnCaller(all, service) }
}

/** The routes of one port, and whose they are. */
export interface MeshHostRoutes {
  readonly routes: readonly Init<typeof RouteSchema>[]
  readonly losers: readonly Loser[]
  readonly origin: Origin
}

/** What HTTPRoutes and GRPCRoutes say of a Service port; undefined when none does. */
export function meshHostRoutes(
  refs: MeshRouteRefs,
  service: Service,
  port: ServicePort,
  retries: HttpRetry | undefined,
): MeshHostRoutes | undefined {
  const own = routesOnPort(refs.routes, service, port).filter(isHttp)
  const [first] = own
  if (first === undefined) return undefined
  const compiled = compileRoutes([own], {
    refs: sidecarRefs(refs),
    entry: { scheme: 'http', port: port.port },
    // Sidecars ask nobody, whatever they are.
    flavor: 'envoy',
    at: 'mesh',
    way: [],
    retries,
  })
  return { ...compiled, origin: originOf(first.id, '') }
}

/** Where a TCPRoute sends the connections to a Service port; undefined when none does. */
export function meshTargets(refs: MeshRouteRefs, service: Service, port: number): StreamTargets | undefined {
  const servicePort = service.spec.ports.find((one) => one.port === port)
  if (servicePort === undefined) return undefined
  const route = routesOnPort(refs.routes, service, servicePort).find(({ id }) => id.kind === 'TCPRoute')
  return route === undefined ? undefined : streamTargets(route, sidecarRefs(refs))
}

function isHttp({ id }: Route): boolean {
  return id.kind === 'HTTPRoute' || id.kind === 'GRPCRoute'
}

function sidecarRefs(refs: MeshRouteRefs): Parameters<typeof streamTargets>[1] {
  return { ...refs, backends: [], tlsPolicies: [], trafficPolicies: [], gateways: [] }
}
