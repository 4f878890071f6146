import type { WorkloadInstance } from './workload-instance.ts'

/** What the node of an instance's proxy says of it, by Istio's names: what EnvoyFilters match and labels of metrics may be made of. */
export function nodeMetadata({
  name,
  namespace,
  workload,
  serviceAccount,
}: Pick<WorkloadInstance, 'name' | 'namespace' | 'workload' | 'serviceAccount'>): Readonly<Record<string, string>> {
  return { NAME: name, NAMESPACE: namespace, WORKLOAD_NAME: workload, SERVICE_ACCOUNT: serviceAccount }
}
