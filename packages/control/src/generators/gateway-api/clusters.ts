// Clusters of backends that Gateways speak to in another way than the mesh does: HTTP/2 for gRPC, TLS, datagrams,
// hosts outside.
import { ClusterSchema, Cluster_DiscoveryType } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { authoritiesOf } from '../../gateway-api/backend-tls.ts'
import { backendCertificate, type NamedObject } from '../../gateway-api/certificates.ts'
import { gatewaysServedBy } from '../../gateway-api/data-plane.ts'
import type { GatewayRefs } from '../../gateway-api/gateway-refs.ts'
import type { SnapshotObject } from '../../snapshot/mesh-snapshot.ts'
import { adsSource } from '../config-source.ts'
import { internalUpstream } from '../connect-originate.ts'
import { mergeDestinationRules, portPolicy, ruleScope } from '../destination-rules.ts'
import { trustOf } from '../../policies/trust.ts'
import { encodeResource } from '../encode.ts'
import { type BuiltResource, generator, makeView, type View } from '../generator.ts'
import { outboundCluster, portKind, serviceHost } from '../hosts.ts'
import { istioService } from '../inbound-clusters.ts'
import type { Init } from '../init.ts'
import { weftMetadata } from '../metadata.ts'
import { attachedBudget, type ServiceReferences, serviceReferences } from '../service-references.ts'
import { alpn } from '../tls-contexts.ts'
import { policyMembers, type UpstreamProtocol } from '../traffic-policy.ts'
import { type ClusterTarget, type Transport, type TransportScope, transportOf } from '../upstream-transport.ts'
import { backendSocket } from './backend-socket.ts'
import { backendCluster, type Variant } from './clusters-of-backends.ts'
import { dataPlaneRefs } from './data-plane-refs.ts'
import { type ExternalRefs, externalHost } from './external-cluster.ts'
import { usedTargets } from './used-targets.ts'

type ClusterInit = Init<typeof ClusterSchema>

interface Scope extends TransportScope {
  readonly port: number
  readonly variant: Variant
}

interface Refs extends ServiceReferences, Omit<CertificateRefs, 'gateways'> {
  readonly gateways: GatewayRefs['gateways']
  readonly tlsPolicies: GatewayRefs['tlsPolicies']
}

type ExternalScope = Pick<Scope, 'flavor'>

type CertificateRefs = Pick<GatewayRefs, 'gateways' | 'secrets' | 'configMaps' | 'grants'>

/** `gateway-api|<port>|<how>|<host>` */
export const gatewayApiClusters = generator({
  name: 'gateway-api-clusters',
  scope: (mesh, proxy) => ({
    namespace: proxy.instance.namespace,
    labels: proxy.instance.labels,
    callers: ruleScope(mesh, proxy),
    trust: trustOf(mesh.settings),
    rootNamespace: mesh.settings.rootNamespace,
    flavor: proxy.flavor,
  }),
  views(mesh, { namespace, labels, callers, ...scope }): View<Scope | ExternalScope, Refs | ExternalRefs>[] {
    const gateways = gatewaysServedBy(mesh, { namespace, labels })
    if (gateways.length === 0) return []
    const refs = dataPlaneRefs(mesh, gateways)
    const { services, backends } = usedTargets(refs)
    const inside = services
      .filter(({ variant }) => !variant.datagrams)
      .map(({ target, variant }) =>
        makeView<Scope, Refs>(
          { ...scope, port: target.port.port, variant },
          {
            ...serviceReferences(mesh, target.service, callers),
            gateways: refs.gateways.filter(({ key }) => key === variant.client),
            tlsPolicies: refs.tlsPolicies.filter(({ key }) => key === variant.tls),
            ...certificatesFor(variant, refs),
          },
        ),
      )
    const outside = backends.map(({ backend }) =>
      makeView<ExternalScope, ExternalRefs>(
        { flavor: scope.flavor },
        { backends: [backend], configMaps: refs.configMaps, secrets: refs.secrets, grants: refs.grants },
      ),
    )
    return [...inside, ...outside]
  },
  build({ scope, refs }) {
    const made = 'backends' in refs ? externalHost(scope, refs) : inside(scope as Scope, refs)
    return { resources: made === undefined ? [] : [made], problems: [], losers: [] }
  },
})

