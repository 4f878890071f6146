// Routes inside the mesh: those whose parent is a Service. One of the Service's own namespace is for every caller; one of another
// namespace is for the callers of that namespace alone, and holds there instead.
import type { ParentRef, ServicePort, ServiceSpec } from '@weft/resources'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import type { Fault } from './listeners.ts'
import type { Route } from './objects.ts'
import { byAge } from './precedence.ts'

type Service = SnapshotObject<ServiceSpec>

/** The routes for a Service as callers of a namespace see them, oldest first. */
export function routesForCallers(routes: readonly Route[], service: Pick<Service, 'id'>, namespace: string): Route[] {
  const consumer = routes.filter(({ id }) => id.namespace === namespace && id.namespace !== service.id.namespace)
  const seen = consumer.length > 0 ? consumer : routes.filter(({ id }) => id.namespace === service.id.namespace)
  return [...seen].sort(byAge)
}

/** Whether callers of different namespaces may see different routes. */
export function dependsOnCaller(routes: readonly Route[], service: Pick<Service, 'id'>): boolean {
  return routes.some(({ id }) => id.namespace !== service.id.namespace)
}

/** Those of some routes that name a port of a Service, or all of its ports. */
export function routesOnPort(routes: readonly Route[], service: Pick<Service, 'id'>, port: ServicePort): Route[] {
  return routes.filter((route) =>
    (route.spec.parentRefs ?? []).some((ref) => meansService(ref, route, service) && meansPort(ref, port)),
  )
}

/** Whether a parent is a Service. */
export function isServiceRef({ group, kind }: Pick<ParentRef, 'group' | 'kind'>): boolean {
  return group === '' && kind === 'Service'
}

/** Why a Service that is named as parent takes no route; `service` is the one of that name, if there is one. */
export function serviceParentFault(ref: ParentRef, service: Service | undefined): Fault | undefined {
  if (service === undefined) return { reason: 'NoMatchingParent', message: `there is no Service ${ref.name}` }
  if (service.spec.ports.some((port) => meansPort(ref, port))) return undefined
  const asked = ref.port ?? ref.sectionName
  const message = `Service ${ref.name} has no port ${asked}; it has ${service.spec.ports.map(({ port }) => port).join(', ')}`
  return { reason: 'NoMatchingParent', message }
}

function meansService(ref: ParentRef, route: Route, { id }: Pick<Service, 'id'>): boolean {
  return isServiceRef(ref) && ref.name === id.name && (ref.namespace ?? route.id.namespace) === id.namespace
}

function meansPort({ port, sectionName }: ParentRef, servicePort: ServicePort): boolean {
  return (
    (port === undefined || port === servicePort.port) && (sectionName === undefined || sectionName === servicePort.name)
  )
}
