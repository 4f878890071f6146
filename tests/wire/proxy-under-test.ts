// The listeners and the request path of a proxy on real sockets, with a configuration written in Envoy's JSON.
import type { TestContext } from 'node:test'
import { createRegistry, type DescMessage, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf'
import type { Result } from '@weft/core'
import { nodeRuntime } from '@weft/core/node'
import { netUnderTest } from './net-under-test.ts'
import { type ActiveConfig, compile, emptyConfig, type EndpointSet, matchFilterChain, testValue } from '@weft/engine'
import { compileRegex } from '@weft/engine/regex'
import { ClusterSchema } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { ClusterLoadAssignmentSchema } from '@weft/xds/es/envoy/config/endpoint/v3/endpoint'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import { RouteConfigurationSchema } from '@weft/xds/es/envoy/config/route/v3/route'
import { ClusterConfigSchema } from '@weft/xds/es/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster'
import {
  FilterConfigSchema as DynamicHostSchema,
  PerRouteConfigSchema as DynamicHostPerRouteSchema,
} from '@weft/xds/es/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy'
import { FilterConfigSchema as ServerNameLookupSchema } from '@weft/xds/es/envoy/extensions/filters/network/sni_dynamic_forward_proxy/v3/sni_dynamic_forward_proxy'
import { CaresDnsResolverConfigSchema } from '@weft/xds/es/envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver'
import { FilterConfigSchema } from '@weft/xds/es/envoy/config/route/v3/route_components'
import { CorsPolicySchema, CorsSchema } from '@weft/xds/es/envoy/extensions/filters/http/cors/v3/cors'
import { GrpcWebSchema } from '@weft/xds/es/envoy/extensions/filters/http/grpc_web/v3/grpc_web'
import { HttpProtocolOptionsSchema } from '@weft/xds/es/envoy/extensions/upstreams/http/v3/http_protocol_options'
import {
  StatefulSessionPerRouteSchema,
  StatefulSessionSchema,
} from '@weft/xds/es/envoy/extensions/filters/http/stateful_session/v3/stateful_session'
import { CookieBasedSessionStateSchema } from '@weft/xds/es/envoy/extensions/http/stateful_session/cookie/v3/cookie'
import { HeaderBasedSessionStateSchema } from '@weft/xds/es/envoy/extensions/http/stateful_session/header/v3/header'
import { AllowListedRoutesConfigSchema } from '@weft/xds/es/envoy/extensions/internal_redirect/allow_listed_routes/v3/allow_listed_routes_config'
import { PreviousRoutesConfigSchema } from '@weft/xds/es/envoy/extensions/internal_redirect/previous_routes/v3/previous_routes_config'
import { SafeCrossSchemeConfigSchema } from '@weft/xds/es/envoy/extensions/internal_redirect/safe_cross_scheme/v3/safe_cross_scheme_config'
import { PreviousHostsPredicateSchema } from '@weft/xds/es/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts'
import { PreviousPrioritiesConfigSchema } from '@weft/xds/es/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config'
import { HTTPFaultSchema } from '@weft/xds/es/envoy/extensions/filters/http/fault/v3/fault'
import { RBACPerRouteSchema, RBACSchema } from '@weft/xds/es/envoy/extensions/filters/http/rbac/v3/rbac'
import { RouterSchema } from '@weft/xds/es/envoy/extensions/filters/http/router/v3/router'
import { LeastRequestSchema } from '@weft/xds/es/envoy/extensions/load_balancing_policies/least_request/v3/least_request'
import { MaglevSchema } from '@weft/xds/es/envoy/extensions/load_balancing_policies/maglev/v3/maglev'
import { RingHashSchema } from '@weft/xds/es/envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash'
import { HttpInspectorSchema } from '@weft/xds/es/envoy/extensions/filters/listener/http_inspector/v3/http_inspector'
import { ProxyProtocolSchema } from '@weft/xds/es/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol'
import { TlsInspectorSchema } from '@weft/xds/es/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector'
import { ConfigSchema as SetFilterStateSchema } from '@weft/xds/es/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state'
import { RBACSchema as NetworkRbacSchema } from '@weft/xds/es/envoy/extensions/filters/network/rbac/v3/rbac'
import { RouteSchema as UdpRouteSchema } from '@weft/xds/es/envoy/extensions/filters/udp/udp_proxy/v3/route'
import { UdpProxyConfigSchema } from '@weft/xds/es/envoy/extensions/filters/udp/udp_proxy/v3/udp_proxy'
import { InternalUpstreamTransportSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/internal_upstream/v3/internal_upstream'
import { ProxyProtocolUpstreamTransportSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol'
import { RawBufferSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer'
import {
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/tls'
import { HttpConnectionManagerSchema } from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import { TcpProxySchema } from '@weft/xds/es/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy'
import type { Secrets } from '../../packages/proxy/src/config/secret-source.ts'
import { createRequestPath } from '../../packages/proxy/src/exchange/create-request-path.ts'
import { ConnectionTable } from '../../packages/proxy/src/listen/connection-table.ts'
import { ListenerManager } from '../../packages/proxy/src/listen/listener-manager.ts'
import type {
  CarriedMessages,
  ExchangeRecord,
  MessageNumbers,
  TcpRecord,
} from '../../packages/proxy/src/telemetry/exchange-record.ts'
import { UdpListeners } from '../../packages/proxy/src/udp/udp-listeners.ts'
import { MetricsRegistry } from '../../packages/proxy/src/telemetry/metrics-registry.ts'

const registry = createRegistry(
  AllowListedRoutesConfigSchema,
  PreviousRoutesConfigSchema,
  SafeCrossSchemeConfigSchema,
  PreviousHostsPredicateSchema,
  PreviousPrioritiesConfigSchema,
  RouterSchema,
  ClusterConfigSchema,
  DynamicHostSchema,
  DynamicHostPerRouteSchema,
  ServerNameLookupSchema,
  CaresDnsResolverConfigSchema,
  RBACSchema,
  RBACPerRouteSchema,
  HTTPFaultSchema,
  StatefulSessionSchema,
  StatefulSessionPerRouteSchema,
  CookieBasedSessionStateSchema,
  HeaderBasedSessionStateSchema,
  GrpcWebSchema,
  LeastRequestSchema,
  MaglevSchema,
  RingHashSchema,
  CorsSchema,
  CorsPolicySchema,
  FilterConfigSchema,
  HttpProtocolOptionsSchema,
  HttpConnectionManagerSchema,
  TcpProxySchema,
  HttpInspectorSchema,
  ProxyProtocolSchema,
  TlsInspectorSchema,
  NetworkRbacSchema,
  SetFilterStateSchema,
  InternalUpstreamTransportSchema,
  UdpRouteSchema,
  UdpProxyConfigSchema,
  ProxyProtocolUpstreamTransportSchema,
  RawBufferSchema,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
)

/** `{ '@type': ... }` of a message that has a type. */
export const any = (type: string, value: JsonObject = {}): JsonObject => ({
  '@type': `type.googleapis.com/${type}`,
  ...value,
})

/** What a finished exchange reported, copied: the record itself is used again. */
export interface SeenExchange {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly flags: string
  readonly details: string
  readonly attempts: number
  readonly cluster: string | undefined
  readonly bytesReceived: number
  readonly bytesSent: number
  readonly protocol: string
  readonly grpcStatus: string | undefined
  readonly authority: string
}

/** A running proxy. */
export interface ProxyUnderTest {
  portOf(listener: string): number
  readonly exchanges: SeenExchange[]
  /** Of gRPC calls, each report: every 50 ms while a call streams, and at its end. */
  readonly messages: MessageNumbers[]
  readonly connections: TcpRecord[]
  readonly metrics: MetricsRegistry
  /** Connections that no chain got, `listener: reason: detail`. */
  readonly refusals: string[]
  openConnections(): number
  apply(config: JsonConfig): void
  setEndpoints(name: string, json: JsonObject): void
  close(): Promise<void>
}

/** Resources in Envoy's JSON. */
export interface JsonConfig {
  readonly listeners?: readonly JsonObject[]
  readonly routes?: readonly JsonObject[]
  readonly clusters?: readonly JsonObject[]
}

const noSecrets: Secrets = {
  has: () => false,
  certificate: () => undefined,
  rootsPem: () => undefined,
  crlPem: () => undefined,
}

/** Starts one; endpoints of EDS clusters come by `setEndpoints`. `drainMs` is for connections whose listener has gone. */
export async function startProxy(
  json: JsonConfig,
  secrets: Secrets = noSecrets,
  drainMs = 1_000,
): Promise<ProxyUnderTest> {
  const runtime = nodeRuntime({ logLevel: 'error', net: await netUnderTest() })
  const exchanges: SeenExchange[] = []
  const messages: MessageNumbers[] = []
  const connections: TcpRecord[] = []
  const metrics = new MetricsRegistry()
  const refusals: string[] = []
  const endpoints = new Map<string, EndpointSet>()
  let active: ActiveConfig = emptyConfig
  const testSan: Parameters<typeof createRequestPath>[0]['testSan'] = ({ test }, name) => testValue(test, name)
  const path = createRequestPath({
    runtime,
    metrics,
    secrets,
    testSan,
    config: () => active,
    endpointsOf: (name) => endpoints.get(name),
    connectInternal: (name, ends) => listeners.connectInternal(name, ends),
    logDatagrams: (record) => void connections.push(record),
    telemetry: () => ({
      onExchange: (record) => {
        exchanges.push(seen(record))
        if (record.messages !== undefined) messages.push(record.messages.takeUncounted())
      },
      onMessages: ({ messages: carried }) => void messages.push((carried as CarriedMessages).takeUncounted()),
      messagesEveryMs: () => 50,
      onTcpOpened: () => {},
      onTcpClosed: (record) => void connections.push(record),
    }),
  })
  const table = new ConnectionTable(runtime)
  const listeners: ListenerManager = new ListenerManager(
    {
      runtime,
      decisions: { matchFilterChain, testSan },
      secrets,
      connections: table,
      serve: path.serve,
      anticipate: path.anticipate,
      onRefused: ({ name }, reason, detail) => void refusals.push(`${name}: ${reason}: ${detail}`),
    },
    { maxConnections: 1_000, drainMs },
  )
  const udp = new UdpListeners(runtime, path.serveDatagrams)
  const apply = (next: JsonConfig): void => {
    const previous = active
    active = compiled(next)
    path.onConfig(active, previous)
    listeners.apply(active)
    udp.apply(active)
  }
  apply(json)
  await Promise.all([listeners.settled(), udp.settled()])
  return {
    portOf: (name) => listeners.portOf(name) ?? udp.portOf(name) ?? 0,
    exchanges,
    messages,
    connections,
    metrics,
    refusals,
    openConnections: () => table.size,
    apply,
    setEndpoints: (name, value) => {
      const set = need(compile.compileEndpoints(encode(ClusterLoadAssignmentSchema, value)))
      endpoints.set(name, set)
      path.onEndpoints(name, set)
    },
    close: async () => {
      await listeners.stopAccepting(() => true)
      udp.stop(() => true)
      await table.drainAll(() => true, 0)
      path.close()
    },
  }
}

function compiled(json: JsonConfig): ActiveConfig {
  const options = { regex: compileRegex }
  const named = <T extends { readonly name: string }>(list: readonly T[]): Map<string, T> =>
    new Map(list.map((one) => [one.name, one]))
  return {
    listeners: named(
      (json.listeners ?? []).map((one) => need(compile.compileListener(encode(ListenerSchema, one), options))),
    ),
    routeConfigs: named(
      (json.routes ?? []).map((one) =>
        need(compile.compileRouteConfig(encode(RouteConfigurationSchema, one), options)),
      ),
    ),
    clusters: named(
      (json.clusters ?? []).map((one) => need(compile.compileCluster(encode(ClusterSchema, one), options))),
    ),
  }
}

function encode(schema: DescMessage, json: JsonObject): Uint8Array {
  return toBinary(schema, fromJson(schema, json, { registry }))
}

function need<T>(result: Result<T, { readonly field: string; readonly message: string }>): T {
  if (!result.ok) throw new Error(`${result.error.field}: ${result.error.message}`)
  return result.value
}

function seen(record: ExchangeRecord): SeenExchange {
  const { method, path, status, flags, details, upstream, bytesReceived, bytesSent, protocol, grpcStatus, authority } =
    record
  return {
    method,
    path,
    status,
    flags: flags.join(','),
    details,
    attempts: upstream?.attempts ?? 0,
    cluster: upstream?.cluster.name,
    bytesReceived,
    bytesSent,
    protocol,
    grpcStatus,
    authority,
  }
}

/** A listener on any port of loopback with an HTTP connection manager. */
export function httpListener(name: string, routes: JsonObject, more: JsonObject = {}): JsonObject {
  return {
    name,
    address: { socketAddress: { address: '127.0.0.1', portValue: 0 } },
    filterChains: [{ filters: [manager(routes, more)] }],
  }
}

/** An HTTP connection manager; `routes` is a RouteConfiguration. */
export function manager(routes: JsonObject, more: JsonObject = {}): JsonObject {
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typedConfig: any('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
      statPrefix: 'test',
      routeConfig: routes,
      httpFilters: [router],
      ...more,
    }),
  }
}

/** The router filter. */
export const router: JsonObject = {
  name: 'envoy.filters.http.router',
  typedConfig: any('envoy.extensions.filters.http.router.v3.Router'),
}

/** One virtual host for all names. */
export function anyHost(routes: JsonObject[], more: JsonObject = {}): JsonObject {
  return { name: 'routes', virtualHosts: [{ name: 'any', domains: ['*'], routes, ...more }] }
}

/** Everything to one cluster. */
export function everythingTo(cluster: string, action: JsonObject = {}): JsonObject {
  return anyHost([{ match: { prefix: '/' }, route: { cluster, ...action } }])
}

/** A STATIC cluster of loopback ports. */
export function staticCluster(name: string, ports: readonly number[], more: JsonObject = {}): JsonObject {
  return { name, type: 'STATIC', connectTimeout: '1s', loadAssignment: assignment(name, ports), ...more }
}

/** A ClusterLoadAssignment of loopback ports. */
export function assignment(clusterName: string, ports: readonly number[]): JsonObject {
  const lbEndpoints = ports.map((portValue) => ({
    endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue } } },
  }))
  return { clusterName, endpoints: [{ lbEndpoints }] }
}

