// One Gateway understood: its listeners, the routes on them, and what is wrong with either. Translation and status both start here.
import type { SpecByKind } from '@weft/resources'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { type Attachments, attachRoutes } from './attach.ts'
import { type ListenerTls, listenerTls } from './certificates.ts'
import type { GatewayRefs } from './gateway-refs.ts'
import {
  type Fault,
  type GatewayListeners,
  isServed,
  type NamespaceLabels,
  type PlacedListener,
  placeListeners,
} from './listeners.ts'
import type { ApiGateway } from './objects.ts'
import { parametersFault } from './parameters.ts'

/** A Gateway, its listeners and its routes. */
export interface GatewayModel extends Attachments, GatewayListeners {
  readonly gateway: ApiGateway
  /** What listeners that end TLS show and ask. */
  readonly tls: ReadonlyMap<PlacedListener, ListenerTls>
  /** Why nothing of it is served. */
  readonly refused?: Fault
}

/** Understands one Gateway; `gateway` is one of `refs.gateways`. */
export function gatewayModel(gateway: ApiGateway, refs: GatewayRefs): GatewayModel {
  const labelsOf = namespaceLabels(refs.namespaces)
  const placed = placeListeners(gateway, setsOf(gateway, refs.listenerSets), labelsOf)
  const tls = new Map(
    placed.listeners.flatMap((listener) => {
      const found = listenerTls(listener, gateway, refs)
      return found === undefined ? [] : [[listener, found] as const]
    }),
  )
  const refused = parametersFault(gateway.spec.infrastructure?.parametersRef, gateway.id.namespace, refs.configMaps)
  return {
    gateway,
    ...placed,
    ...attachRoutes(gateway, placed, refs.routes, labelsOf),
    tls,
    ...(refused === undefined ? {} : { refused }),
  }
}

/** Whether a listener is served: nothing refuses it or its Gateway, and TLS has a certificate to show and clients to verify by. */
export function isProgrammed(
  { tls, refused }: Pick<GatewayModel, 'tls' | 'refused'>,
  listener: PlacedListener,
): boolean {
  const needs = tls.get(listener)
  return (
    refused === undefined &&
    isServed(listener) &&
    (needs === undefined || (needs.certificates.length > 0 && needs.noAuthority === undefined))
  )
}

function setsOf({ id }: ApiGateway, sets: GatewayRefs['listenerSets']): GatewayRefs['listenerSets'] {
  return sets.filter(({ id: own, spec: { parentRef } }) => {
    const { group, kind, name, namespace = own.namespace } = parentRef
    return group === id.group && kind === id.kind && name === id.name && namespace === id.namespace
  })
}

/** Labels of namespaces; every namespace has its name as a label, as in Kubernetes. */
function namespaceLabels(namespaces: readonly SnapshotObject<SpecByKind['Namespace']>[]): NamespaceLabels {
  const written = new Map(namespaces.map(({ id, labels }) => [id.name, labels]))
  return (name) => ({ 'kubernetes.io/metadata.name': name, ...written.get(name) })
}
