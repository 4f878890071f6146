// A VirtualService as HTTPRoutes (for gateways and for the mesh), TCPRoutes and TLSRoutes.
import { durationMs } from '../duration.ts'
import { fieldPath, type PathStep } from '../field-path.ts'
import type { MeshObject } from '../mesh-object.ts'
import type { HttpRoute, HttpRouteDestination, VirtualServiceSpec } from '../networking/virtual-service/types.ts'
import { type ConversionNotes, type ConvertedObject, nameOf } from './conversion.ts'
import { corsFilter, headerFilters, mirrorFilters, redirectFilter, rewriteFilter } from './istio-actions.ts'
import { tcpRoutes, tlsRoutes } from './istio-connections.ts'
import { convertDestination } from './istio-destinations.ts'
import { convertMatch } from './istio-matches.ts'
import { holdsAt, hostnamesOf, type Side, sidesOf } from './istio-parents.ts'
import type { MeshLookup } from './mesh-lookup.ts'
import { orderNotes } from './rule-order.ts'

type VirtualService = MeshObject<VirtualServiceSpec>

/** Converts one VirtualService. */
export function convertVirtualService(
  service: VirtualService,
  mesh: MeshLookup,
  notes: ConversionNotes,
): ConvertedObject[] {
  const { spec } = service
  if (spec.hosts.length === 0) {
    notes.lost(
      ['spec', 'http'],
      'is a delegate, which the Gateway API does not have',
      'Write its rules where they are used.',
    )
    return []
  }
  for (const [field, message] of wholeNotes(service))
    notes.lost(['spec', field], message, 'Keep the VirtualService for this.')
  const sides = sidesOf(service, notes)
  const drafts = spec.http.flatMap((rule, index) => httpRule(rule, ['spec', 'http', index], service, mesh, notes) ?? [])
  orderNotes(spec.http, notes)
  const context = { service, sides, mesh, notes }
  return [...httpRoutes(service, drafts, sides), ...tcpRoutes(context), ...tlsRoutes(context)]
}

/** Settings of the whole that no route has. */
function wholeNotes({ spec }: VirtualService): [field: string, message: string][] {
  if (spec.exportTo === undefined || spec.exportTo.every((scope) => scope === '*')) return []
  return [['exportTo', 'routes of the Gateway API hold for all callers that their namespace lets them hold for']]
}

/** A rule, with its matches apart: some hold at some gateways only. */
interface Draft {
  readonly from: string
  readonly rule: { readonly name?: string }
  /** None written: undefined. */
  readonly matches?: readonly { readonly match: object; readonly gateways?: readonly string[] }[]
}

