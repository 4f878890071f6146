// Where a provider of the mesh settings is: collectors of spans, and who is asked about requests.
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import { outboundCluster, serviceHost } from './hosts.ts'
import { type Imports, imports } from './sidecar-scope.ts'

/** The host that a provider is, by its full name, and the cluster of its port. */
export interface ProviderHost {
  readonly host: string
  readonly cluster: string
}

/** Finds what `service` (`host` or `namespace/host`) and `port` name among the clusters that workloads of a namespace are told of; undefined: none. */
export function providerHost(
  mesh: MeshQuery,
  { service, port }: { readonly service: string; readonly port: number },
  { namespace, reachable }: { readonly namespace: string; readonly reachable: Imports },
): ProviderHost | undefined {
  const [, home, name = ''] = /^(?:([^/]*)\/)?(.*)$/.exec(service) ?? []
  const [short, ns, ...rest] = name.split('.')
  // `zipkin.istio-system` is a name of Kubernetes, which Istio completes.
  const full = rest.length === 0 && ns !== undefined ? `${short}.${ns}.svc.cluster.local` : name
  for (const host of new Set([name, full, `${name}.svc.cluster.local`])) {
    const found = mesh.serviceSeenBy(host, namespace)
    if (found === undefined || (home !== undefined && home !== found.id.namespace)) continue
    if (!found.spec.ports.some((each) => each.port === port) || !imports(mesh, reachable, found, namespace)) continue
    return { host: serviceHost(found), cluster: outboundCluster(serviceHost(found), port) }
  }
  return undefined
}
