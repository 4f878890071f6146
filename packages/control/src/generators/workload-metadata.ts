// What an endpoint tells about the workload behind it.
import type { JsonObject } from '@bufbuild/protobuf'
import type { WorkloadInstance } from '@weft/resources'

/** Endpoint metadata: what chooses its transport socket, and Istio's `workload` string for metrics. */
export function workloadMetadata(
  instance: Pick<WorkloadInstance, 'name' | 'workload' | 'namespace' | 'labels'>,
  socketMatch: Readonly<Record<string, string>> | undefined,
): { filterMetadata: Record<string, JsonObject> } {
  const filterMetadata: Record<string, JsonObject> = {
    istio: { workload: istioWorkload(instance) },
    weft: { instance: instance.name },
  }
  if (socketMatch !== undefined) filterMetadata['envoy.transport_socket_match'] = { ...socketMatch }
  return { filterMetadata }
}

/** `name;namespace;canonical-name;canonical-revision;cluster`, with Istio's labels and fallbacks. */
export function istioWorkload(instance: Pick<WorkloadInstance, 'workload' | 'namespace' | 'labels'>): string {
  const { name, revision } = canonicalService(instance)
  return [instance.workload, instance.namespace, name, revision, ''].join(';')
}

/** Istio's canonical service and revision of a workload. */
export function canonicalService({ workload, labels }: Pick<WorkloadInstance, 'workload' | 'labels' | 'namespace'>): {
  name: string
  revision: string
} {
  const name =
    labels['service.istio.io/canonical-name'] ?? labels['app.kubernetes.io/name'] ?? labels['app'] ?? workload
  const revision =
    labels['service.istio.io/canonical-revision'] ??
    labels['app.kubernetes.io/version'] ??
    labels['version'] ??
    'latest'
  return { name, revision }
}