/** Routes for the gateways have the hosts as host names, those inside the mesh as parents. Gateways with the same rules share a route. */
function httpRoutes(service: VirtualService, drafts: readonly Draft[], sides: readonly Side[]): ConvertedObject[] {
  const { id } = service
  const groups = new Map<string, { readonly sides: Side[]; readonly rules: readonly PlacedRule[] }>()
  for (const side of sides) {
    const rules = drafts.flatMap((draft) => ruleAt(draft, side, id.namespace) ?? [])
    if (rules.length === 0) continue
    const key = `${side.gateway === 'mesh'} ${JSON.stringify(rules)}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { sides: [side], rules })
    else group.sides.push(side)
  }
  const hostnames = hostnamesOf(service)
  return [...groups.values()].map(({ sides: own, rules }, index): ConvertedObject => {
    const inMesh = own[0]?.gateway === 'mesh'
    const names = inMesh || hostnames.length === 0 ? {} : { hostnames }
    return {
      kind: 'HTTPRoute',
      namespace: id.namespace,
      name: index === 0 ? id.name : nameOf(id.name, own[0]?.name ?? ''),
      spec: { parentRefs: own.flatMap(({ parents }) => parents), ...names, rules: rules.map(({ rule }) => rule) },
      from: id,
      origins: rules.map(({ from }, nth) => [`spec.rules[${nth}]`, from] as const),
    }
  })
}

interface PlacedRule {
  readonly from: string
  readonly rule: object
}

function ruleAt({ from, rule, matches }: Draft, side: Side, namespace: string): PlacedRule | undefined {
  if (matches === undefined) return { from, rule }
  const own = matches.filter(({ gateways }) => holdsAt(gateways, side, namespace)).map(({ match }) => match)
  if (own.length === 0) return undefined
  // A match without conditions is for all requests, as no match is.
  if (own.every((match) => Object.keys(match).length === 0)) return { from, rule }
  const { name, ...rest } = rule
  return { from, rule: { ...(name === undefined ? {} : { name }), matches: own, ...rest } }
}

function httpRule(
  rule: HttpRoute,
  at: readonly PathStep[],
  { id }: VirtualService,
  mesh: MeshLookup,
  notes: ConversionNotes,
): Draft | undefined {
  const lacks = ['directResponse', 'delegate', 'fault'] as const
  for (const field of lacks) {
    if (rule[field] === undefined) continue
    const left = field === 'fault' ? 'the rule goes on without it' : 'the rule is left out'
    notes.lost([...at, field], `the Gateway API does not have it; ${left}`, 'Keep the VirtualService for this.')
    if (field !== 'fault') return undefined
  }
  const replaces = rule.rewrite?.uri !== undefined || rule.redirect?.prefixRewrite !== undefined
  const written = rule.match ?? []
  const matches = written.flatMap((each, index) => {
    const match = convertMatch(each, replaces, [...at, 'match', index], notes)
    return match === undefined ? [] : [{ match, ...(each.gateways === undefined ? {} : { gateways: each.gateways }) }]
  })
  if (written.length > 0 && matches.length === 0) return undefined
  const redirect = redirectFilter(rule, at, notes)
  if (rule.redirect !== undefined && redirect === undefined) return undefined
  const filters = [
    ...headerFilters(rule.headers),
    ...[redirect, rewriteFilter(rule, at, notes), corsFilter(rule, at, notes)].filter((filter) => filter !== undefined),
    ...mirrorFilters(rule, id.namespace, mesh, at, notes),
  ]
  const backendRefs = (rule.route ?? []).flatMap(
    (leg, index) => backendOf(leg, id.namespace, mesh, [...at, 'route', index], notes) ?? [],
  )
  return {
    from: fieldPath(at),
    ...(written.length === 0 ? {} : { matches }),
    rule: {
      ...(rule.name === undefined ? {} : { name: nameOf(rule.name) }),
      ...(filters.length === 0 ? {} : { filters }),
      ...(backendRefs.length === 0 ? {} : { backendRefs }),
      ...limits(rule, at, notes),
    },
  }
}

function backendOf(
  leg: HttpRouteDestination,
  namespace: string,
  mesh: MeshLookup,
  at: readonly PathStep[],
  notes: ConversionNotes,
): object | undefined {
  const backend = convertDestination(leg.destination, namespace, mesh, [...at, 'destination'], notes)
  const filters = headerFilters(leg.headers)
  return backend && { ...backend, weight: leg.weight, ...(filters.length === 0 ? {} : { filters }) }
}

function limits({ timeout, retries }: HttpRoute, at: readonly PathStep[], notes: ConversionNotes): object {
  const codes = (retries?.retryOn ?? '')
    .split(',')
    .map(Number)
    .filter((code) => code >= 400 && code <= 599)
  const timeouts = {
    ...(timeout === undefined ? {} : { request: gatewayDuration(timeout) }),
    ...(retries?.perTryTimeout === undefined ? {} : { backendRequest: gatewayDuration(retries.perTryTimeout) }),
  }
  const conditions = (retries?.retryOn ?? '').split(',').filter((word) => word !== '' && !/^\d+$/.test(word))
  if (conditions.length > 0) {
    const message = `${conditions.join(', ')}: the Gateway API retries by status, and on failures to connect`
    notes.lost([...at, 'retries', 'retryOn'], message, 'List statuses.')
  }
  for (const field of ['retryRemoteLocalities', 'retryIgnorePreviousHosts'] as const) {
    if (retries?.[field] === undefined) continue
    notes.lost([...at, 'retries', field], 'the Gateway API does not say where retries go', 'Leave it out.')
  }
  const attempts = retries?.attempts ?? 0
  const retry = {
    ...(attempts === 0 ? {} : { attempts }),
    ...(codes.length === 0 ? {} : { codes: [...new Set(codes)] }),
    ...(retries?.backoff === undefined ? {} : { backoff: gatewayDuration(retries.backoff) }),
  }
  return {
    ...(Object.keys(timeouts).length === 0 ? {} : { timeouts }),
    ...(attempts === 0 ? {} : { retry }),
  }
}

/** Durations of the Gateway API have whole numbers, of at most five digits. */
function gatewayDuration(duration: string): string {
  const ms = Math.round(durationMs(duration))
  const seconds = Math.floor(ms / 1000)
  if (seconds > 99_999) return `${Math.floor(seconds / 3600)}h${Math.floor((seconds % 3600) / 60)}m${seconds % 60}s`
  const rest = ms % 1000
  return `${seconds > 0 || rest === 0 ? `${seconds}s` : ''}${rest > 0 ? `${rest}ms` : ''}`
}
