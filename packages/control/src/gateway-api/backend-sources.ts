// What the TLS settings of an XBackend name: its authorities and its certificate, and the grants for those of other namespaces.
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import { secretsOfBackend } from './backend-tls.ts'
import type { Backend } from './backends.ts'
import type { CertificateSources } from './certificates.ts'

/** The objects that exist, in the order in which they are named. */
export function backendSources(mesh: MeshQuery, backend: Backend): CertificateSources {
  const named = secretsOfBackend(backend)
  const foreign = [...new Set(named.map((one) => one.namespace))].filter((one) => one !== backend.id.namespace)
  return {
    secrets: named.flatMap((one) =>
      one.kind === 'Secret' ? (mesh.named('Secret', one.namespace, one.name) ?? []) : [],
    ),
    configMaps: named.flatMap((one) =>
      one.kind === 'ConfigMap' ? (mesh.named('ConfigMap', one.namespace, one.name) ?? []) : [],
    ),
    grants: foreign.flatMap((one) => mesh.grantsIn(one)),
  }
}
