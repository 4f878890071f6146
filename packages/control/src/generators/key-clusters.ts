// Clusters of the places outside the mesh where keys of token issuers are fetched.
import { type Origin, originOf } from '@weft/core'
import type { RequestAuthenticationSpec } from '@weft/resources'
import { ClusterSchema, Cluster_DiscoveryType } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { gatewayTarget } from '../gateway-api/data-plane.ts'
import { inMesh, keyCluster, type KeyServer, keyServers } from '../policies/jwt-authn.ts'
import { policiesOf } from '../policies/authorization.ts'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { duration } from './config-source.ts'
import { encodeResource } from './encode.ts'
import { type BuiltResource, generator, makeView } from './generator.ts'
import { weftMetadata } from './metadata.ts'
import { socketAddress } from './socket-address.ts'
import { alpn, originatedTls } from './tls-contexts.ts'

interface KeyRefs {
  readonly authentications: readonly SnapshotObject<RequestAuthenticationSpec>[]
}

/** `jwks|<port>|<host>`, for Envoy only: Weft's own proxy checks no tokens. */
export const keyClusters = generator({
  name: 'key-clusters',
  // All of Weft's proxies are alike: none gets any.
  scope: (_mesh, { instance, flavor }) => ({
    flavor,
    namespace: flavor === 'envoy' ? instance.namespace : '',
    labels: flavor === 'envoy' ? instance.labels : {},
    gateway: flavor === 'envoy' && instance.proxy === 'gateway',
  }),
  views(mesh, scope) {
    if (scope.flavor !== 'envoy') return []
    const { authentications } = policiesOf(mesh, scope.gateway ? gatewayTarget(mesh, scope) : scope)
    return [makeView<object, KeyRefs>({}, { authentications })]
  },
  build({ refs }) {
    const origins = refs.authentications.map(({ id }) => originOf(id, ''))
    const resources = keyServers(refs.authentications)
      .filter(({ host }) => !inMesh(host))
      .map((server) => cluster(server, origins))
    return { resources, problems: [], losers: [] }
  },
})

function cluster(server: KeyServer, origins: readonly Origin[]): BuiltResource {
  const { host, port, tls } = server
  const name = keyCluster(server)
  const address = socketAddress(host, port)
  return encodeResource(
    ClusterSchema,
    name,
    {
      name,
      clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STRICT_DNS },
      connectTimeout: duration(10_000),
      loadAssignment: {
        clusterName: name,
        endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: 'endpoint', value: { address } } }] }],
      },
      ...(tls ? { transportSocket: originatedTls({ mode: 'SIMPLE' }, host, alpn.http1, 'envoy') } : {}),
      metadata: weftMetadata({ origin: origins[0] }),
    },
    origins,
  )
}
