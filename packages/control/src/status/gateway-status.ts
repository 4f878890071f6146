// The status of Gateways and ListenerSets.
import { servesGateway, servingAddress, type WorkloadInstance } from '@weft/resources'
import { backendCertificate, type CertificateSources } from '../gateway-api/certificates.ts'
import { type GatewayModel, isProgrammed } from '../gateway-api/gateway-model.ts'
import type { Fault, PlacedListener, PlacedListenerSet } from '../gateway-api/listeners.ts'
import type { ApiGateway } from '../gateway-api/objects.ts'
import { type Condition, Conditions, type Reader } from './conditions.ts'
import { listenerStatus, type ListenerStatus } from './listener-status.ts'

/** The status of a Gateway. */
export interface GatewayStatus {
  readonly addresses: readonly { readonly type: string; readonly value: string }[]
  readonly attachedListenerSets: number
  readonly conditions: readonly Condition[]
  readonly listeners: readonly ListenerStatus[]
}

/** The status of a ListenerSet. */
export interface ListenerSetStatus {
  readonly conditions: readonly Condition[]
  readonly listeners: readonly ListenerStatus[]
}

/** The status of a Gateway, served by `instances`. */
export function gatewayStatus(
  model: GatewayModel,
  sources: CertificateSources,
  instances: readonly WorkloadInstance[],
  reader: Reader,
): GatewayStatus {
  const { gateway } = model
  const make = new Conditions(gateway, reader)
  const own = model.listeners.filter(({ owner }) => owner === gateway)
  const serving = instances.filter((one) => one.proxy === 'gateway' && servesGateway(one, gateway))
  const addresses = [...new Set(serving.map(servingAddress))].map((value) => ({ type: 'IPAddress', value }))
  const refused = model.refused ?? refusedAddress(gateway)
  const programmed =
    refused ??
    unprogrammed(
      model,
      own,
      addresses.map(({ value }) => value),
    )
  const certificate = backendCertificate(gateway, sources)
  return {
    addresses: programmed === undefined ? addresses : [],
    attachedListenerSets: model.sets.filter((set) => set.refused === undefined && isAccepted(model, set)).length,
    conditions: [
      refused === undefined ? accepted(own, model, make) : make.no('Accepted', refused),
      make.unless('Programmed', programmed),
      ...(certificate === undefined
        ? []
        : [make.unless('ResolvedRefs', 'reason' in certificate ? certificate : undefined)]),
    ],
    listeners: own.map((listener) => listenerStatus(model, listener, make)),
  }
}

/** The status of a ListenerSet of a Gateway. */
export function listenerSetStatus(
  model: GatewayModel,
  { set, refused }: PlacedListenerSet,
  reader: Reader,
): ListenerSetStatus {
  const make = new Conditions(set, reader)
  const own = model.listeners.filter(({ owner }) => owner === set)
  if (refused !== undefined) {
    return { conditions: [make.no('Accepted', refused), make.no('Programmed', refused)], listeners: [] }
  }
  const programmed = own.some((one) => isProgrammed(model, one))
  return {
    conditions: [accepted(own, model, make), make.unless('Programmed', programmed ? undefined : invalidListeners(own))],
    listeners: own.map((listener) => listenerStatus(model, listener, make)),
  }
}

/** One listener that can be served is enough. */
function accepted(own: readonly PlacedListener[], model: GatewayModel, make: Conditions): Condition {
  const bad = own.filter((one) => !isProgrammed(model, one))
  if (bad.length === 0) return make.yes('Accepted')
  const message = `not served: ${bad.map(({ spec }) => spec.name).join(', ')}`
  if (bad.length < own.length) return make.yes('Accepted', 'ListenersNotValid', message)
  return make.no('Accepted', { reason: 'ListenersNotValid', message })
}

function isAccepted(model: GatewayModel, { set }: PlacedListenerSet): boolean {
  return model.listeners.some((one) => one.owner === set && isProgrammed(model, one))
}

function invalidListeners(own: readonly PlacedListener[]): Fault {
  return { reason: 'Invalid', message: `no listener can be served: ${own.map(({ spec }) => spec.name).join(', ')}` }
}

const addressTypes = ['IPAddress', 'Hostname']

function refusedAddress({ spec }: ApiGateway): Fault | undefined {
  const unknown = spec.addresses?.find(({ type }) => !addressTypes.includes(type))
  if (unknown === undefined) return undefined
  return { reason: 'UnsupportedAddress', message: `addresses of type ${unknown.type} are not known; use IPAddress` }
}

function unprogrammed(
  { gateway, ...model }: GatewayModel,
  own: readonly PlacedListener[],
  has: readonly string[],
): Fault | undefined {
  const all = model.listeners
  if (all.length > 0 && !all.some((one) => isProgrammed(model, one))) return invalidListeners(own)
  if (has.length === 0) {
    const message = 'no gateway Workload of its namespace has an instance that serves it'
    return { reason: 'AddressNotAssigned', message }
  }
  const missing = gateway.spec.addresses?.find(
    ({ value }) => value !== undefined && value !== '' && !has.includes(value),
  )
  if (missing === undefined) return undefined
  const message = `${missing.value} cannot be had; the data plane listens on ${has.join(', ')}`
  return { reason: 'AddressNotUsable', message }
}
