// What the status of Gateway API objects says is wrong, as findings: who checks a directory should not have to ask for each status.
import { type ObjectId, originOf } from '@weft/core'
import { byPlace, controllerName, isOurClass, type ParentRef, type Problem, type Severity } from '@weft/resources'
import { gatewayGroup, type Route, routeKinds } from '../gateway-api/objects.ts'
import { parseOrigin } from '../origin-parts.ts'
import type { MeshSnapshot, SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import type { SourceMap } from '../snapshot/source-map.ts'
import { meaningOf, mendOf } from './fault-meanings.ts'
import { type MeshStatuses, meshStatuses } from './mesh-statuses.ts'
import type { RouteParentStatus } from './route-status.ts'

/** What findings are made from. */
export interface StatusSources {
  readonly snapshot: MeshSnapshot
  readonly sourceMap: SourceMap
}

interface Found {
  readonly object: SnapshotObject
  readonly code: string
  readonly severity?: Severity
  readonly field: string
  readonly message: string
  readonly mend: string
}

/** The findings by place, each once, but those of fields that `told` speaks of already. */
export function statusFindings({ snapshot, sourceMap }: StatusSources, told: readonly Problem[]): Problem[] {
  const faults = new Map<string, Told>()
  const statuses = meshStatuses(snapshot, {
    time: '',
    onFault: (object, type, fault) => {
      const { field = '', message, reason } = fault
      const key = `${object.key}#${field} ${message}`
      // What a condition says, those after it say again; `Invalid` alone is no reason.
      const before = faults.get(key)
      const why = before === undefined || before.reason === 'Invalid' ? reason : before.reason
      faults.set(key, { object, type: before?.type ?? type, field, message, reason: why })
    },
  })
  const found = [
    ...[...faults.values()].filter((one) => !isSum(one)).map(findingOf),
    ...strangeGateways(snapshot),
    ...lostParents(snapshot, statuses, refusedObjects(told)),
    ...lostListenerSets(snapshot, statuses, refusedObjects(told)),
  ]
  const known = new Set(told.map(placeOf))
  return found
    .map((one) => problemOf(one, sourceMap))
    .filter((problem) => !known.has(placeOf(problem)))
    .sort(byPlace)
}

/** What is wrong with an object, as one of its conditions says. */
interface Told {
  readonly object: SnapshotObject
  readonly type: string
  readonly reason: string
  readonly field: string
  readonly message: string
}

/** Whether it sums up what is told of listeners. */
function isSum({ type, reason, field }: Told): boolean {
  return reason === 'ListenersNotValid' || (type === 'Programmed' && reason === 'Invalid' && field === '')
}

function findingOf({ object, type, reason, field, message }: Told): Found {
  const severity = type === 'OverlappingTLSConfig' ? 'info' : 'warning'
  const text = `${meaningOf(type, object.id.kind)} (${reason}): ${message}`
  return { object, code: 'IST0171', severity, field, message: text, mend: mendOf(reason) }
}

function problemOf({ object, code, severity = 'warning', field, message, mend }: Found, sourceMap: SourceMap): Problem {
  const origin = originOf(object.id, field)
  const written = parseOrigin(origin)
  const objectId: ObjectId = object.id.writtenAs === undefined ? object.id : written.id
  return { severity, code, message, position: sourceMap.positionOf(origin), objectId, field: written.field, mend }
}

function placeOf({ objectId, field }: Problem): string {
  return `${objectId?.group}/${objectId?.kind}/${objectId?.namespace}/${objectId?.name}#${field}`
}

/** Gateways of classes that this mesh does not serve. */
function strangeGateways(snapshot: MeshSnapshot): Found[] {
  return snapshot.config.objects.GatewayAPIGateway.flatMap((gateway) => {
    const name = gateway.spec.gatewayClassName
    const written = classOf(snapshot, name)
    if (isOurClass(name, written)) return []
    const field = 'spec.gatewayClassName'
    if (written !== undefined) {
      const message = `has no effect here: class ${name} is one of ${written.controllerName}`
      const mend = 'Leave it to that controller, or write gatewayClassName: weft.'
      return [{ object: gateway, code: 'WEFT0112', severity: 'info' as const, field, message, mend }]
    }
    const message = `has no effect: there is no GatewayClass ${name}, so nothing listens`
    const mend = `Write gatewayClassName: weft, or add a GatewayClass ${name} with controllerName: ${controllerName}.`
    return [{ object: gateway, code: 'WEFT0112', field, message, mend }]
  })
}

function classOf({ config }: MeshSnapshot, name: string | undefined): { readonly controllerName: string } | undefined {
  return config.objects.GatewayClass.find(({ id }) => id.name === name)?.spec
}

/** Objects that are written, and refused: that they are not there is their own matter. */
type Refused = (kind: string, namespace: string, name: string) => boolean

function refusedObjects(told: readonly Problem[]): Refused {
  const refused = new Set(
    told.flatMap(({ severity, objectId: id }) =>
      severity === 'error' && id?.group === gatewayGroup ? [`${id.kind}/${id.namespace}/${id.name}`] : [],
    ),
  )
  return (kind, namespace, name) => refused.has(`${kind}/${namespace}/${name}`)
}

/** ListenerSets of Gateways that are not there, or that nobody serves. */
function lostListenerSets(snapshot: MeshSnapshot, statuses: MeshStatuses, refused: Refused): Found[] {
  return snapshot.config.objects.ListenerSet.filter(({ key }) => !statuses.has(key)).flatMap((set): Found[] => {
    const { kind, name, namespace = set.id.namespace } = set.spec.parentRef
    if (refused(kind, namespace, name)) return []
    const there = snapshot.config.objects.GatewayAPIGateway.some(
      ({ id }) => kind === 'Gateway' && id.namespace === namespace && id.name === name,
    )
    const message = there
      ? `${kind} ${namespace}/${name} is served by nobody here, so nothing listens`
      : `there is no ${kind} ${namespace}/${name}, so nothing listens`
    const mend = there ? 'Give the Gateway a class of Weft.' : 'Add the Gateway, or correct the name.'
    return [{ object: set, code: there ? 'WEFT0112' : 'IST0101', field: 'spec.parentRef', message, mend }]
  })
}

/** Routes without a parent, and parents that say nothing of a route, since nobody serves them. */
function lostParents(snapshot: MeshSnapshot, statuses: MeshStatuses, refused: Refused): Found[] {
  const routes: readonly Route[] = routeKinds.flatMap((kind): readonly Route[] => snapshot.config.objects[kind])
  return routes.flatMap((route): Found[] => {
    const { parentRefs = [], useDefaultGateways } = route.spec
    const { parents = [] } = (statuses.get(route.key) ?? {}) as { readonly parents?: readonly RouteParentStatus[] }
    if (parentRefs.length === 0) {
      if (useDefaultGateways === 'All' && parents.length > 0) return []
      const asked = useDefaultGateways === 'All' ? 'no Gateway has defaultScope: All' : 'it has no parentRefs'
      const message = `has no effect: ${asked}, so nothing comes to it`
      const mend = 'Name a Gateway, or a Service for calls inside the mesh, in `parentRefs`.'
      return [{ object: route, code: 'WEFT0112', field: 'spec', message, mend }]
    }
    return parentRefs.flatMap((parent, index) =>
      parents.some(({ parentRef }) => parentRef === parent) ||
      refused(parent.kind, parent.namespace ?? route.id.namespace, parent.name)
        ? []
        : [lostParent({ route, parent, field: `spec.parentRefs[${index}]` }, snapshot)],
    )
  })
}

function lostParent(
  { route, parent, field }: { readonly route: Route; readonly parent: ParentRef; readonly field: string },
  snapshot: MeshSnapshot,
): Found {
  const { objects } = snapshot.config
  const { group, kind, name, namespace = route.id.namespace } = parent
  if (group !== gatewayGroup || (kind !== 'Gateway' && kind !== 'ListenerSet')) {
    const message = `${kind} ${name} (${group}) is no parent of routes here, so nothing comes to the route from it`
    return { object: route, code: 'WEFT0112', field, message, mend: 'Name a Gateway, a ListenerSet or a Service.' }
  }
  const candidates: readonly SnapshotObject[] = objects[kind === 'Gateway' ? 'GatewayAPIGateway' : kind]
  const there = candidates.some(({ id }) => id.namespace === namespace && id.name === name)
  if (!there) {
    const message = `there is no ${kind} ${namespace}/${name}, so nothing comes to the route from it`
    const elsewhere = candidates.find(({ id }) => id.name === name)
    const mend =
      elsewhere === undefined
        ? `Add the ${kind}, or correct the name.`
        : `Write namespace: ${elsewhere.id.namespace}, or correct the name.`
    return { object: route, code: 'IST0101', field, message, mend }
  }
  const message = `${kind} ${namespace}/${name} is served by nobody here, so nothing comes to the route from it`
  const mend = kind === 'Gateway' ? 'Give the Gateway a class of Weft.' : 'Give it a Gateway of a class of Weft.'
  const gateway = objects.GatewayAPIGateway.find(({ id }) => id.namespace === namespace && id.name === name)
  const isOthers = kind === 'Gateway' && classOf(snapshot, gateway?.spec.gatewayClassName) !== undefined
  return { object: route, code: 'WEFT0112', severity: isOthers ? 'info' : 'warning', field, message, mend }
}
