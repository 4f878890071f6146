// Routes whose parent is a Service, for the callers inside the mesh. They hold instead of a VirtualService for the same host.
import { originOf, type Origin } from '@weft/core'
import type { HttpRetry, ServicePort } from '@weft/resources'
import type { RouteSchema } from '@weft/xds/es/envoy/config/route/v3/route_components'
import { eachOnce, type RouteRefs, routeRefs } from '../../gateway-api/gateway-refs.ts'
import { backendHost } from '../../gateway-api/backends.ts'
import {
  dependsOnCaller,
  isServiceRef,
  routesFor,
  routesForCallers,
  routesOnPort,
} from '../../gateway-api/mesh-routes.ts'
import type { Route } from '../../gateway-api/objects.ts'
import type { MeshNeed } from '../../gateway-api/topics.ts'
import type { MeshQuery } from '../../snapshot/mesh-query.ts'
import type { Loser } from '../generator.ts'
import { type Service, serviceHost } from '../hosts.ts'
import type { Init } from '../init.ts'
import type { VariantRefs } from './clusters-of-backends.ts'
import { compileRoutes } from './compiled-routes.ts'

/** What sidecars need of routes. */
export type MeshRouteRefs = Pick<
  RouteRefs,
  'routes' | 'grants' | 'services' | 'backends' | 'trafficPolicies' | 'attached'
>

/** For hosts that no route can name. */
export const noMeshRoutes: MeshRouteRefs = {
  routes: [],
  grants: [],
  services: [],
  backends: [],
  trafficPolicies: [],
  attached: [],
}

/** The routes for a Service as callers of a namespace see them; `byCaller`: other namespaces may see others. */
export function meshRouteRefs(
  mesh: MeshQuery,
  service: Service,
  namespace: string,
): { readonly refs: MeshRouteRefs; readonly byCaller: boolean } {
  const all = mesh.meshRoutesOf(serviceHost(service))
  if (all.length === 0) return { refs: noMeshRoutes, byCaller: false }
  const found = routeRefs(mesh, routesForCallers(all, service, namespace))
  const { routes, grants, services, backends, trafficPolicies, attached } = found
  const refs = { routes, grants, services, backends, trafficPolicies, attached }
  return { refs, byCaller: dependsOnCaller(all, service) }
}

/** The Services for which callers of a namespace have a route that needs something, with these routes; sorted by host. */
export function servicesNeeding(
  mesh: MeshQuery,
  need: MeshNeed,
  namespace: string,
): { readonly service: Service; readonly refs: MeshRouteRefs }[] {
  return parentsNeeding(mesh, need).map((service) => ({ service, refs: meshRouteRefs(mesh, service, namespace).refs }))
}

/** The Services for which some route needs something, whoever calls; sorted by host. */
export function parentsNeeding(mesh: MeshQuery, need: MeshNeed): Service[] {
  const hosts = mesh
    .meshRoutesNeeding(need)
    .flatMap((route) => (route.spec.parentRefs ?? []).filter(isServiceRef).map((ref) => backendHost(route, ref)))
  return [...new Set(hosts)].sort().flatMap((host) => mesh.service(host) ?? [])
}

/** Of what routes for several Services need, what callers of a namespace get for one of them. */
export function ownMeshRefs(joined: MeshRouteRefs, service: Service, namespace: string): MeshRouteRefs {
  return { ...joined, routes: routesForCallers(routesFor(joined.routes, service), service, namespace) }
}

/** What routes for several Services need, as references of one view. */
export function joinMeshRefs(list: readonly MeshRouteRefs[]): MeshRouteRefs {
  const some = list.filter(({ routes }) => routes.length > 0)
  return {
    routes: eachOnce(some.flatMap(({ routes }) => routes)),
    grants: eachOnce(some.flatMap(({ grants }) => grants)),
    services: eachOnce(some.flatMap(({ services }) => services)),
    backends: eachOnce(some.flatMap(({ backends }) => backends)),
    trafficPolicies: eachOnce(some.flatMap(({ trafficPolicies }) => trafficPolicies)),
    attached: eachOnce(some.flatMap(({ attached }) => attached)),
  }
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

function isHttp({ id }: Route): boolean {
  return id.kind === 'HTTPRoute' || id.kind === 'GRPCRoute'
}

/** As a sidecar follows them: what the mesh speaks to backends, no policy says. */
export function sidecarRefs(refs: MeshRouteRefs): RouteRefs & VariantRefs {
  return { ...refs, tlsPolicies: [], gateways: [] }
}
