// Makes Envoy's `--mode validate` look at everything: listeners and clusters become static, routes and endpoints are put into
// them, since resources that only a stream would bring are not validated.
import { pushOrder, type ResourceTable, typeUrl } from '@weft/xds'
import { resourceToJson } from '../patches/resource-to-json.ts'

type Json = Record<string, unknown>

/** A bootstrap with the whole table of a proxy, for validation only. */
export function staticBootstrap(table: ResourceTable): Json {
  const byType = new Map(
    pushOrder.map((type) => [
      type,
      new Map([...table.get(type).values()].map((resource) => [resource.name, resourceToJson(type, resource.body) as Json])),
    ]),
  )
  const routes = byType.get(typeUrl.routeConfiguration) ?? new Map<string, Json>()
  const endpoints = byType.get(typeUrl.clusterLoadAssignment) ?? new Map<string, Json>()
  const listeners = [...(byType.get(typeUrl.listener)?.values() ?? [])].map((listener) => inlineRoutes(listener, routes))
  const clusters = [...(byType.get(typeUrl.cluster)?.values() ?? [])].map((cluster) => inlineEndpoints(cluster, endpoints))
  return {
    node: { id: 'golden', cluster: 'golden' },
    bootstrap_extensions: [
      {
        name: 'envoy.bootstrap.internal_listener',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener',
        },
      },
    ],
    static_resources: overSds({ listeners, clusters: [...clusters, agentCluster()] }) as Json,
  }
}

/** Secrets of the ADS stream, which a static bootstrap does not have, come from the agent's for once. */
function overSds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(overSds)
  if (typeof value !== 'object' || value === null) return value
  const { sds_config: source, ...rest } = value as Json & { sds_config?: { ads?: unknown } }
  const copy = Object.fromEntries(Object.entries(rest).map(([key, member]) => [key, overSds(member)]))
  if (source === undefined) return copy
  const agent = { envoy_grpc: { cluster_name: 'sds-grpc' } }
  const api = { api_type: 'GRPC', transport_api_version: 'V3', grpc_services: [agent] }
  const sds = source.ads === undefined ? source : { resource_api_version: 'V3', api_config_source: api }
  return { ...copy, sds_config: sds }
}

/** Replaces `rds` by the routes themselves, wherever a connection manager stands. */
function inlineRoutes(value: unknown, routes: ReadonlyMap<string, Json>): unknown {
  if (Array.isArray(value)) return value.map((item) => inlineRoutes(item, routes))
  if (typeof value !== 'object' || value === null) return value
  const { rds, ...rest } = value as Json & { rds?: { route_config_name: string } }
  const copy = Object.fromEntries(Object.entries(rest).map(([key, member]) => [key, inlineRoutes(member, routes)]))
  if (rds === undefined) return copy
  const route = routes.get(rds.route_config_name)
  if (route === undefined) throw new Error(`no route configuration ${rds.route_config_name}`)
  return { ...copy, route_config: route }
}

function inlineEndpoints(cluster: Json, endpoints: ReadonlyMap<string, Json>): Json {
  if (cluster['type'] !== 'EDS') return cluster
  const { eds_cluster_config: eds, ...rest } = cluster as Json & { readonly eds_cluster_config?: { readonly service_name?: string } }
  const assignment = endpoints.get(eds?.service_name ?? String(cluster['name']))
  if (assignment === undefined) throw new Error(`no endpoints for ${String(cluster['name'])}`)
  return { ...rest, type: 'STATIC', load_assignment: { ...assignment, cluster_name: cluster['name'] } }
}

function agentCluster(): Json {
  const address = { pipe: { path: '/nowhere/sds.sock' } }
  return {
    name: 'sds-grpc',
    type: 'STATIC',
    connect_timeout: '1s',
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    load_assignment: { cluster_name: 'sds-grpc', endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
  }
}
