// The routes of a Service port for gRPC clients: the rules that proxies get, as far as gRPC follows them.
import { RouteConfigurationSchema } from '@weft/xds/es/envoy/config/route/v3/route'
import type { MeshQuery } from '../../snapshot/mesh-query.ts'
import { ruleScope } from '../destination-rules.ts'
import { encodeResource } from '../encode.ts'
import { type BuiltResource, generator, type ProxyRef } from '../generator.ts'
import { meshHostRoutes } from '../gateway-api/mesh-hosts.ts'
import type { Service } from '../hosts.ts'
import { callerOf, callerScope, type RouteImports, type RouteScope, serviceRouteViews } from '../outbound-routes.ts'
import { addServiceHost, type ServiceIndex, serviceIndex, VirtualHostBuilder } from '../routes/virtual-hosts.ts'
import type { Caller } from '../routes/virtual-service-routes.ts'
import { commonImportsOf } from '../sidecar-scope.ts'
import { blackHole } from '../static-clusters.ts'
import { grpcRoutes } from './grpc-routes.ts'
import { routesOf } from './names.ts'

type ProxyRouteScope = RouteScope & Pick<RouteImports, 'hosts' | 'callers'>

/** A RouteConfiguration per port; its only virtual host takes every name, since only this port's listeners lead to it. */
export const grpcRouteConfigurations = generator({
  name: 'proxyless-routes',
  scope: (mesh: MeshQuery, proxy: ProxyRef): ProxyRouteScope => ({
    ...callerScope(mesh, proxy),
    tunnel: false,
    hosts: commonImportsOf(mesh, proxy),
    callers: ruleScope(mesh, proxy),
  }),
  each: ['Service'],
  views: (mesh, { hosts, callers, ...scope }, item) =>
    serviceRouteViews(mesh, scope, item as Service, { hosts, callers }),
  build({ scope, refs }) {
    const services = serviceIndex([...refs.destinations, ...refs.service])
    const builder = new VirtualHostBuilder(serviceIndex(refs.destinations), refs.rules)
    const caller: Caller = { ...callerOf(scope), port: 80 }
    const byRoutes = new Set<string>()
    for (const service of refs.service) {
      for (const [index, port] of service.spec.ports.entries()) {
        // gRPC clients find no hosts outside: what an XBackend would get is answered as what leads nowhere.
        const instead = meshHostRoutes({ ...refs, backends: [] }, service, port, scope.retries)
        const { virtualServices } = refs
        addServiceHost(builder, service, index, { virtualServices, caller, tunnel: false, instead })
        // What routes of the Gateway API refer to was looked up when they were attached.
        if (instead !== undefined) byRoutes.add(routesOf(service, port))
      }
    }
    const { problems, losers } = builder
    const resources = builder.hosts.map(({ name = '', routes = [], metadata }, index): BuiltResource => {
      const clusterOf = (cluster: string): string => (isThere(cluster, services) ? cluster : blackHole)
      const made = grpcRoutes(routes, builder.owners[index] ?? '', byRoutes.has(name) ? undefined : clusterOf)
      problems.push(...made.problems)
      const host = { name, domains: ['*'], routes: made.routes, ...(metadata === undefined ? {} : { metadata }) }
      return encodeResource(RouteConfigurationSchema, name, { name, virtualHosts: [host] }, [...builder.origins])
    })
    return { resources, problems, losers }
  },
})

/** Whether a cluster of a VirtualService is that of a Service port. */
function isThere(cluster: string, services: ServiceIndex): boolean {
  const [, port, , host = ''] = cluster.split('|')
  return services.get(host)?.spec.ports.some((each) => String(each.port) === port) ?? false
}
