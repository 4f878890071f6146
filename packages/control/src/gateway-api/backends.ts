// Where a rule sends traffic: the Service port or XBackend behind each reference, or why there is none.
import { serviceFqdn, type SpecByKind } from '@weft/resources'
import type { BackendRef, DatagramPort, ServicePort, ServiceSpec } from '@weft/resources'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import type { Fault } from './listeners.ts'
import { experimentalGroup, type Route } from './objects.ts'
import { mayRefer, type ReferenceGrant } from './references.ts'

/** An XBackend with its content. */
export type Backend = SnapshotObject<SpecByKind['XBackend']>
type Service = SnapshotObject<ServiceSpec>

/** A port of a Service, for connections or for datagrams. */
export type BackendPort = ServicePort | DatagramPort

/** What stands behind a reference. */
export type Target =
  | { readonly kind: 'service'; readonly service: Service; readonly port: BackendPort }
  | { readonly kind: 'backend'; readonly backend: Backend }

/** A reference followed, or why it cannot be. */
export type Resolved = { readonly ok: true; readonly target: Target } | { readonly ok: false; readonly fault: Fault }

/** What references are looked up in. */
export interface BackendSources {
  readonly services: readonly Service[]
  readonly backends: readonly Backend[]
  readonly grants: readonly ReferenceGrant[]
}

/** Follows the reference of a route to a backend. */
export function resolveBackend(route: Route, ref: BackendRef, sources: BackendSources): Resolved {
  const namespace = ref.namespace ?? route.id.namespace
  const { group, kind, name } = ref
  if (!(group === '' && kind === 'Service') && !(group === experimentalGroup && kind === 'XBackend')) {
    return fault('InvalidKind', `${group === '' ? 'core' : group}/${kind} is no backend; use a Service or an XBackend`)
  }
  if (kind === 'XBackend' && route.id.kind === 'UDPRoute') {
    return fault('InvalidKind', `datagrams go to Services alone, and not to XBackend ${name}`)
  }
  const from = { group: route.id.group, kind: route.id.kind, namespace: route.id.namespace }
  if (!mayRefer(from, { group, kind, namespace, name }, sources.grants)) {
    const message = `no ReferenceGrant in namespace ${namespace} lets ${from.kind}s of ${from.namespace} refer to ${kind} ${name}`
    return fault('RefNotPermitted', message)
  }
  const is = (object: SnapshotObject): boolean => object.id.namespace === namespace && object.id.name === name
  if (kind === 'XBackend') {
    const backend = sources.backends.find(is)
    if (backend === undefined) return fault('BackendNotFound', `there is no XBackend ${namespace}/${name}`)
    return { ok: true, target: { kind: 'backend', backend } }
  }
  const service = sources.services.find(is)
  if (service === undefined) return fault('BackendNotFound', `there is no Service ${namespace}/${name}`)
  const port = portOf(service, ref, route.id.kind === 'UDPRoute')
  if (port === undefined) {
    const ports = service.spec.ports.map((each) => each.port).join(', ')
    return fault('BackendNotFound', `Service ${namespace}/${name} has no port ${ref.port ?? ''}; it has ${ports}`)
  }
  return { ok: true, target: { kind: 'service', service, port } }
}

/** The host name by which the mesh knows the Service of a reference, wherever it may point. */
export function backendHost(route: Pick<Route, 'id'>, ref: Pick<BackendRef, 'name' | 'namespace'>): string {
  return serviceFqdn({ namespace: ref.namespace ?? route.id.namespace, name: ref.name })
}

/** The port that a reference means; datagrams go to ports for datagrams only. */
function portOf({ spec }: Service, { port }: BackendRef, datagrams: boolean): BackendPort | undefined {
  if (!datagrams) return spec.ports.find((each) => each.port === port)
  return spec.datagramPorts.find((each) => each.port === port && each.protocol === 'UDP')
}

function fault(reason: string, message: string): Resolved {
  return { ok: false, fault: { reason, message } }
}
