// What each kind of proxy gets: one ordered list of generators per kind, the whole configuration at a glance.
import { autoPassthrough } from './auto-passthrough.ts'
import { connectOriginate } from './connect-originate.ts'
import { connectTerminate } from './connect-terminate.ts'
import { egressListeners } from './egress-listeners.ts'
import { endpoints } from './endpoints.ts'
import { gatewayListeners } from './gateway-listeners.ts'
import { credentialSecrets } from './credential-secrets.ts'
import { gatewayRoutes } from './gateway-routes.ts'
import { gatewayApiClusters } from './gateway-api/clusters.ts'
import { gatewayApiDatagrams, meshDatagramClusters } from './gateway-api/datagram-clusters.ts'
import { meshBackends } from './gateway-api/mesh-backends.ts'
import { meshDatagramListeners } from './gateway-api/mesh-datagrams.ts'
import { meshNameTunnels } from './gateway-api/mesh-name-tunnels.ts'
import { gatewayApiSecrets } from './gateway-api/secrets.ts'
import { gatewayApiListeners } from './gateway-api/listeners.ts'
import { gatewayApiRoutes } from './gateway-api/routes.ts'
import type { Generator, ProxyRef } from './generator.ts'
import { inboundClusters } from './inbound-clusters.ts'
import { inboundListeners } from './inbound-listeners.ts'
import { keyClusters } from './key-clusters.ts'
import { apiListeners } from './proxyless/api-listeners.ts'
import { grpcBlackHole } from './proxyless/black-hole.ts'
import { grpcClusters } from './proxyless/clusters.ts'
import { grpcEndpoints } from './proxyless/endpoints.ts'
import { grpcRouteConfigurations } from './proxyless/routes.ts'
import { grpcServerListeners } from './proxyless/server-listeners.ts'
import { outboundClusters } from './outbound-clusters.ts'
import { outboundListeners } from './outbound-listeners.ts'
import { outboundRoutes } from './outbound-routes.ts'
import { boundPorts, redirectListeners } from './redirect-listeners.ts'
import { redirectPorts } from './redirect-ports.ts'
import { staticClusters } from './static-clusters.ts'
import { weftWorkloads } from './weft-workloads.ts'

const sidecar: readonly Generator[] = [
  staticClusters,
  inboundClusters,
  outboundClusters,
  keyClusters,
  endpoints,
  credentialSecrets,
  meshBackends,
  meshDatagramClusters,
  inboundListeners,
  connectTerminate,
  outboundListeners,
  meshNameTunnels,
  meshDatagramListeners,
  egressListeners,
  connectOriginate,
  outboundRoutes,
]

const redirectedSidecar: readonly Generator[] = [
  staticClusters,
  inboundClusters,
  outboundClusters,
  keyClusters,
  endpoints,
  credentialSecrets,
  meshBackends,
  redirectListeners,
  redirectPorts,
  boundPorts,
  egressListeners,
  connectTerminate,
  connectOriginate,
  outboundRoutes,
]

const gateway: readonly Generator[] = [
  staticClusters,
  outboundClusters,
  autoPassthrough,
  keyClusters,
  endpoints,
  credentialSecrets,
  gatewayApiSecrets,
  gatewayApiClusters,
  gatewayApiDatagrams,
  gatewayListeners,
  gatewayApiListeners,
  connectOriginate,
  gatewayRoutes,
  gatewayApiRoutes,
]

/** gRPC clients and servers that ask for themselves. */
const proxyless: readonly Generator[] = [
  grpcBlackHole,
  grpcClusters,
  grpcEndpoints,
  grpcServerListeners,
  apiListeners,
  grpcRouteConfigurations,
]

const forWeft: ReadonlyMap<readonly Generator[], readonly Generator[]> = new Map(
  [sidecar, redirectedSidecar, gateway].map((list) => [list, [...list, weftWorkloads]]),
)

/** The generators of a proxy, in the order in which their resources are listed. */
export function generatorsOf(proxy: ProxyRef): readonly Generator[] {
  if (proxy.instance.proxy === 'grpc') return proxyless
  const list =
    proxy.instance.proxy === 'gateway' ? gateway : proxy.interception === 'redirect' ? redirectedSidecar : sidecar
  return proxy.flavor === 'weft' ? (forWeft.get(list) ?? list) : list
}
