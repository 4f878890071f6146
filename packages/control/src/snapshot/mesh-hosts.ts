// What can be called in the mesh: Kubernetes Services, and the hosts of ServiceEntries in the same shape, so that clusters, endpoints and
// routes are made from both alike.
import {
  contentHash,
  type EntryEndpoint,
  type EntryPort,
  type Resolution,
  serviceFqdn,
  type ServiceEntrySpec,
  type ServicePort,
  type ServiceSpec,
  type WorkloadEntrySpec,
  type WorkloadGroupSpec,
} from '@weft/resources'
import type { SnapshotObject } from './mesh-snapshot.ts'

/** What a ServiceEntry says of one of its hosts beyond what Services say. */
export interface EntryHost {
  readonly resolution: Resolution
  /** No identity of the mesh is expected there. */
  readonly external: boolean
  readonly endpoints: readonly EntryEndpoint[]
  readonly subjectAltNames: readonly string[]
}

/** A Service, or a host of a ServiceEntry: `selector` picks workloads for both. */
export interface HostSpec extends ServiceSpec {
  /** Full name, when it does not follow from the name of the object. */
  readonly host?: string
  readonly entry?: EntryHost
  readonly exportTo?: readonly string[]
  /** Addresses and ranges by which it is called where traffic is redirected. */
  readonly addresses?: readonly string[]
}

/** A host that can be called. */
export type MeshHost = SnapshotObject<HostSpec>

/** The full name of a host. */
export function hostName({ id, spec }: MeshHost): string {
  return spec.host ?? serviceFqdn(id)
}

/** Whether a host stands for names that are looked up when callers name them. */
export function isDynamic(host: MeshHost): boolean {
  return host.spec.entry?.resolution === 'DYNAMIC_DNS' && hostName(host).startsWith('*')
}

const known = new WeakMap<SnapshotObject<unknown>, readonly MeshHost[]>()

/** The hosts of a ServiceEntry, one each, sorted by key; the same objects for the same entry. */
export function hostsOfEntry(entry: SnapshotObject<ServiceEntrySpec>): readonly MeshHost[] {
  let hosts = known.get(entry)
  if (hosts === undefined) {
    hosts = [...entry.spec.hosts].sort().map((host) => hostOf(entry, host))
    known.set(entry, hosts)
  }
  return hosts
}

const aliases = new WeakMap<SnapshotObject<unknown>, MeshHost>()

/** A Service as a host: one that stands for a name outside is found by that name. */
export function hostOfService(service: SnapshotObject<ServiceSpec>): MeshHost {
  const { type, externalName } = service.spec
  if (type !== 'ExternalName' || externalName === undefined) return service
  let host = aliases.get(service)
  if (host === undefined) {
    const endpoints = [{ address: externalName }]
    const entry: EntryHost = { resolution: 'DNS', external: true, endpoints, subjectAltNames: [] }
    host = { ...service, spec: { ...service.spec, selector: {}, entry } }
    aliases.set(service, host)
  }
  return host
}

function hostOf(entry: SnapshotObject<ServiceEntrySpec>, host: string): MeshHost {
  const { spec } = entry
  return {
    ...entry,
    key: `${entry.key}#${host}`,
    spec: {
      host,
      selector: spec.workloadSelector?.labels ?? {},
      ports: spec.ports.map(portOf),
      datagramPorts: [],
      type: 'ClusterIP',
      headless: false,
      exportTo: spec.exportTo,
      addresses: spec.addresses,
      entry: {
        resolution: spec.resolution,
        external: spec.location === 'MESH_EXTERNAL',
        endpoints: spec.endpoints,
        subjectAltNames: spec.subjectAltNames,
      },
    },
  }
}

function portOf({ number, name, protocol, targetPort }: EntryPort): ServicePort {
  return { name, port: number, targetPort: targetPort ?? number, protocol: 'TCP', appProtocol: protocol ?? 'tcp' }
}

/** The port of an endpoint of an entry behind a port of its host: by name, else the port's own target. */
export function entryPortOf(port: ServicePort, { ports }: Pick<EntryEndpoint, 'ports'>): number | undefined {
  const named = ports?.[port.name]
  return named ?? (typeof port.targetPort === 'number' ? port.targetPort : undefined)
}

/** Namespaces that see a host: as its ServiceEntry says, or the annotation of its Service. */
export function exportsOf({ spec, annotations }: MeshHost): readonly string[] {
  if (spec.exportTo !== undefined) return spec.exportTo.length === 0 ? ['*'] : spec.exportTo
  const written = annotations['networking.istio.io/exportTo']
  return written === undefined ? ['*'] : written.split(',').map((scope) => scope.trim())
}

/** An entry with what its group says and it does not: as it would have been registered. */
export function entryOfGroup(
  entry: SnapshotObject<WorkloadEntrySpec>,
  group: SnapshotObject<WorkloadGroupSpec>,
): SnapshotObject<WorkloadEntrySpec> {
  const { template, metadata } = group.spec
  const labels = { ...metadata.labels, ...template.labels, ...entry.labels, ...entry.spec.labels }
  return {
    ...entry,
    hash: contentHash([entry.hash, group.hash]),
    spec: { ...template, ...entry.spec, labels, ports: { ...template.ports, ...entry.spec.ports } },
  }
}
