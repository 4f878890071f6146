// Which listeners of a Gateway take which routes, and why the others do not.
import { type GatewayListener, type ParentRef, selectorFits } from '@weft/resources'
import { commonHostnames } from './hostnames.ts'
import type { Fault, GatewayListeners, NamespaceLabels, PlacedListener } from './listeners.ts'
import { type ApiGateway, gatewayGroup, type Route, type RouteKind } from './objects.ts'
import { byAge } from './precedence.ts'

/** A route on a listener. */
export interface Attachment {
  readonly route: Route
  readonly listener: PlacedListener
  /** Names under which the route answers there; undefined: all. */
  readonly hostnames: readonly (string | undefined)[]
}

/** What became of one parent of a route. */
export interface ParentOutcome {
  readonly route: Route
  readonly parent: ParentRef
  /** Why the parent does not take the route; undefined: it does. */
  readonly fault: Fault | undefined
}

/** Routes on listeners, oldest first on each, and what became of every parent that means this Gateway. */
export interface Attachments {
  readonly attached: readonly Attachment[]
  readonly outcomes: readonly ParentOutcome[]
}

/** The parents of a route, with the Gateways that call themselves default where the route asks for them. */
function parentsOf(route: Route, defaults: readonly ApiGateway[]): readonly ParentRef[] {
  const written = route.spec.parentRefs ?? []
  if (route.spec.useDefaultGateways !== 'All') return written
  const added = defaults
    .filter(({ spec }) => spec.defaultScope === 'All')
    .map(({ id }) => ({ group: gatewayGroup, kind: 'Gateway', name: id.name, namespace: id.namespace }))
  return [...written, ...added]
}

/** Attaches routes to the listeners of one Gateway. */
export function attachRoutes(
  gateway: ApiGateway,
  placed: GatewayListeners,
  routes: readonly Route[],
  labelsOf: NamespaceLabels,
): Attachments {
  const attached: Attachment[] = []
  const outcomes: ParentOutcome[] = []
  for (const route of [...routes].sort(byAge)) {
    for (const parent of parentsOf(route, [gateway])) {
      const owner = ownerOf(parent, route, gateway, placed)
      if (owner === undefined) continue
      const taken = attachTo(owner, parent, route, labelsOf)
      const rivals = taken.attached.map((one) => rivalOf(one, attached))
      const free = taken.attached.filter((_one, index) => rivals[index] === undefined)
      const rival = free.length === 0 ? rivals.find((one) => one !== undefined) : undefined
      attached.push(...free.filter((one) => !attached.some((other) => sameAttachment(one, other))))
      outcomes.push({ route, parent, fault: taken.fault ?? rival })
    }
  }
  return { attached, outcomes }
}

/** The listeners of the object that a parent means; undefined: it is not of this Gateway. */
function ownerOf(
  { group, kind, namespace, name }: ParentRef,
  route: Route,
  { id }: ApiGateway,
  { listeners, sets }: GatewayListeners,
): readonly PlacedListener[] | undefined {
  if (group !== gatewayGroup) return undefined
  const at = namespace ?? route.id.namespace
  const means = (object: { readonly id: typeof id }): boolean => object.id.namespace === at && object.id.name === name
  if (kind === 'Gateway') {
    return means({ id }) ? listeners.filter(({ owner }) => owner.id.kind === 'Gateway') : undefined
  }
  if (kind !== 'ListenerSet' || !sets.some(({ set }) => means(set))) return undefined
  return listeners.filter(({ owner }) => owner.id.kind === 'ListenerSet' && means(owner))
}

function attachTo(
  listeners: readonly PlacedListener[],
  { sectionName, port, kind, name }: ParentRef,
  route: Route,
  labelsOf: NamespaceLabels,
): { readonly attached: readonly Attachment[]; readonly fault?: Fault } {
  const meant = listeners.filter(
    ({ spec }) =>
      (sectionName === undefined || spec.name === sectionName) && (port === undefined || spec.port === port),
  )
  if (meant.length === 0) {
    const part = [
      ...(sectionName === undefined ? [] : [`name ${sectionName}`]),
      ...(port === undefined ? [] : [`port ${port}`]),
    ]
    const message = `${kind} ${name} has no listener ${part.length === 0 ? 'at all' : `of ${part.join(' and ')}`}`
    return { attached: [], fault: { reason: 'NoMatchingParent', message } }
  }
  const allowed = meant.filter((listener) => allows(listener, route, labelsOf))
  if (allowed.length === 0) {
    const names = meant.map(({ spec }) => spec.name).join(', ')
    const message = `no ${route.id.kind} of namespace ${route.id.namespace} may attach to ${names} (allowedRoutes, protocol)`
    return { attached: [], fault: { reason: 'NotAllowedByListeners', message } }
  }
  const attached = allowed.flatMap((listener) => {
    const hostnames = hostnamesOn(listener.spec, route)
    return hostnames.length === 0 ? [] : [{ route, listener, hostnames }]
  })
  if (attached.length > 0) return { attached }
  const names = [...new Set(allowed.map(({ spec }) => spec.hostname ?? '*'))].join(', ')
  const message = `no hostname of the route is one of the listeners' (${names})`
  return { attached: [], fault: { reason: 'NoMatchingListenerHostname', message } }
}

function allows({ spec, kinds, owner }: PlacedListener, route: Route, labelsOf: NamespaceLabels): boolean {
  if (!kinds.includes(route.id.kind as RouteKind)) return false
  const { from, selector } = spec.allowedRoutes.namespaces
  if (from === 'All') return true
  if (from === 'Selector') return selector !== undefined && selectorFits(selector, labelsOf(route.id.namespace))
  return route.id.namespace === owner.id.namespace
}

function hostnamesOn({ hostname }: GatewayListener, route: Route): (string | undefined)[] {
  const written = 'hostnames' in route.spec ? route.spec.hostnames : undefined
  if (route.id.kind === 'TCPRoute' || route.id.kind === 'UDPRoute') return [undefined]
  return commonHostnames(hostname, written)
}

/** HTTP and gRPC routes may not share a name, and connections without a name go to one route. The older one has it. */
function rivalOf(one: Attachment, earlier: readonly Attachment[]): Fault | undefined {
  const rival = earlier.find(
    (other) => other.listener === one.listener && other.route !== one.route && clashes(one, other),
  )
  if (rival === undefined) return undefined
  const { kind, namespace, name } = rival.route.id
  const message = `${kind} ${namespace}/${name} has the same names on listener ${one.listener.spec.name}, and is older or first by name`
  return { reason: 'Conflicted', message }
}

function clashes(one: Attachment, other: Attachment): boolean {
  const kinds = [one.route.id.kind, other.route.id.kind]
  if (kinds.every((kind) => kind === 'TCPRoute') || kinds.every((kind) => kind === 'UDPRoute')) return true
  if (kinds[0] === kinds[1] || !kinds.every((kind) => kind === 'HTTPRoute' || kind === 'GRPCRoute')) return false
  return one.hostnames.some((hostname) => other.hostnames.includes(hostname))
}

function sameAttachment(one: Attachment, other: Attachment): boolean {
  return one.route === other.route && one.listener === other.listener
}
