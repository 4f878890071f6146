// The resources of a case, in Envoy's JSON: one listener with one filter chain, one cluster.
import type { JsonObject } from '@bufbuild/protobuf'
import { any, everythingTo, manager, staticCluster } from '../../wire/proxy-under-test.ts'
import type { ProtocolCase } from './protocol-case.ts'

/** A listener and a cluster. */
export interface CaseResources {
  readonly listener: JsonObject
  readonly cluster: JsonObject
}

const http2 = {
  typedExtensionProtocolOptions: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': any(
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      {
        explicitHttpConfig: { http2ProtocolOptions: {} },
      },
    ),
  },
}

/** A connection that is closed behind an answer is closed at once, not after a second: it shows while the case lasts. */
const soon = { delayedCloseTimeout: '0.05s' }

/** Names end in the id, since one Envoy serves all cases; the access log is added for Envoy alone. */
export function caseResources(
  given: ProtocolCase,
  upstreamPort: number,
  { id = '', accessLog = [] as JsonObject[] } = {},
): CaseResources {
  const clusterName = `up${id}`
  const routes = renamed(given.routes ?? everythingTo('up', given.route), clusterName)
  const codec = given.downstreamWire === 'h2' ? { codecType: 'HTTP2' } : {}
  const logging = accessLog.length === 0 ? {} : { accessLog }
  const filter =
    given.downstreamWire === 'tcp'
      ? {
          name: 'envoy.filters.network.tcp_proxy',
          typedConfig: any('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
            statPrefix: 'test',
            cluster: clusterName,
            ...given.tcpProxy,
            ...logging,
          }),
        }
      : manager(routes, { ...codec, ...soon, ...given.manager, ...logging })
  return {
    listener: {
      name: `in${id}`,
      address: { socketAddress: { address: '127.0.0.1', portValue: 0 } },
      ...given.listener,
      ...chainsOf(given, filter),
    },
    cluster: staticCluster(clusterName, [upstreamPort], {
      ...(given.upstreamWire === 'h2' ? http2 : {}),
      ...upstreamTls(given.tls),
      ...given.cluster,
    }),
  }
}

function chainsOf({ tls }: ProtocolCase, filter: JsonObject): JsonObject {
  if (tls?.chains === undefined) return { filterChains: [{ filters: [filter] }] }
  const type = 'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext'
  const filterChains = tls.chains.map(({ match, context }) => ({
    ...(match === undefined ? {} : { filterChainMatch: match }),
    filters: [filter],
    transportSocket: { name: 'envoy.transport_sockets.tls', typedConfig: any(type, context) },
  }))
  const inspects = any('envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector')
  return { filterChains, listenerFilters: [{ name: 'envoy.filters.listener.tls_inspector', typedConfig: inspects }] }
}

function upstreamTls(tls: ProtocolCase['tls']): JsonObject {
  if (tls?.upstream === undefined) return {}
  const type = 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext'
  return { transportSocket: { name: 'envoy.transport_sockets.tls', typedConfig: any(type, tls.upstream.context) } }
}

/** The cluster `up` of a case's own routes under the name it has in a proxy that serves many. */
function renamed(routes: JsonObject, clusterName: string): JsonObject {
  return JSON.parse(JSON.stringify(routes).replaceAll('"cluster":"up"', `"cluster":"${clusterName}"`)) as JsonObject
}
