// The status of XBackends: one entry for each parent of the routes that send to them.
import { controllerName } from '@weft/resources'
import { backendSources } from '../gateway-api/backend-sources.ts'
import { authoritiesOf, certificateFor } from '../gateway-api/backend-tls.ts'
import { type Backend, backendHost, resolveBackend } from '../gateway-api/backends.ts'
import type { CertificateSources } from '../gateway-api/certificates.ts'
import type { GatewayModel } from '../gateway-api/gateway-model.ts'
import { type GatewayRefs, routeRefs } from '../gateway-api/gateway-refs.ts'
import { isServiceRef, meshParentFault } from '../gateway-api/mesh-routes.ts'
import { type Route, routeKinds } from '../gateway-api/objects.ts'
import { backendRefsOf } from '../gateway-api/route-backends.ts'
import { usedTargets } from '../generators/gateway-api/used-targets.ts'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts'
import { Conditions, type Reader } from './conditions.ts'
import type { RouteParentStatus } from './route-status.ts'

/** Statuses by the key of their XBackend. */
type BackendStatuses = [string, RouteParentStatus][]

/** What a Gateway says of the XBackends that its routes send to. */
export function gatewayBackends(model: GatewayModel, refs: GatewayRefs, reader: Reader): BackendStatuses {
  const { group, kind, namespace, name } = model.gateway.id
  return usedTargets({ ...refs, gateways: [model.gateway] }).backends.map(({ backend }) => [
    backend.key,
    statusOf(backend, { group, kind, namespace, name }, refs, reader),
  ])
}

/** What the mesh says of those that routes with Services as parents send to, once for each Service. */
export function meshBackends(mesh: MeshQuery, { config }: MeshSnapshot, reader: Reader): BackendStatuses {
  const routes: readonly Route[] = routeKinds.flatMap((kind): readonly Route[] => config.objects[kind])
  const used = new Map<string, BackendStatuses[0]>()
  for (const route of routes) {
    const services = parentsOf(mesh, route)
    const backends = services.length === 0 ? [] : backendsOf(mesh, route)
    for (const { group, kind, namespace, name } of services) {
      for (const backend of backends) {
        const status = statusOf(backend, { group, kind, namespace, name }, backendSources(mesh, backend), reader)
        used.set(`${backend.key} ${namespace}/${name}`, [backend.key, status])
      }
    }
  }
  return [...used.values()]
}

/** The Services whose callers go by a route. */
function parentsOf(mesh: MeshQuery, route: Route): Backend['id'][] {
  return (route.spec.parentRefs ?? []).filter(isServiceRef).flatMap((ref) => {
    const service = mesh.service(backendHost(route, ref))
    const takes = meshParentFault(ref, service, route.id.kind) === undefined
    return service === undefined || !takes ? [] : [service.id]
  })
}

function backendsOf(mesh: MeshQuery, route: Route): Backend[] {
  const refs = routeRefs(mesh, [route])
  return backendRefsOf(route).flatMap((ref) => {
    const resolved = resolveBackend(route, ref, refs)
    return resolved.ok && resolved.target.kind === 'backend' ? [resolved.target.backend] : []
  })
}

function statusOf(
  backend: Backend,
  parentRef: RouteParentStatus['parentRef'],
  sources: CertificateSources,
  reader: Reader,
): RouteParentStatus {
  const validation = backend.spec.tls?.mode === 'None' ? undefined : backend.spec.tls?.validation
  const { unusable, unresolved } =
    validation === undefined ? {} : authoritiesOf(validation, backend.id.namespace, sources)
  const certificate = certificateFor(backend, sources)
  const unshown = certificate !== undefined && 'reason' in certificate ? certificate : undefined
  const make = new Conditions(backend, reader)
  const conditions = [make.unless('Accepted', unusable), make.unless('ResolvedRefs', unresolved ?? unshown)]
  return { parentRef, controllerName, conditions }
}
