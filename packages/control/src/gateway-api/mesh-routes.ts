// Routes inside the mesh: those whose parent is a Service. One of the Service's own namespace is for every caller; one of another
// namespace is for the callers of that namespace alone, and holds there instead.
import {
  type DatagramPort,
  isHttpPort,
  isUdpPort,
  type ParentRef,
  type ServicePort,
  type ServiceSpec,
} from '@weft/resources'
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
export function routesOnPort(
  routes: readonly Route[],
  service: Pick<Service, 'id'>,
  port: Pick<ServicePort, 'port' | 'name'>,
): Route[] {
  return routes.filter((route) =>
    (route.spec.parentRefs ?? []).some((ref) => meansService(ref, route, service) && meansPort(ref, port)),
  )
}

/** Those of some routes that name a Service as a parent. */
export function routesFor(routes: readonly Route[], service: Pick<Service, 'id'>): Route[] {
  return routes.filter((route) => (route.spec.parentRefs ?? []).some((ref) => meansService(ref, route, service)))
}

/** Whether a parent is a Service. */
export function isServiceRef({ group, kind }: Pick<ParentRef, 'group' | 'kind'>): boolean {
  return group === '' && kind === 'Service'
}

/** Whether a parent is something inside the mesh: a Service, or what is taken for one by mistake. */
export function isMeshRef({ group }: Pick<ParentRef, 'group'>): boolean {
  return group === '' || group === 'networking.istio.io'
}

/** Why a parent inside the mesh takes no route of a kind; `service` is the Service of that name, if there is one. */
export function meshParentFault(ref: ParentRef, service: Service | undefined, kind: string): Fault | undefined {
  const fault = (message: string): Fault => ({ reason: 'NoMatchingParent', message })
  if (!isServiceRef(ref)) {
    return fault(
      `inside the mesh routes hold for Services, not for ${ref.kind} ${ref.name}; use a VirtualService for its hosts`,
    )
  }
  if (service === undefined) return fault(`there is no Service ${ref.name}`)
  if (kind === 'UDPRoute') return datagramsFault(ref, service.spec.datagramPorts.filter(isUdpPort), fault)
  const { ports } = service.spec
  const meant = ports.filter((port) => meansPort(ref, port))
  if (meant.length === 0) {
    const asked = ref.port ?? ref.sectionName
    return fault(`Service ${ref.name} has no port ${asked}; it has ${ports.map(({ port }) => port).join(', ')}`)
  }
  const bytes = kind === 'TLSRoute' || kind === 'TCPRoute'
  if (!bytes || ports.some((port) => meansPort(ref, port) && !isHttpPort(port))) return undefined
  const spoken = meant.map(({ port }) => port).join(', ')
  return fault(
    `port ${spoken} of Service ${ref.name} speaks HTTP, whose requests a ${kind} cannot be for; use an HTTPRoute`,
  )
}

function datagramsFault(
  ref: ParentRef,
  ports: readonly DatagramPort[],
  fault: (message: string) => Fault,
): Fault | undefined {
  if (ports.length === 0)
    return fault(`Service ${ref.name} has no UDP port; write \`protocol: UDP\` at the port that takes the datagrams`)
  if (ports.some((port) => meansPort(ref, port))) return undefined
  const asked = ref.port ?? ref.sectionName
  return fault(`Service ${ref.name} has no UDP port ${asked}; it has ${ports.map(({ port }) => port).join(', ')}`)
}

function meansService(ref: ParentRef, route: Route, { id }: Pick<Service, 'id'>): boolean {
  return isServiceRef(ref) && ref.name === id.name && (ref.namespace ?? route.id.namespace) === id.namespace
}

function meansPort({ port, sectionName }: ParentRef, servicePort: Pick<ServicePort, 'port' | 'name'>): boolean {
  return (
    (port === undefined || port === servicePort.port) && (sectionName === undefined || sectionName === servicePort.name)
  )
}
