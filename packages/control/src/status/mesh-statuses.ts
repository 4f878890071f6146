// The status of every Gateway API object that this mesh serves, from a snapshot alone.
import { controllerName, isOurClass } from '@weft/resources'
import { isOurs } from '../gateway-api/data-plane.ts'
import { type GatewayModel, gatewayModel } from '../gateway-api/gateway-model.ts'
import { type GatewayRefs, gatewayRefs, routeRefs } from '../gateway-api/gateway-refs.ts'
import { isMeshRef, isServiceRef, meshParentFault } from '../gateway-api/mesh-routes.ts'
import { backendHost } from '../gateway-api/backends.ts'
import { type Route, routeKinds } from '../gateway-api/objects.ts'
import { parametersFault } from '../gateway-api/parameters.ts'
import { MeshIndex } from '../snapshot/mesh-index.ts'
import { MeshQuery } from '../snapshot/mesh-query.ts'
import type { MeshSnapshot, Ref } from '../snapshot/mesh-snapshot.ts'
import { attachedStatuses } from './attached-status.ts'
import { gatewayBackends, meshBackends } from './backend-status.ts'
import { Conditions, type Reader } from './conditions.ts'
import { gatewayStatus, listenerSetStatus } from './gateway-status.ts'
import { meshPolicyStatuses, type PolicyAncestorStatus, policyStatuses } from './policy-status.ts'
import { routeConditions, type RouteParentStatus } from './route-status.ts'
import { supportedFeatures } from './supported-features.ts'

/** `status` of objects by their keys; objects of others have none. */
export type MeshStatuses = ReadonlyMap<string, object>

/** Finds the status of all objects. */
export function meshStatuses(snapshot: MeshSnapshot, reader: Reader): MeshStatuses {
  const index = new MeshIndex()
  index.follow(snapshot)
  const mesh = new MeshQuery(index, snapshot.config.settings)
  const statuses = new Map<string, object>([
    ...classStatuses(snapshot, reader),
    ...attachedStatuses(snapshot.config, reader.time),
  ])
  const parents = new Map<string, RouteParentStatus[]>()
  const ancestors = new Map<string, PolicyAncestorStatus[]>()
  const instances = snapshot.running.instances.map(({ value }) => value)
  for (const gateway of mesh.apiGateways()) {
    if (!isOurs(mesh, gateway)) continue
    const refs = gatewayRefs(mesh, gateway)
    const model = gatewayModel(gateway, refs)
    statuses.set(gateway.key, gatewayStatus(model, refs, instances, reader))
    for (const placed of model.sets) statuses.set(placed.set.key, listenerSetStatus(model, placed, reader))
    for (const [route, status] of gatewayParents(model, refs, reader)) push(parents, route.key, status)
    for (const [key, status] of policyStatuses(model, refs, reader)) push(ancestors, key, status)
    for (const [key, status] of gatewayBackends(model, refs, reader)) push(parents, key, status)
  }
  for (const [route, status] of meshParents(mesh, snapshot, reader)) push(parents, route.key, status)
  for (const [key, status] of meshBackends(mesh, snapshot, reader)) push(parents, key, status)
  for (const [key, list] of meshPolicies(mesh, snapshot, reader))
    for (const status of list) push(ancestors, key, status)
  for (const [key, list] of parents) statuses.set(key, { parents: list })
  for (const [key, list] of ancestors) statuses.set(key, { ancestors: list })
  return statuses
}

function classStatuses({ config }: MeshSnapshot, reader: Reader): [string, object][] {
  return [...config.objects.GatewayClass, ...config.objects.XMesh]
    .filter(({ id, spec }) => isOurClass(id.name, spec))
    .map((object) => {
      const fault = parametersFault(object.spec.parametersRef, undefined, config.objects.ConfigMap)
      const conditions = [new Conditions(object, reader).unless('Accepted', fault)]
      return [object.key, { conditions, supportedFeatures: supportedFeatures.map((name) => ({ name })) }]
    })
}

function gatewayParents(model: GatewayModel, refs: GatewayRefs, reader: Reader): [Ref, RouteParentStatus][] {
  return model.outcomes.map(({ route, parent, fault }) => [
    route,
    {
      parentRef: parent,
      controllerName,
      conditions: routeConditions(route, { parent, fault, at: 'gateway' }, refs, reader),
    },
  ])
}

/** What the mesh says of routes whose parent is inside it. */
function meshParents(mesh: MeshQuery, { config }: MeshSnapshot, reader: Reader): [Ref, RouteParentStatus][] {
  const routes: readonly Route[] = routeKinds.flatMap((kind): readonly Route[] => config.objects[kind])
  return routes.flatMap((route) =>
    (route.spec.parentRefs ?? []).filter(isMeshRef).map((parentRef): [Ref, RouteParentStatus] => {
      const service = mesh.service(backendHost(route, parentRef))
      const fault = meshParentFault(parentRef, service, route.id.kind)
      const conditions = routeConditions(
        route,
        { parent: parentRef, fault, at: 'mesh' },
        routeRefs(mesh, [route]),
        reader,
      )
      return [route, { parentRef, controllerName, conditions }]
    }),
  )
}

/** What the mesh says of policies on the Services that such routes send to, once for each Service. */
function meshPolicies(
  mesh: MeshQuery,
  { config }: MeshSnapshot,
  reader: Reader,
): ReadonlyMap<string, readonly PolicyAncestorStatus[]> {
  const found = new Map<string, Map<string, PolicyAncestorStatus>>()
  const routes: readonly Route[] = routeKinds.flatMap((kind): readonly Route[] => config.objects[kind])
  for (const route of routes.filter(({ spec }) => (spec.parentRefs ?? []).some(isServiceRef))) {
    for (const [key, list] of meshPolicyStatuses(route, routeRefs(mesh, [route]), reader)) {
      const own = found.get(key) ?? new Map<string, PolicyAncestorStatus>()
      for (const one of list) own.set(`${one.ancestorRef.namespace}/${one.ancestorRef.name}`, one)
      found.set(key, own)
    }
  }
  return new Map([...found].map(([key, own]) => [key, [...own.values()]]))
}

function push<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [item])
  else list.push(item)
}
