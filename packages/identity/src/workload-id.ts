// The ids a mesh gives its members: `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`, as Istio does.
import { DEFAULT_TRUST_DOMAIN, type SpiffeId } from './spiffe-id.ts'

/** Who a workload is, apart from its trust domain. */
export interface WorkloadName {
  readonly namespace: string
  readonly serviceAccount: string
}

/** The namespace of Weft's own processes: an id in it is never given to a workload. */
export const SYSTEM_NAMESPACE = 'weft-system'

/** The id of a workload; the parts were validated as Kubernetes names, which SPIFFE segments contain. */
export function workloadId(name: WorkloadName, trustDomain: string = DEFAULT_TRUST_DOMAIN): string {
  return `spiffe://${trustDomain}/ns/${name.namespace}/sa/${name.serviceAccount}`
}

/** The control plane's own id. */
export function controlPlaneId(trustDomain: string = DEFAULT_TRUST_DOMAIN): string {
  return workloadId({ namespace: SYSTEM_NAMESPACE, serviceAccount: 'weft-control' }, trustDomain)
}

/** The host agent's own id. */
export function agentId(trustDomain: string = DEFAULT_TRUST_DOMAIN): string {
  return workloadId({ namespace: SYSTEM_NAMESPACE, serviceAccount: 'weft-agent' }, trustDomain)
}

/** Namespace and service account of an id of the mesh's form; undefined for any other path. */
export function workloadOf(id: SpiffeId): WorkloadName | undefined {
  const parts = id.path.split('/')
  const [, ns, namespace, sa, serviceAccount] = parts
  if (parts.length !== 5 || ns !== 'ns' || sa !== 'sa') return undefined
  if (namespace === undefined || serviceAccount === undefined) return undefined
  return { namespace, serviceAccount }
}
