// How a cluster finds its endpoints: those this mesh runs or is told by EDS; others by DNS, or where the client meant to go.
import { selectsLabels, type ServicePort, type TrafficPolicy } from '@weft/resources'
import {
  Cluster_DiscoveryType as Discovery,
  Cluster_DnsLookupFamily as DnsFamily,
  Cluster_LbPolicy,
  type ClusterSchema,
} from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { sourceAddressFor } from '../snapshot/elsewhere.ts'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import { adsSource, duration } from './config-source.ts'
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
  readonly policy?: Pick<TrafficPolicy, 'loadBalancer'>
}

/** The ways to find endpoints. */
export type DiscoveryKind = 'eds' | 'dns' | 'dns-round-robin' | 'original-dst' | 'none'

/** How endpoints of a host are found. */
export function discoveryKind(service: Service, byName: boolean): DiscoveryKind {
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
      return byName ? 'none' : 'original-dst'
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
  const kind = passes ? 'original-dst' : discoveryKind(target.service, byName)
  switch (kind) {
    case 'eds':
      return { ...ofType(Discovery.EDS), edsClusterConfig: { edsConfig: adsSource(), serviceName: name } }
    case 'original-dst':
      return {
        ...ofType(Discovery.ORIGINAL_DST),
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
  if (service.spec.entry?.external === true) return '0.0.0.0'
  return mesh.ownWorkloadsBehind(service).length > 0 ? undefined : sourceAddressFor(mesh.elsewhereBehind(service))
}

function ofType(value: Discovery): Pick<ClusterInit, 'clusterDiscoveryType'> {
  return { clusterDiscoveryType: { case: 'type', value } }
}
