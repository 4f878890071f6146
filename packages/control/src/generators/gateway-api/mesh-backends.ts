// XBackends that routes inside the mesh send to: their clusters at the callers, and the certificates that these show. A key leaves its
// namespace for no sidecar: who may not have it does not get the cluster either.
import { backendSources } from '../../gateway-api/backend-sources.ts'
import { certificateFor } from '../../gateway-api/backend-tls.ts'
import { resolveBackend } from '../../gateway-api/backends.ts'
import { backendRefsOf } from '../../gateway-api/route-backends.ts'
import { type Built, type BuiltResource, generator, makeView } from '../generator.ts'
import { type ExternalRefs, externalHost } from './external-cluster.ts'
import { servicesNeeding } from './mesh-hosts.ts'
import { certificate } from './secrets.ts'

interface Scope {
  readonly flavor: 'weft' | 'envoy'
  /** Of the caller, where it makes a difference. */
  readonly namespace?: string
}

/** `gateway-api|<port>|backend|<namespace>/<name>`, `kubernetes://<namespace>/<name>` */
export const meshBackends = generator({
  name: 'mesh-backends',
  scope: (_mesh, { instance, flavor }) => ({ namespace: instance.namespace, flavor }),
  views(mesh, { namespace, flavor }) {
    const used = servicesNeeding(mesh, 'backends', namespace).flatMap(({ refs }) =>
      refs.routes.flatMap((route) =>
        backendRefsOf(route).flatMap((ref) => {
          const resolved = resolveBackend(route, ref, refs)
          return resolved.ok && resolved.target.kind === 'backend' ? [resolved.target.backend] : []
        }),
      ),
    )
    return [...new Set(used)]
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .map((backend) => {
        const shows = backend.spec.tls?.mode === 'ClientAndServer'
        return makeView<Scope, ExternalRefs>(
          { flavor, ...(shows ? { namespace } : {}) },
          {
            backends: [backend],
            ...backendSources(mesh, backend),
          },
        )
      })
  },
  build({ scope, refs }): Built {
    const [backend] = refs.backends
    const client = certificateFor(backend, refs)
    const resources: BuiltResource[] = []
    if (client !== undefined && !('reason' in client)) {
      if (client.namespace !== scope.namespace) {
        const message = `workloads of namespace ${scope.namespace} do not reach it: the key of Secret ${client.namespace}/${client.name} is for sidecars of namespace ${client.namespace}`
        return { resources, problems: [{ origin: backend.key, message }], losers: [] }
      }
      const secret = certificate(client, refs)
      if (secret !== undefined) resources.push(secret)
    }
    const cluster = externalHost(scope, refs)
    return { resources: cluster === undefined ? [] : [...resources, cluster], problems: [], losers: [] }
  },
})
