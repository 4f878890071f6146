// A VirtualService as an HTTPRoute (for gateways and for the mesh) and a TCPRoute.
import { durationMs } from '../duration.ts'
import type { PathStep } from '../field-path.ts'
import type { MeshObject } from '../mesh-object.ts'
import { resolveGateway } from '../networking/host-names.ts'
import type { HttpRoute, HttpRouteDestination, VirtualServiceSpec } from '../networking/virtual-service/types.ts'
import { type ConversionNotes, type ConvertedObject, nameOf } from './conversion.ts'
import { corsFilter, headerFilters, mirrorFilters, redirectFilter, rewriteFilter } from './istio-actions.ts'
import { convertDestination, serviceOfHost } from './istio-destinations.ts'
import { convertMatch } from './istio-matches.ts'
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
  const origins: [string, string][] = []
  const rules = spec.http.flatMap((rule, index) => {
    const found = httpRule(rule, ['spec', 'http', index], service, mesh, notes)
    if (found === undefined) return []
    origins.push([`spec.rules[${origins.length}]`, `spec.http[${index}]`])
    return [found]
  })
  orderNotes(spec.http, notes)
  const parents = meshParents(service, notes)
  const converted = rules.length === 0 ? [] : httpRoutes(service, rules, origins, parents)
  return [...converted, ...tcpRoutes(service, mesh, notes, parents)]
}

/** Routes for the gateways have the hosts as host names, those inside the mesh as parents. */
function httpRoutes(
  service: VirtualService,
  rules: readonly object[],
  origins: readonly (readonly [string, string])[],
  parents: readonly object[],
): ConvertedObject[] {
  const { spec, id } = service
  const base = { kind: 'HTTPRoute' as const, namespace: id.namespace, from: id, origins }
  const gateways = gatewayParents(service)
  const found: ConvertedObject[] = []
  if (gateways.length > 0) {
    const hostnames = spec.hosts.filter((host) => host !== '*' && host.includes('.'))
    const names = hostnames.length === 0 ? {} : { hostnames }
    found.push({ ...base, name: id.name, spec: { parentRefs: gateways, ...names, rules } })
  }
  if (parents.length > 0) {
    const name = gateways.length > 0 ? nameOf(id.name, 'mesh') : id.name
    found.push({ ...base, name, spec: { parentRefs: parents, rules } })
  }
  return found
}

function gatewayParents({ spec, id }: VirtualService): object[] {
  return spec.gateways
    .filter((gateway) => gateway !== 'mesh')
    .map((gateway) => {
      const [namespace = '', name = ''] = resolveGateway(gateway, id.namespace).split('/')
      return { name, ...(namespace === id.namespace ? {} : { namespace }) }
    })
}

function meshParents({ spec, id }: VirtualService, notes: ConversionNotes): object[] {
  if (!spec.gateways.includes('mesh')) return []
  return spec.hosts.flatMap((host, index) => {
    const service = serviceOfHost(host, id.namespace)
    if (service === undefined) {
      const message = `${host} is no Service, and routes inside the mesh belong to Services`
      notes.lost(['spec', 'hosts', index], message, 'Add a Service, or route it at a Gateway.')
      return []
    }
    const { name, namespace } = service
    return [{ group: '', kind: 'Service', name, ...(namespace === id.namespace ? {} : { namespace }) }]
  })
}

function httpRule(
  rule: HttpRoute,
  at: readonly PathStep[],
  { id }: VirtualService,
  mesh: MeshLookup,
  notes: ConversionNotes,
): object | undefined {
  const lacks = ['directResponse', 'delegate', 'fault'] as const
  for (const field of lacks) {
    if (rule[field] === undefined) continue
    const left = field === 'fault' ? 'the rule goes on without it' : 'the rule is left out'
    notes.lost([...at, field], `the Gateway API does not have it; ${left}`, 'Keep the VirtualService for this.')
    if (field !== 'fault') return undefined
  }
  const replaces = rule.rewrite?.uri !== undefined || rule.redirect?.prefixRewrite !== undefined
  const written = rule.match ?? []
  const matches = written.flatMap((match, index) => convertMatch(match, replaces, [...at, 'match', index], notes) ?? [])
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
    ...(rule.name === undefined ? {} : { name: nameOf(rule.name) }),
    ...(matches.length === 0 ? {} : { matches }),
    ...(filters.length === 0 ? {} : { filters }),
    ...(backendRefs.length === 0 ? {} : { backendRefs }),
    ...limits(rule, at, notes),
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

function tcpRoutes(
  service: VirtualService,
  mesh: MeshLookup,
  notes: ConversionNotes,
  insideMesh: readonly object[],
): ConvertedObject[] {
  const { spec, id } = service
  return spec.tcp.flatMap((rule, index) => {
    const at = ['spec', 'tcp', index]
    const match = rule.match ?? []
    const asks = match.findIndex((each) => Object.keys(each).some((field) => field !== 'port' && field !== 'gateways'))
    if (asks !== -1) {
      notes.lost(
        [...at, 'match', asks],
        'connections are told apart by port only; the rule is left out',
        'Match by port.',
      )
      return []
    }
    const backendRefs = rule.route.flatMap((leg, leg_) => {
      const backend = convertDestination(
        leg.destination,
        id.namespace,
        mesh,
        [...at, 'route', leg_, 'destination'],
        notes,
      )
      return backend === undefined ? [] : [{ ...backend, weight: leg.weight }]
    })
    const ports = match.map(({ port }) => port)
    const parents = [...gatewayParents(service), ...insideMesh]
    const parentRefs =
      ports.length === 0
        ? parents
        : ports.flatMap((port) => parents.map((each) => ({ ...each, ...(port === undefined ? {} : { port }) })))
    if (backendRefs.length === 0 || parentRefs.length === 0) return []
    const several = spec.http.length > 0 || spec.tcp.length > 1
    return [
      {
        kind: 'TCPRoute' as const,
        namespace: id.namespace,
        name: several ? nameOf(id.name, 'tcp', index) : id.name,
        spec: { parentRefs, rules: [{ backendRefs }] },
        from: id,
        origins: [['spec.rules[0]', `spec.tcp[${index}]`]] as const,
      },
    ]
  })
}
