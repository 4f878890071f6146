// The status of every Gateway API object that this mesh serves, from a snapshot alone.
import { controllerName, isOurClass } from '@weft/resources'
import { authoritiesOf } from '../gateway-api/backend-tls.ts'
import { isOurs } from '../gateway-api/data-plane.ts'
import { type GatewayModel, gatewayModel } from '../gateway-api/gateway-model.ts'
import { type GatewayRefs, gatewayRefs, routeRefs } from '../gateway-api/gateway-refs.ts'
import { isServiceRef, serviceParentFault } from '../gateway-api/mesh-routes.ts'
import { backendHost } from '../gateway-api/backends.ts'
import { type Route, routeKinds } from '../gateway-api/objects.ts'
import { parametersFault } from '../gateway-api/parameters.ts'
import { usedTargets } from '../generators/gateway-api/used-targets.ts'
import { MeshIndex } from '../snapshot/mesh-index.ts'
import { MeshQuery } from '../snapshot/mesh-query.ts'
import type { MeshSnapshot, Ref } from '../snapshot/mesh-snapshot.ts'
import { attachedStatuses } from './attached-status.ts'
import { Conditions } from './conditions.ts'
import { gatewayStatus, listenerSetStatus } from './gateway-status.ts'
import { type PolicyAncestorStatus, policyStatuses } from './policy-status.ts'
import { routeConditions, type RouteParentStatus } from './route-status.ts'
import { supportedFeatures } from './supported-features.ts'

/** `status` of objects by their keys; objects of others have none. */
export type MeshStatuses = ReadonlyMap<string, object>

/** Finds the status of all objects as of a time (RFC 3339). */
export function meshStatuses(snapshot: MeshSnapshot, time: string): MeshStatuses {
  const index = new MeshIndex()
  index.follow(snapshot)
  const mesh = new MeshQuery(index, snapshot.config.settings)
  const statuses = new Map<string, object>([
    ...classStatuses(snapshot, time),
    ...attachedStatuses(snapshot.config, time),
  ])
  const parents = new Map<string, RouteParentStatus[]>()
  const ancestors = new Map<string, PolicyAncestorStatus[]>()
  const instances = snapshot.running.instances.map(({ value }) => value)
  for (const gateway of mesh.apiGateways()) {
    if (!isOurs(mesh, gateway)) continue
    const refs = gatewayRefs(mesh, gateway)
    const model = gatewayModel(gateway, refs)
    statuses.set(gateway.key, gatewayStatus(model, refs, instances, time))
    for (const placed of model.sets) statuses.set(placed.set.key, listenerSetStatus(model, placed, time))
    for (const [route, status] of gatewayParents(model, refs, time)) push(parents, route.key, status)
    for (const [key, status] of policyStatuses(model, refs, time)) push(ancestors, key, status)
    for (const [key, status] of backendParents(model, refs, time)) push(parents, key, status)
  }
  for (const [route, status] of meshParents(mesh, snapshot, time)) push(parents, route.key, status)
  for (const [key, list] of parents) statuses.set(key, { parents: list })
  for (const [key, list] of ancestors) statuses.set(key, { ancestors: list })
  return statuses
}

function classStatuses({ config }: MeshSnapshot, time: string): [string, object][] {
  return [...config.objects.GatewayClass, ...config.objects.XMesh]
    .filter(({ id, spec }) => isOurClass(id.name, spec))
    .map((object) => {
      const fault = parametersFault(object.spec.parametersRef, undefined, config.objects.ConfigMap)
      const conditions = [new Conditions(object, time).unless('Accepted', fault)]
      return [object.key, { conditions, supportedFeatures: supportedFeatures.map((name) => ({ name })) }]
    })
}

function gatewayParents(model: GatewayModel, refs: GatewayRefs, time: string): [Ref, RouteParentStatus][] {
  return model.outcomes.map(({ route, parent, fault }) => [
    route,
    { parentRef: parent, controllerName, conditions: routeConditions(route, { fault, at: 'gateway' }, refs, time) },
  ])
}

/** What a Gateway says of the XBackends that its routes send to. */
function backendParents(model: GatewayModel, refs: GatewayRefs, time: string): [string, RouteParentStatus][] {
  const { group, kind, namespace, name } = model.gateway.id
  return usedTargets({ ...refs, gateways: [model.gateway] }).backends.map(({ backend }) => {
    const validation = backend.spec.tls?.mode === 'None' ? undefined : backend.spec.tls?.validation
    const { unusable, unresolved } =
      validation === undefined ? {} : authoritiesOf(validation, backend.id.namespace, refs)
    const make = new Conditions(backend, time)
    const conditions = [make.unless('Accepted', unusable), make.unless('ResolvedRefs', unresolved)]
    return [backend.key, { parentRef: { group, kind, namespace, name }, controllerName, conditions }]
  })
}

/** What the mesh says of routes whose parent is a Service. */
function meshParents(mesh: MeshQuery, { config }: MeshSnapshot, time: string): [Ref, RouteParentStatus][] {
  const routes: readonly Route[] = routeKinds.flatMap((kind): readonly Route[] => config.objects[kind])
  return routes.flatMap((route) =>
    (route.spec.parentRefs ?? []).filter(isServiceRef).map((parentRef): [Ref, RouteParentStatus] => {
      const service = mesh.service(backendHost(route, parentRef))
      const fault = serviceParentFault(parentRef, service)
      const conditions = routeConditions(route, { fault, at: 'mesh' }, routeRefs(mesh, [route]), time)
      return [route, { parentRef, controllerName, conditions }]
    }),
  )
}

function push<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [item])
  else list.push(item)
}
