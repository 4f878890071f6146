// Endpoints that are written down, in ServiceEntries and WorkloadEntries, as opposed to those that this mesh runs.
import type { JsonObject } from '@bufbuild/protobuf'
import type { EntryEndpoint, ServicePort, WorkloadEntrySpec } from '@weft/resources'
import type { LocalitySchema } from '@weft/xds/es/envoy/config/core/v3/base'
import type {
  LbEndpointSchema,
  LocalityLbEndpointsSchema,
} from '@weft/xds/es/envoy/config/endpoint/v3/endpoint_components'
import { entryPortOf } from '../snapshot/mesh-hosts.ts'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import type { Service } from './hosts.ts'
import type { Init } from './init.ts'
import { pipeAddress, socketAddress } from './socket-address.ts'
import { istioWorkload } from './workload-metadata.ts'

type LbEndpointInit = Init<typeof LbEndpointSchema>

/** A written endpoint and whose it is. */
export interface WrittenEndpoint {
  readonly spec: WorkloadEntrySpec
  readonly labels: Readonly<Record<string, string>>
  readonly namespace: string
  /** Name of the WorkloadEntry, or of the ServiceEntry it stands in. */
  readonly name: string
}

/** An endpoint with its place: `region/zone/subzone`, or ''. */
export interface PlacedEndpoint {
  readonly locality: string
  readonly endpoint: LbEndpointInit
}

/** The endpoints written for a host: its own, and the WorkloadEntries that it selects. */
export function writtenEndpoints(
  { id, spec: { entry } }: Service,
  workloadEntries: readonly SnapshotObject<WorkloadEntrySpec>[],
): WrittenEndpoint[] {
  const { namespace, name } = id
  return [
    ...(entry?.endpoints ?? []).map((spec) => ({ spec, labels: spec.labels ?? {}, namespace, name })),
    ...workloadEntries.map((object) => ({
      spec: object.spec,
      labels: { ...object.labels, ...object.spec.labels },
      namespace: object.id.namespace,
      name: object.id.name,
    })),
  ]
}

/** Whether mutual TLS is spoken there: as its label says, else if it says as whom it runs (Istio's rule). */
export function takesMutualTls({ spec, labels }: WrittenEndpoint): boolean {
  const written = labels['security.istio.io/tlsMode']
  return written === undefined ? (spec.serviceAccount ?? '') !== '' : written === 'istio'
}

/** The endpoint behind a port; undefined when it has no such port. */
export function lbEndpointOf(
  written: WrittenEndpoint,
  port: ServicePort,
  external: boolean,
): PlacedEndpoint | undefined {
  const { spec } = written
  const { address = '', weight = 0, locality = '' } = spec
  const target = entryPortOf(port, spec)
  if (address === '') return undefined
  const socket = address.startsWith('unix://')
    ? pipeAddress(address.slice('unix://'.length))
    : target === undefined
      ? undefined
      : socketAddress(address, target)
  if (socket === undefined) return undefined
  const endpoint: LbEndpointInit = {
    hostIdentifier: { case: 'endpoint', value: { address: socket } },
    // Outside there are no workloads of the mesh.
    ...(external ? {} : { metadata: { filterMetadata: metadataOf(written) } }),
    ...(weight > 0 ? { loadBalancingWeight: weight } : {}),
  }
  return { locality, endpoint }
}

function metadataOf(written: WrittenEndpoint): Record<string, JsonObject> {
  const { labels, namespace, name } = written
  return {
    istio: { workload: istioWorkload({ workload: name, namespace, labels }) },
    ...(takesMutualTls(written) ? { 'envoy.transport_socket_match': { tlsMode: 'istio' } } : {}),
  }
}

/** Endpoints by place, those that say none first. */
export function byLocality(placed: readonly PlacedEndpoint[]): Init<typeof LocalityLbEndpointsSchema>[] {
  const groups = new Map<string, LbEndpointInit[]>()
  for (const { locality, endpoint } of placed) groups.set(locality, [...(groups.get(locality) ?? []), endpoint])
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([text, lbEndpoints]) => ({ lbEndpoints, locality: localityOf(text) }))
}

function localityOf(text: string): Init<typeof LocalitySchema> {
  const [region = '', zone = '', subZone = ''] = text.split('/')
  return { region, zone, subZone }
}

/** Where a host is that names no endpoints of its own: at its name. */
export function endpointAtName(host: string): EntryEndpoint {
  return { address: host }
}
