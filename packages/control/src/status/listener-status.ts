// The status of the listeners of a Gateway or a ListenerSet.
import { commonHostname } from '../gateway-api/hostnames.ts'
import { type GatewayModel, isProgrammed } from '../gateway-api/gateway-model.ts'
import type { PlacedListener } from '../gateway-api/listeners.ts'
import { gatewayGroup } from '../gateway-api/objects.ts'
import type { Condition, Conditions } from './conditions.ts'

/** The status of one listener. */
export interface ListenerStatus {
  readonly name: string
  readonly supportedKinds: readonly { readonly group: string; readonly kind: string }[]
  readonly attachedRoutes: number
  readonly conditions: readonly Condition[]
}

/** The status of a listener in its Gateway. */
export function listenerStatus(model: GatewayModel, listener: PlacedListener, owner: Conditions): ListenerStatus {
  const { spec, kinds, refused, conflict, invalidKinds } = listener
  const tls = model.tls.get(listener)
  const unresolved = invalidKinds ?? tls?.faults[0]
  const unusable = refused ?? conflict ?? tls?.noAuthority
  const message = model.refused?.message ?? unusable?.message ?? unresolved?.message ?? ''
  const overlap = overlapping(model, listener)
  const make = owner.at(fieldOf(listener))
  return {
    name: spec.name,
    supportedKinds: kinds.map((kind) => ({ group: gatewayGroup, kind })),
    attachedRoutes: model.attached.filter((one) => one.listener === listener).length,
    conditions: [
      make.unless('Accepted', unusable),
      make.unless(
        'Programmed',
        isProgrammed(model, listener) ? undefined : { reason: conflict?.reason ?? 'Invalid', message },
      ),
      make.unless('ResolvedRefs', unresolved),
      conflict === undefined ? make.clear('Conflicted', 'NoConflicts') : make.warn('Conflicted', conflict),
      ...(overlap === undefined
        ? []
        : [make.warn('OverlappingTLSConfig', { reason: 'OverlappingHostnames', message: overlap })]),
    ],
  }
}

function fieldOf({ origin }: PlacedListener): string {
  return origin.slice(origin.indexOf('#') + 1)
}

/** HTTPS listeners whose names meet: a client may reuse a connection to one for requests that belong to the other. */
function overlapping(model: GatewayModel, { spec, ...listener }: PlacedListener): string | undefined {
  if (spec.protocol !== 'HTTPS') return undefined
  const other = model.listeners.find(
    (one) =>
      one.origin !== listener.origin &&
      one.spec.protocol === 'HTTPS' &&
      one.spec.port === spec.port &&
      commonHostname(one.spec.hostname, spec.hostname) !== 'none',
  )
  if (other === undefined) return undefined
  const names = [spec.hostname, other.spec.hostname].map((name) => name ?? 'any name').join(' and ')
  return `${names} overlap (listener ${other.spec.name}); requests that come by the wrong one are answered with 421`
}
