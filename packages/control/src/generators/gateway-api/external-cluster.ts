// The cluster of an XBackend: a host outside, found by DNS.
import { Cluster_DiscoveryType, ClusterSchema } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { authoritiesOf, certificateFor } from '../../gateway-api/backend-tls.ts'
import type { Backend } from '../../gateway-api/backends.ts'
import type { GatewayRefs } from '../../gateway-api/gateway-refs.ts'
import { encodeResource } from '../encode.ts'
import type { BuiltResource } from '../generator.ts'
import { dnsOptions, sourceBinding } from '../host-discovery.ts'
import { weftMetadata } from '../metadata.ts'
import { socketAddress } from '../socket-address.ts'
import { alpn } from '../tls-contexts.ts'
import { policyMembers, type UpstreamProtocol } from '../traffic-policy.ts'
import { backendSocket } from './backend-socket.ts'
import { externalCluster } from './clusters-of-backends.ts'

/** An XBackend, and what its TLS may name. */
export type ExternalRefs = Pick<GatewayRefs, 'secrets' | 'configMaps' | 'grants'> & {
  readonly backends: readonly [Backend]
}

/** Undefined: it could not be verified, or it is of a type that is not known. */
export function externalHost(
  { flavor }: { readonly flavor: 'weft' | 'envoy' },
  { backends: [backend], ...sources }: ExternalRefs,
): BuiltResource | undefined {
  const { externalHostname, port, protocol, tls } = backend.spec
  if (externalHostname === undefined) return undefined
  const speaks = protocolOf(protocol, tls !== undefined && tls.mode !== 'None')
  let sockets = {}
  if (tls !== undefined && tls.mode !== 'None') {
    const { validation } = tls
    const trusted =
      validation === undefined ? undefined : authoritiesOf(validation, backend.id.namespace, sources).trusted
    if (validation === undefined || trusted === undefined) return undefined
    const client = certificateFor(backend, sources)
    if (client !== undefined && 'reason' in client) return undefined
    const offered =
      speaks === undefined ? alpn.none : speaks === 'http2' ? alpn.http2 : speaks === 'alpn' ? alpn.either : alpn.http1
    sockets = { transportSocket: backendSocket({ validation, trusted, client, offered, flavor }) }
  }
  const name = externalCluster({ kind: 'backend', backend })
  const address = socketAddress(externalHostname.hostname, port.port)
  return encodeResource(
    ClusterSchema,
    name,
    {
      name,
      clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STRICT_DNS },
      loadAssignment: {
        clusterName: name,
        endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: 'endpoint', value: { address } } }] }],
      },
      ...(flavor === 'envoy' ? dnsOptions : {}),
      // From an address of the mesh nobody outside can be reached.
      ...sourceBinding('0.0.0.0'),
      ...policyMembers({}, speaks),
      ...sockets,
      metadata: weftMetadata({ origin: backend.key }),
    },
    [backend.key],
  )
}

function protocolOf(protocol: Backend['spec']['protocol'], tls: boolean): UpstreamProtocol | undefined {
  if (protocol === 'TCP') return undefined
  if (protocol === 'HTTP2' || protocol === 'H2C') return 'http2'
  return protocol === undefined && tls ? 'alpn' : 'http1'
}
