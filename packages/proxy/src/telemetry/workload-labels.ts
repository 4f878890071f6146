import type { Cluster, EndpointSet, Json } from '@weft/engine'

/** What metrics say about one workload; the values of Istio's `source_*` or `destination_*` labels. */
export interface WorkloadLabels {
  readonly workload: string
  readonly namespace: string
  readonly app: string
  readonly version: string
  readonly canonicalService: string
  readonly canonicalRevision: string
  readonly cluster: string
}

/** Istio's word for a peer nothing is known of. */
export const unknownWorkload: WorkloadLabels = {
  workload: 'unknown',
  namespace: 'unknown',
  app: 'unknown',
  version: 'unknown',
  canonicalService: 'unknown',
  canonicalRevision: 'latest',
  cluster: 'unknown',
}

/** The service a cluster stands for: labels `destination_service*`. */
export interface ServiceLabels {
  readonly service: string
  readonly name: string
  readonly namespace: string
}

/**
 * Reads endpoint metadata `istio: {workload: "name;namespace;canonical-name;canonical-revision;cluster"}`. App and
 * version are the canonical name and revision: the labels those are taken from (Istio's canonical service rules).
 */
export function workloadOfMetadata(metadata: Readonly<Record<string, Json>>): WorkloadLabels | undefined {
  const text = memberOf(metadata['istio'], 'workload')
  if (typeof text !== 'string') return undefined
  const [workload = '', namespace = '', canonicalService = '', revision = '', cluster = ''] = text.split(';')
  const canonicalRevision = revision || 'latest'
  return {
    workload: workload || 'unknown',
    namespace: namespace || 'unknown',
    app: canonicalService || 'unknown',
    version: canonicalRevision,
    canonicalService: canonicalService || 'unknown',
    canonicalRevision,
    // The source cluster is '' on one machine; Istio's name for the only cluster there is.
    cluster: cluster || 'Kubernetes',
  }
}

/** Workloads by address, from the `weft.workloads` endpoints: how the inbound side names who calls it. */
export function workloadsByAddress(endpoints: EndpointSet | undefined): ReadonlyMap<string, WorkloadLabels> {
  const byAddress = new Map<string, WorkloadLabels>()
  for (const locality of endpoints?.localities ?? []) {
    for (const { target, metadata } of locality.endpoints) {
      const labels = workloadOfMetadata(metadata)
      if (target.kind === 'socket' && labels !== undefined) byAddress.set(target.address, labels)
    }
  }
  return byAddress
}

/** The service of a cluster: its metadata `istio.services`, else its name as Istio writes it, else its bare name. */
export function serviceOfCluster(cluster: Cluster): ServiceLabels {
  const services = memberOf(cluster.metadata['istio'], 'services')
  const first = Array.isArray(services) ? (services[0] as Json) : undefined
  const host = memberOf(first, 'host')
  const name = memberOf(first, 'name')
  const namespace = memberOf(first, 'namespace')
  if (typeof host === 'string' && typeof name === 'string' && typeof namespace === 'string') {
    return { service: host, name, namespace }
  }
  const [, , , hostname] = cluster.name.split('|')
  if (hostname === undefined || hostname === '') {
    return { service: cluster.name, name: cluster.name, namespace: 'unknown' }
  }
  const [shortName = hostname, itsNamespace = 'unknown'] = hostname.split('.')
  return { service: hostname, name: shortName, namespace: itsNamespace }
}

function memberOf(value: Json | undefined, key: string): Json | undefined {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined
  return (value as { readonly [key: string]: Json })[key]
}