const httpOptionsType = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'

/** The part of a cluster that says how it is spoken to. */
export function httpOptions(options: JsonObject): JsonObject {
  return { typedExtensionProtocolOptions: { [httpOptionsType]: any(httpOptionsType, options) } }
}

/** The CORS filter, which acts where a route has a policy. */
export const cors: JsonObject = {
  name: 'envoy.filters.http.cors',
  typedConfig: any('envoy.extensions.filters.http.cors.v3.Cors'),
}

/** A policy of it, as a route, virtual host or configuration carries it. */
export function corsPolicy(policy: JsonObject): JsonObject {
  return {
    typedPerFilterConfig: {
      'envoy.filters.http.cors': any('envoy.extensions.filters.http.cors.v3.CorsPolicy', policy),
    },
  }
}

/** The gRPC-Web filter. */
export const grpcWeb: JsonObject = {
  name: 'envoy.filters.http.grpc_web',
  typedConfig: any('envoy.extensions.filters.http.grpc_web.v3.GrpcWeb'),
}

/** A proxy that ends with the test, and what stands behind it after it. */
export async function proxyFor(
  t: TestContext,
  config: JsonConfig,
  ...behind: readonly { close(): unknown }[]
): Promise<ProxyUnderTest> {
  let proxy: ProxyUnderTest | undefined
  t.after(async () => {
    await proxy?.close()
    for (const each of behind) await each.close()
  })
  return (proxy = await startProxy(config))
}
