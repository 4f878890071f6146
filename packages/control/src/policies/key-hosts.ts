// Keys that a Service of the mesh publishes: its name may be written as clients in the namespace write it.
import { type JwtRule, resolveHost, type RequestAuthenticationSpec } from '@weft/resources'
import { serviceHost } from '../generators/hosts.ts'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'

type RequestAuthentication = SnapshotObject<RequestAuthenticationSpec>

/** A RequestAuthentication whose `jwksUri`s name Services by their full names: no name server knows the short ones. */
export function withKeyHosts(
  mesh: Pick<MeshQuery, 'serviceSeenBy'>,
  object: RequestAuthentication,
): RequestAuthentication {
  const { namespace } = object.id
  const jwtRules = object.spec.jwtRules.map((rule) => withKeyHost(mesh, rule, namespace))
  if (jwtRules.every((rule, index) => rule === object.spec.jwtRules[index])) return object
  // What is made of it depends on the Services, too.
  const hash = [object.hash, ...jwtRules.map(({ jwksUri = '' }) => jwksUri)].join(' ')
  return { ...object, hash, spec: { ...object.spec, jwtRules } }
}

function withKeyHost(mesh: Pick<MeshQuery, 'serviceSeenBy'>, rule: JwtRule, namespace: string): JwtRule {
  if (rule.jwksUri === undefined) return rule
  const url = new URL(rule.jwksUri)
  const names = [
    `${url.hostname}.svc.cluster.local`,
    `${url.hostname}.cluster.local`,
    resolveHost(url.hostname, namespace),
  ]
  for (const name of names) {
    const found = mesh.serviceSeenBy(name, namespace)
    if (found?.id.kind !== 'Service' || serviceHost(found) === url.hostname) continue
    url.hostname = serviceHost(found)
    return { ...rule, jwksUri: url.href }
  }
  return rule
}
