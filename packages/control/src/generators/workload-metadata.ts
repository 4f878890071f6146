// What an endpoint tells about the workload behind it.
import type { JsonObject } from '@bufbuild/protobuf'
import type { WorkloadInstance } from '@weft/resources'

/** Endpoint metadata: whether it takes mutual TLS, and Istio's `workload` string for metrics. */
export function workloadMetadata(
  instance: Pick<WorkloadInstance, 'name' | 'workload' | 'namespace' | 'labels'>,
  mtls: boolean,
): { filterMetadata: Record<string, JsonObject> } {
  const filterMetadata: Record<string, JsonObject> = {
    istio: { workload: istioWorkload(instance) },
    weft: { instance: instance.name },
  }
  if (mtls) filterMetadata['envoy.transport_socket_match'] = { tlsMode: 'istio' }
  return { filterMetadata }
}

/** `name;namespace;canonical-name;canonical-revision;cluster`, with Istio's labels and fallbacks. */
function istioWorkload({
  workload,
  namespace,
  labels,
}: Pick<WorkloadInstance, 'workload' | 'namespace' | 'labels'>): string {
  const name =
    labels['service.istio.io/canonical-name'] ?? labels['app.kubernetes.io/name'] ?? labels['app'] ?? workload
  const revision =
    labels['service.istio.io/canonical-revision'] ??
    labels['app.kubernetes.io/version'] ??
    labels['version'] ??
    'latest'
  return [workload, namespace, name, revision, ''].join(';')
}
