// What a Gateway stands on: everything that decides what it serves, and what its status says.
import type { ServiceSpec, SpecByKind } from '@weft/resources'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import type { AttachablePolicy } from './attached-policies.ts'
import { secretsOfBackend } from './backend-tls.ts'
import { type Backend, backendHost } from './backends.ts'
import { certificateRefs, type NamedObject } from './certificates.ts'
import { namedPolicies } from './filter-policies.ts'
import { type ApiGateway, experimentalGroup, type ListenerSet, type Route } from './objects.ts'
import type { ReferenceGrant } from './references.ts'
import { backendRefsOf } from './route-backends.ts'

/** Objects by role; every list is sorted by key. */
export interface GatewayRefs extends RouteRefs {
  readonly gateways: readonly ApiGateway[]
  readonly listenerSets: readonly ListenerSet[]
  readonly namespaces: readonly SnapshotObject<SpecByKind['Namespace']>[]
  readonly secrets: readonly SnapshotObject<SpecByKind['Secret']>[]
  readonly configMaps: readonly SnapshotObject<SpecByKind['ConfigMap']>[]
}

/** Routes and what they send to. */
export interface RouteRefs {
  readonly routes: readonly Route[]
  readonly grants: readonly ReferenceGrant[]
  readonly services: readonly SnapshotObject<ServiceSpec>[]
  readonly backends: readonly Backend[]
  readonly tlsPolicies: readonly SnapshotObject<SpecByKind['BackendTLSPolicy']>[]
  readonly trafficPolicies: readonly SnapshotObject<SpecByKind['XBackendTrafficPolicy']>[]
  /** Our own, attached to any of these objects, or named by their rules as filters. */
  readonly attached: readonly AttachablePolicy[]
}

/** Gathers what a Gateway stands on. */
export function gatewayRefs(mesh: MeshQuery, gateway: ApiGateway): GatewayRefs {
  const listenerSets = mesh.listenerSetsOf(gateway.id)
  const routes = eachOnce([
    ...mesh.routesOf('Gateway', gateway.id),
    ...listenerSets.flatMap(({ id }) => mesh.routesOf('ListenerSet', id)),
    ...(gateway.spec.defaultScope === 'All' ? mesh.defaultRoutes() : []),
  ])
  const refs = routeRefs(mesh, routes)
  const certificates = [
    ...[gateway, ...listenerSets].flatMap((owner) => certificateRefs(owner, gateway)),
    ...refs.backends.flatMap(secretsOfBackend),
  ]
  const grantedFrom = certificates.map(({ namespace }) => namespace)
  const parameters = gateway.spec.infrastructure?.parametersRef
  const wanted = [
    ...certificates,
    ...authorityRefs(refs),
    ...(parameters === undefined ? [] : [{ ...parameters, namespace: gateway.id.namespace }]),
  ]
  const named = <K extends 'Secret' | 'ConfigMap'>(kind: K): SnapshotObject<SpecByKind[K]>[] =>
    eachOnce(wanted.flatMap((ref) => (ref.kind === kind ? (mesh.named(kind, ref.namespace, ref.name) ?? []) : [])))
  const namespaces = new Set([...routes, ...listenerSets].map(({ id }) => id.namespace))
  return {
    ...refs,
    attached: eachOnce([...refs.attached, ...mesh.policiesOn(gateway.id)]),
    gateways: [gateway],
    listenerSets,
    grants: eachOnce([...refs.grants, ...[...new Set(grantedFrom)].flatMap((name) => mesh.grantsIn(name))]),
    namespaces: eachOnce([...namespaces].flatMap((name) => mesh.named('Namespace', '', name) ?? [])),
    secrets: named('Secret'),
    configMaps: named('ConfigMap'),
  }
}

/** Where the authorities of backends are. */
function authorityRefs({ tlsPolicies }: RouteRefs): NamedObject[] {
  return tlsPolicies.flatMap(({ id, spec }) =>
    (spec.validation.caCertificateRefs ?? []).map(({ kind, name }) => ({ kind, namespace: id.namespace, name })),
  )
}

/** Gathers what routes send to. */
export function routeRefs(mesh: MeshQuery, routes: readonly Route[]): RouteRefs {
  const targets = routes.flatMap((route) => backendRefsOf(route).map((ref) => ({ route, ref })))
  const services = eachOnce(targets.flatMap(({ route, ref }) => mesh.service(backendHost(route, ref)) ?? []))
  const away = targets.flatMap(({ route, ref }) =>
    ref.namespace === undefined || ref.namespace === route.id.namespace ? [] : [ref.namespace],
  )
  const backends = targets.flatMap(({ route, ref }) =>
    ref.group === experimentalGroup && ref.kind === 'XBackend'
      ? (mesh.named('XBackend', ref.namespace ?? route.id.namespace, ref.name) ?? [])
      : [],
  )
  return {
    routes,
    grants: eachOnce([...new Set(away)].flatMap((namespace) => mesh.grantsIn(namespace))),
    services,
    backends: eachOnce(backends),
    tlsPolicies: eachOnce(services.flatMap(({ id }) => mesh.policiesFor('BackendTLSPolicy', id))),
    trafficPolicies: eachOnce(services.flatMap(({ id }) => mesh.policiesFor('XBackendTrafficPolicy', id))),
    attached: eachOnce([
      ...[...routes, ...services].flatMap(({ id }) => mesh.policiesOn(id)),
      ...routes.flatMap((route) =>
        namedPolicies(route).flatMap(({ kind, name }) => mesh.named(kind, route.id.namespace, name) ?? []),
      ),
    ]),
  }
}

/** Each object once, by key. */
export function eachOnce<R extends { readonly key: string }>(refs: readonly R[]): R[] {
  return [...new Map(refs.map((ref) => [ref.key, ref])).values()].sort((a, b) => (a.key < b.key ? -1 : 1))
}
