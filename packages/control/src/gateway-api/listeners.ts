// The listeners of a Gateway: its own, then those of the ListenerSets it takes, and which of them can stand side by side.
import { type Origin, originOf } from '@weft/core'
import { type GatewayListener, selectorFits } from '@weft/resources'
import { type ApiGateway, gatewayGroup, type ListenerSet, type RouteKind } from './objects.ts'
import { byAge } from './precedence.ts'

/** A listener as written. */
export type ListenerSpec = GatewayListener

/** Why something is not as it should be, in the words of the API. */
export interface Fault {
  readonly reason: string
  readonly message: string
  /** Where it is written, in the object that has the fault; of its condition, unless said here. */
  readonly field?: string
}

/** A listener and what became of it. */
export interface PlacedListener {
  /** The Gateway or the ListenerSet it is written in. */
  readonly owner: ApiGateway | ListenerSet
  readonly origin: Origin
  readonly spec: ListenerSpec
  /** Kinds of routes it takes. */
  readonly kinds: readonly RouteKind[]
  /** Why it is not served at all. */
  readonly refused?: Fault
  /** Why it cannot stand beside another one. */
  readonly conflict?: Fault
  /** It asks for kinds of routes that its protocol does not carry. */
  readonly invalidKinds?: Fault
}

/** A ListenerSet that names a Gateway, and why the Gateway does not take it, if so. */
export interface PlacedListenerSet {
  readonly set: ListenerSet
  readonly refused?: Fault
}

/** Everything that asks to be served by one Gateway. */
export interface GatewayListeners {
  readonly listeners: readonly PlacedListener[]
  readonly sets: readonly PlacedListenerSet[]
}

/** Labels of namespaces by name. */
export type NamespaceLabels = (namespace: string) => Readonly<Record<string, string>>

/** Places the listeners of a Gateway and its ListenerSets; older sets come first and keep what they have. */
export function placeListeners(
  gateway: ApiGateway,
  listenerSets: readonly ListenerSet[],
  labelsOf: NamespaceLabels,
): GatewayListeners {
  const sets = [...listenerSets].sort(byAge).map((set) => {
    const refused = refusalOf(gateway, set, labelsOf)
    return refused === undefined ? { set } : { set, refused }
  })
  const own = (gateway.spec.listeners ?? []).map((spec, index) => place(gateway, spec, index))
  const added = sets.flatMap(({ set, refused }) =>
    refused === undefined ? set.spec.listeners.map((spec, index) => place(set, spec, index)) : [],
  )
  return { listeners: withConflicts(own, added), sets }
}

function refusalOf(gateway: ApiGateway, set: ListenerSet, labelsOf: NamespaceLabels): Fault | undefined {
  const { from = 'None', selector } = gateway.spec.allowedListeners?.namespaces ?? {}
  const { namespace } = set.id
  const allowed =
    from === 'All' ||
    (from === 'Same' && namespace === gateway.id.namespace) ||
    (from === 'Selector' && selector !== undefined && selectorFits(selector, labelsOf(namespace)))
  if (allowed) return undefined
  const message = `Gateway ${gateway.id.namespace}/${gateway.id.name} takes no listeners from namespace ${namespace} (spec.allowedListeners)`
  return { reason: 'NotAllowed', message }
}

function place(owner: ApiGateway | ListenerSet, spec: ListenerSpec, index: number): PlacedListener {
  const origin = originOf(owner.id, `spec.listeners[${index}]`)
  const carried = kindsCarried(spec)
  if (carried === undefined) {
    const message = `protocol ${spec.protocol} is not known; there are HTTP, HTTPS, TLS, TCP and UDP`
    return { owner, origin, spec, kinds: [], refused: { reason: 'UnsupportedProtocol', message } }
  }
  const asked = spec.allowedRoutes?.kinds ?? []
  const kinds = carried.filter(
    (kind) => asked.length === 0 || asked.some((one) => one.group === gatewayGroup && one.kind === kind),
  )
  const unknown = asked.filter(
    (one) => one.group !== gatewayGroup || !(carried as readonly string[]).includes(one.kind),
  )
  if (unknown.length === 0) return { owner, origin, spec, kinds }
  const names = unknown.map((one) => one.kind).join(', ')
  const message = `a listener of protocol ${spec.protocol} does not carry ${names}`
  return { owner, origin, spec, kinds, invalidKinds: { reason: 'InvalidRouteKinds', message } }
}

/** The kinds of routes that a listener's protocol carries; undefined for a protocol that is not known. */
function kindsCarried({ protocol, tls }: ListenerSpec): readonly RouteKind[] | undefined {
  switch (protocol) {
    case 'HTTP':
    case 'HTTPS':
      return ['HTTPRoute', 'GRPCRoute']
    case 'TLS':
      return tls?.mode === 'Passthrough' ? ['TLSRoute'] : ['TLSRoute', 'TCPRoute']
    case 'TCP':
      return ['TCPRoute']
    case 'UDP':
      return ['UDPRoute']
    default:
      return undefined
  }
}

/** What can share a port: all HTTP, or all that shows a server name first. UDP ports are others than TCP ports. */
function familyOf({ protocol }: ListenerSpec): string {
  return protocol === 'HTTPS' || protocol === 'TLS' ? 'TLS' : protocol
}

/** Conflicting listeners of the Gateway itself are all left out; one of a ListenerSet gives way to those before it. */
function withConflicts(own: readonly PlacedListener[], added: readonly PlacedListener[]): PlacedListener[] {
  const placed = own.map((one) => withConflict(one, clashAmong(one, own)))
  for (const one of added) placed.push(withConflict(one, clashAmong(one, placed.filter(isServed))))
  return placed
}

function withConflict(listener: PlacedListener, conflict: Fault | undefined): PlacedListener {
  return conflict === undefined ? listener : { ...listener, conflict }
}

/** Whether nothing keeps a listener from being served. */
export function isServed({ refused, conflict }: PlacedListener): boolean {
  return refused === undefined && conflict === undefined
}

function clashAmong(listener: PlacedListener, others: readonly PlacedListener[]): Fault | undefined {
  const { spec } = listener
  for (const other of others) {
    if (other === listener || other.refused !== undefined || other.spec.port !== spec.port) continue
    if ((other.spec.protocol === 'UDP') !== (spec.protocol === 'UDP')) continue
    const where = `listener ${other.spec.name} of ${other.owner.id.kind} ${other.owner.id.namespace}/${other.owner.id.name}`
    if (familyOf(other.spec) !== familyOf(spec)) {
      const message = `${where} serves ${other.spec.protocol} on port ${spec.port}`
      return { reason: 'ProtocolConflict', message }
    }
    if (!namesServers(spec) || (spec.hostname ?? '').toLowerCase() === (other.spec.hostname ?? '').toLowerCase()) {
      const message = `${where} has port ${spec.port} and ${spec.hostname ?? 'no hostname'} as well`
      return { reason: 'HostnameConflict', message }
    }
  }
  return undefined
}

/** Whether listeners of a port are told apart by hostnames. */
function namesServers({ protocol }: ListenerSpec): boolean {
  return protocol === 'HTTP' || protocol === 'HTTPS' || protocol === 'TLS'
}
