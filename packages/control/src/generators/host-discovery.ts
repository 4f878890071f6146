// How a cluster finds its endpoints: those this mesh runs or is told by EDS; others by DNS, or where the client meant to go.
import { type ClientTls, protocolOf, selectsLabels, type ServicePort, type TrafficPolicy } from '@weft/resources'
import {
  type Cluster_CustomClusterTypeSchema,
  Cluster_DiscoveryType as Discovery,
  Cluster_DnsLookupFamily as DnsFamily,
  Cluster_LbPolicy,
  type ClusterSchema,
} from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import type { UpstreamHttpProtocolOptionsSchema } from '@weft/xds/es/envoy/config/core/v3/protocol'
import { ClusterConfigSchema as DynamicClusterSchema } from '@weft/xds/es/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster'
import { sourceAddressFor } from '../snapshot/elsewhere.ts'
import { isDynamic } from '../snapshot/mesh-hosts.ts'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import { adsSource, duration } from './config-source.ts'
import { dnsCache } from './dynamic-hosts.ts'
import { pack } from './encode.ts'
import { byLocality, endpointAtName, lbEndpointOf, writtenEndpoints } from './host-endpoints.ts'
import { type Service, serviceHost } from './hosts.ts'
import type { Init } from './init.ts'
import type { ServiceReferences } from './service-references.ts'

type ClusterInit = Init<typeof ClusterSchema>

/** What discovery depends on besides objects. */
export interface DiscoveryScope {
  /** Clients name the host they want; where the kernel redirects them, they name an address. */
  readonly byName: boolean
  readonly flavor: 'weft' | 'envoy'
}

/** A port of a host, or a subset of it. */
export interface DiscoveryTarget {
  readonly service: Service
  readonly port: ServicePort
  readonly subset?: { readonly labels: Readonly<Record<string, string>> } | undefined
  readonly policy?: Pick<TrafficPolicy, 'loadBalancer' | 'tls'>
}

/** The ways to find endpoints. */
export type DiscoveryKind = 'eds' | 'dns' | 'dns-round-robin' | 'original-dst' | 'dynamic' | 'none'

/** How endpoints of a host are found, at a port. */
export function discoveryKind(service: Service, byName: boolean, port?: ServicePort): DiscoveryKind {
  const { entry } = service.spec
  if (entry === undefined) return 'eds'
  const wild = serviceHost(service).startsWith('*')
  switch (entry.resolution) {
    case 'STATIC':
      return 'eds'
    case 'DNS':
      return wild && entry.endpoints.length === 0 ? 'none' : 'dns'
    case 'DNS_ROUND_ROBIN':
      return wild && entry.endpoints.length === 0 ? 'none' : 'dns-round-robin'
    case 'NONE':
      if (!byName) return 'original-dst'
      return wild ? 'none' : 'dns'
    case 'DYNAMIC_DNS':
      if (!wild) return 'dns'
      // Bytes that are redirected bring an address, and no name.
      return byName || port === undefined || ['http', 'http2', 'grpc', 'https', 'tls'].includes(protocolOf(port))
        ? 'dynamic'
        : 'original-dst'
  }
}

/** The members of a cluster that say where its endpoints come from. */
export function discoveryMembers(
  { byName, flavor }: DiscoveryScope,
  refs: Pick<ServiceReferences, 'workloadEntries'>,
  name: string,
  target: DiscoveryTarget,
): ClusterInit {
  const passes = !byName && target.policy?.loadBalancer?.simple === 'PASSTHROUGH'
  const kind = passes ? 'original-dst' : discoveryKind(target.service, byName, target.port)
  switch (kind) {
    case 'eds':
      return { ...ofType(Discovery.EDS), edsClusterConfig: { edsConfig: adsSource(), serviceName: name } }
    case 'original-dst':
      return {
        ...ofType(Discovery.ORIGINAL_DST),
        lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
        lbConfig: { case: undefined },
      }
    case 'dynamic':
      return {
        clusterDiscoveryType: { case: 'clusterType', value: dynamicType(target.policy?.tls) },
        lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
        lbConfig: { case: undefined },
      }
    case 'none':
      return ofType(Discovery.STATIC)
    default:
      return {
        ...ofType(kind === 'dns' ? Discovery.STRICT_DNS : Discovery.LOGICAL_DNS),
        // Weft's proxy asks whenever it connects, and takes the family that answers.
        ...(flavor === 'envoy' ? dnsOptions : {}),
        loadAssignment: { clusterName: name, endpoints: named(target, refs) },
      }
  }
}

/** The host of each request is its server name, and is verified, unless a rule names others. */
export function hostNames(tls: ClientTls | undefined): Required<Pick<Names, 'autoSni' | 'autoSanValidation'>> {
  const { sni, subjectAltNames = [], insecureSkipVerify = false, mode } = tls ?? {}
  const own = sni === undefined && mode !== 'ISTIO_MUTUAL'
  return { autoSni: own, autoSanValidation: own && subjectAltNames.length === 0 && !insecureSkipVerify }
}

type Names = Init<typeof UpstreamHttpProtocolOptionsSchema>

function dynamicType(tls: ClientTls | undefined): Init<typeof Cluster_CustomClusterTypeSchema> {
  const { autoSni, autoSanValidation } = hostNames(tls)
  const insecure = autoSni && autoSanValidation ? {} : { allowInsecureClusterOptions: true }
  const config = { clusterImplementationSpecifier: { case: 'dnsCacheConfig' as const, value: dnsCache }, ...insecure }
  return { name: 'envoy.clusters.dynamic_forward_proxy', typedConfig: pack(DynamicClusterSchema, config) }
}

/** As Istio asks: every minute at most, and not for addresses of a family that many machines cannot reach. */
export const dnsOptions: ClusterInit = {
  dnsLookupFamily: DnsFamily.V4_PREFERRED,
  dnsRefreshRate: duration(60_000),
  respectDnsTtl: true,
}

function named(
  { service, port, subset }: DiscoveryTarget,
  { workloadEntries }: Pick<ServiceReferences, 'workloadEntries'>,
): ReturnType<typeof byLocality> {
  const written = writtenEndpoints(service, workloadEntries)
  const { id } = service
  const own = { spec: endpointAtName(serviceHost(service)), labels: {}, namespace: id.namespace, name: id.name }
  const all = written.length === 0 ? [own] : written
  const members = subset === undefined ? all : all.filter(({ labels }) => selectsLabels(subset.labels, labels))
  const external = service.spec.entry?.external === true
  return byLocality(
    members.filter(({ spec }) => spec.unready !== true).flatMap((each) => lbEndpointOf(each, port, external) ?? []),
  )
}

/** Sends from this address instead of the proxy's own. */
export function sourceBinding(address: string | undefined): ClusterInit {
  if (address === undefined) return {}
  return { upstreamBindConfig: { sourceAddress: { address, portSpecifier: { case: 'portValue', value: 0 } } } }
}

/** Where the endpoints of a host are dialled from when they are all on other machines. */
export function sourceAddress(mesh: MeshQuery, service: Service): string | undefined {
  if (service.spec.entry?.external === true || isDynamic(service)) return '0.0.0.0'
  return mesh.ownWorkloadsBehind(service).length > 0 ? undefined : sourceAddressFor(mesh.elsewhereBehind(service))
}

function ofType(value: Discovery): Pick<ClusterInit, 'clusterDiscoveryType'> {
  return { clusterDiscoveryType: { case: 'type', value } }
}