/** Only what TLS needs: other certificates must not rebuild a cluster. */
function certificatesFor({ tls, client }: Variant, refs: GatewayRefs): Omit<CertificateRefs, 'gateways'> {
  if (tls === undefined) return { secrets: [], configMaps: [], grants: [] }
  const policy = refs.tlsPolicies.find(({ key }) => key === tls)
  const named = policy?.spec.validation.caCertificateRefs ?? []
  const isNamed = ({ id }: SnapshotObject): boolean =>
    id.namespace === policy?.id.namespace && named.some(({ kind, name }) => kind === id.kind && name === id.name)
  return {
    secrets: client === undefined ? refs.secrets.filter(isNamed) : refs.secrets,
    configMaps: refs.configMaps.filter(isNamed),
    grants: client === undefined ? [] : refs.grants,
  }
}

function inside(scope: Scope, refs: Refs): BuiltResource | undefined {
  const [service] = refs.service
  const port = service.spec.ports.find((one) => one.port === scope.port)
  if (port === undefined) return undefined
  const target = { kind: 'service', service, port } as const
  const merged = mergeDestinationRules(refs.destinationRules)
  const policy = { ...portPolicy(merged.policy, undefined, port.port), ...attachedBudget(refs, port) }
  const transport = transportFor(scope, refs, { service, port, policy })
  if (transport === undefined) return undefined
  const name = backendCluster(target, scope.variant)
  const endpoints = outboundCluster(serviceHost(service), port.port)
  const origins = [service.key, ...refs.tlsPolicies.map(({ key }) => key)]
  const init: ClusterInit = {
    name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: adsSource(), serviceName: endpoints },
    ...policyMembers(policy, transport.protocol),
    ...transport.sockets,
    metadata: weftMetadata(
      { origin: service.key, destinationRule: merged.origin, tlsPolicy: refs.tlsPolicies[0]?.key },
      { services: [istioService(service)] },
    ),
  }
  return { ...encodeResource(ClusterSchema, name, init, origins), endpoints }
}

/** Undefined: the backend could not be verified, so there is no cluster. */
function transportFor(scope: Scope, refs: Refs, target: ClusterTarget): Transport | undefined {
  const { variant, flavor } = scope
  const [tlsPolicy] = refs.tlsPolicies
  if (tlsPolicy === undefined) {
    const { sockets, protocol } = transportOf(scope, refs, target)
    return { sockets, protocol: variant.http2 ? 'http2' : protocol }
  }
  const { trusted } = authoritiesOf(tlsPolicy.spec.validation, tlsPolicy.id.namespace, refs)
  const client = clientOf(refs)
  if (trusted === undefined || client === 'none') return undefined
  const kind = portKind(target.port)
  const protocol: UpstreamProtocol = variant.http2 ? 'http2' : kind === 'http' ? 'alpn' : 'http1'
  const offered = { http1: alpn.http1, http2: alpn.http2, alpn: alpn.either, downstream: alpn.none }[protocol]
  const socket = backendSocket({ validation: tlsPolicy.spec.validation, trusted, client, offered, flavor })
  if (kind === 'http') return { sockets: { transportSocket: socket }, protocol }
  // An endpoint of a TCP port may stand behind a tunnel, which then carries TLS.
  const outside = { name: 'tls', match: {}, transportSocket: socket }
  return { sockets: { transportSocketMatches: [internalUpstream(socket), outside] }, protocol }
}

/** The Gateway's certificate for backends; `none`: it has one that cannot be used, and without it nothing is sent. */
function clientOf({ gateways, ...sources }: Refs): NamedObject | undefined | 'none' {
  const [gateway] = gateways
  const found = gateway === undefined ? undefined : backendCertificate(gateway, sources)
  return found !== undefined && 'reason' in found ? 'none' : found
}
