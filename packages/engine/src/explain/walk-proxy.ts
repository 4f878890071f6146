// One request through one proxy: chain, path, route, filters, cluster. The same decisions the proxy takes, recorded.
import { authorize } from '../decide/authorize.ts'
import { chooseCluster, chooseTcpCluster, type ClusterChoice } from '../decide/cluster-choice.ts'
import type { DynamicHost } from '../decide/dynamic-host.ts'
import { decideFault } from '../decide/fault.ts'
import { matchFilterChain } from '../decide/filter-chain.ts'
import { filterOverride, isFilterEnabled, type Routed } from '../decide/filter-override.ts'
import { dueMirrors } from '../decide/mirrors.ts'
import { type NormalizedPath, requestPath } from '../decide/normalize-path.ts'
import { connectionHash, requestHash } from '../decide/request-hash.ts'
import { directLocation, redirectResponse } from '../decide/rewrite.ts'
import { decideRoute, type RouteDecision, routeName } from '../decide/route.ts'
import { expectedNames, tunnelTarget } from '../decide/tunnel.ts'
import { wantedEndpoint } from '../decide/wanted-endpoint.ts'
import { withoutPort } from '../match/authority.ts'
import type {
  FilterChain,
  HttpConnectionManager,
  HttpFilter,
  Listener,
  RbacPolicies,
  RouteConfig,
  Session,
  TcpProxy,
  Tunneling,
} from '../model.ts'
import { admittedConnections } from '../prove/admitted-connections.ts'
import type { Admission } from '../prove/everywhere.ts'
import type { Recorder } from '../prove/proof.ts'
import { type WhereAsked, whereAsked } from '../prove/where-asked.ts'
import { type ConnectionFacts, noRequest, type PlainRequest, plainHead, type Subject } from '../request-head.ts'
import type { ProxyView } from './explanation.ts'
import { faultText } from './fault-text.ts'
import { hostNamed } from './host-named.ts'
import { changedRequest } from './changed-request.ts'
import { type Client, shakeHands } from './shake-hands.ts'
import { tellHedges } from './tell-hedges.ts'
import { tellRedirects } from './tell-redirects.ts'
import { walkCors } from './walk-cors.ts'
import type { Hashed, Wanted } from './walk-upstream.ts'

/** A connection that reached a listener, with the request on it. */
export interface Arrival {
  readonly view: ProxyView
  readonly listener: Listener
  readonly connection: ConnectionFacts
  readonly request: PlainRequest
  readonly random: number
  readonly faultDraw: number
  readonly wallMs?: number | undefined
  /** Who it is that opened it; absent: handshakes are not looked at. */
  readonly client?: Client | undefined
}

/** How a request leaves a proxy. */
export type Departure =
  | { readonly kind: 'closed'; readonly reason: string }
  | {
      readonly kind: 'reply'
      readonly status: number
      readonly flag: string | undefined
      readonly reason: string
      readonly route: string | undefined
      /** Of a redirect. */
      readonly location?: string
      /** What a gRPC call is told, where it does not follow from the status. */
      readonly grpcStatus?: number
    }
  | {
      readonly kind: 'forward'
      readonly cluster: string
      /** Undefined for TCP. */
      readonly route: string | undefined
      readonly notFoundStatus: number
      readonly request: PlainRequest
      readonly delayMs: number
      /** The connection it came on: where it goes may depend on it. */
      readonly connection: ConnectionFacts
      /** The request is this proxy's own: it asks for a tunnel for the bytes it was given. */
      readonly tunnels?: boolean
      /** Names of which the server's certificate must carry one, besides what the cluster asks for. */
      readonly expectedNames?: readonly string[] | undefined
      /** What decides about the endpoint of a hashing cluster. */
      readonly hashed?: Hashed
      /** The endpoint that its session asks for, and where that is written. */
      readonly wanted?: Wanted
      /** The host whose address a filter looks up, for a cluster that takes what requests name. */
      readonly host?: DynamicHost
    }

/** Takes the request through the proxy. */
export function walkProxy(arrival: Arrival, recorder: Recorder): Departure {
  const chain = matchFilterChain(arrival.listener, arrival.connection, recorder)
  if (chain === undefined) return { kind: 'closed', reason: `no filter chain of ${arrival.listener.name} fits` }
  const { client } = arrival
  const handshake = client === undefined ? undefined : shakeHands(chain, arrival.connection, client)
  if (handshake?.kind === 'refused') return { kind: 'closed', reason: handshake.reason }
  const served = handshake === undefined ? arrival : { ...arrival, connection: handshake.connection }
  recordIdentity(chain, served, recorder)
  if (chain.terminal.kind === 'tcp') return walkTcp(chain, chain.terminal, served, recorder)
  return walkHttp(chain.terminal, served, recorder)
}

function recordIdentity(chain: FilterChain, { connection }: Arrival, recorder: Recorder): void {
  if (arrivalIsOutbound(chain)) return
  const peer = connection.peerNames[0]
  const mode = chain.mtls === undefined ? '' : ` (mutual TLS is ${chain.mtls.mode})`
  recorder.step({
    decision: 'identity',
    chosen: peer,
    summary: peer === undefined ? `${strangerText(chain)}${mode}` : `the peer is ${peer}${mode}`,
    origins: chain.mtls?.origin === undefined ? {} : { origin: chain.mtls.origin },
    losers: [],
  })
}

/** Whom a client outside the mesh is, nobody here knows. */
function strangerText({ tls }: FilterChain): string {
  return tls?.requireClientCertificate === true ? 'the client must show a certificate' : 'the peer shows no identity'
}

function arrivalIsOutbound(chain: FilterChain): boolean {
  return chain.mtls === undefined && chain.tls === undefined
}

function walkTcp(chain: FilterChain, proxy: TcpProxy, arrival: Arrival, recorder: Recorder): Departure {
  // As in the proxy: on a connection that carries bytes, predicates that ask for a request see nothing.
  const subject = subjectOf(arrival, noRequest)
  for (const [index, { rules, shadow }] of chain.rbac.entries()) {
    const earlier = rulesOf(chain.rbac.slice(0, index))
    const place = { earlier, where: undefined, connections: () => connectionsTo(arrival) }
    const verdict = authorize(rules, shadow, subject, recorder, place)
    if (!verdict.allowed) return { kind: 'closed', reason: 'the connection is not authorised' }
  }
  const cluster = chooseTcpCluster(proxy, arrival.random, recorder)
  const { connection, request } = arrival
  const asked = proxy.tunneling === undefined ? request : tunnelRequest(proxy.tunneling, connection)
  if (asked === undefined) return { kind: 'closed', reason: 'the tunnel has no name that could be asked for' }
  const names = expectedNames(proxy, connection)
  const hashed = proxy.hashesClient
    ? { hashed: { hash: connectionHash(connection), of: [`client address "${connection.remoteAddress}"`] } }
    : {}
  const port = proxy.resolvesServerName?.port
  const host = port === undefined || connection.sni === undefined ? {} : { host: { host: connection.sni, port } }
  const rest = {
    route: undefined,
    notFoundStatus: 503,
    delayMs: 0,
    connection,
    expectedNames: names,
    ...hashed,
    ...host,
  }
  return { kind: 'forward', cluster, request: asked, tunnels: proxy.tunneling !== undefined, ...rest }
}

function connectionsTo({ listener, connection }: Arrival): Admission {
  return admittedConnections(listener, connection)
}

/** What a TCP proxy that tunnels asks its upstream. */
function tunnelRequest(tunneling: Tunneling, connection: ConnectionFacts): PlainRequest | undefined {
  const target = tunnelTarget(tunneling, connection)
  if (target === undefined) return undefined
  const headers: Record<string, string[]> = {}
  for (let at = 0; at < target.headers.length; at += 2)
    (headers[target.headers[at] as string] ??= []).push(target.headers[at + 1] as string)
  const { post } = tunneling
  return { method: post === undefined ? 'CONNECT' : 'POST', path: post ?? '', authority: target.authority, headers }
}

function subjectOf({ connection, random }: Arrival, request: PlainRequest): Subject {
  return { head: plainHead(request), connection, random }
}

function walkHttp(manager: HttpConnectionManager, arrival: Arrival, recorder: Recorder): Departure {
  const path = pathOf(manager, arrival.request)
  if (path.kind !== 'path') {
    const reply = { kind: 'reply', flag: undefined, reason: 'the path is not normal', route: undefined } as const
    return path.kind === 'reject' ? { ...reply, status: 400 } : { ...reply, status: 307, location: path.location }
  }
  const request = { ...arrival.request, path: path.path, authority: authorityOf(manager, arrival) }
  const config = routesOf(manager, arrival.view)
  if (config === undefined)
    return { kind: 'reply', status: 404, flag: 'NR', reason: 'no route configuration', route: undefined }
  const subject = subjectOf(arrival, request)
  const decision = decideRoute(config, subject, recorder)
  const choice = clusterOf(decision, subject, recorder)
  const filtered = runFilters({ manager, arrival, subject, recorder, config, decision, choice })
  if (filtered.kind === 'reply') return filtered.departure
  const { delayMs, wanted, host } = filtered
  const left = leave({ manager, config, decision, choice, subject, request, delayMs, recorder })
  if (left.kind !== 'forward') return left
  return { ...left, ...(wanted === undefined ? {} : { wanted }), ...(host === undefined ? {} : { host }) }
}

function pathOf(manager: HttpConnectionManager, request: PlainRequest): NormalizedPath {
  if (request.method === 'CONNECT') return { kind: 'path', path: request.path }
  return requestPath(request.path, manager.path, plainHead(request))
}

/** Without its port, where the manager says so. */
function authorityOf(manager: HttpConnectionManager, { request, connection }: Arrival): string {
  const bare = withoutPort(request.authority)
  const matching = request.authority === `${bare}:${connection.localPort}`
  return manager.stripHostPort === 'any' || (manager.stripHostPort === 'matching' && matching)
    ? bare
    : request.authority
}

function routesOf(manager: HttpConnectionManager, view: ProxyView): RouteConfig | undefined {
  return manager.routes.kind === 'inline' ? manager.routes.config : view.config.routeConfigs.get(manager.routes.name)
}

function clusterOf(decision: RouteDecision, subject: Subject, recorder: Recorder): ClusterChoice | undefined {
  if (decision.kind !== 'route' || decision.route.action.kind !== 'route') return undefined
  return chooseCluster(decision.route.action, subject, recorder)
}

interface Filtering {
  readonly manager: HttpConnectionManager
  readonly arrival: Arrival
  readonly subject: Subject
  readonly recorder: Recorder
  readonly config: RouteConfig
  readonly decision: RouteDecision
  readonly choice: ClusterChoice | undefined
}

type Filtered =
  | {
      readonly kind: 'on'
      readonly delayMs: number
      readonly wanted?: Wanted | undefined
      readonly host?: DynamicHost | undefined
    }
  | { readonly kind: 'reply'; readonly departure: Departure }

/** The http filters in the order of the configuration, up to the router. */
function runFilters(f: Filtering): Filtered {
  let delayMs = 0
  let wanted: Wanted | undefined
  let host: DynamicHost | undefined
  const routed = routedOf(f)
  for (const filter of f.manager.httpFilters) {
    const override = routed === undefined ? undefined : filterOverride(filter.name, routed)
    if (!isFilterEnabled(filter, override)) continue
    const result = runFilter(f, filter, override)
    if (result.kind === 'reply') return result
    delayMs += result.delayMs
    wanted = result.wanted ?? wanted
    host = result.host ?? host
  }
  return { kind: 'on', delayMs, wanted, host }
}

function rulesOf(filters: readonly { readonly rules: RbacPolicies | undefined }[]): readonly RbacPolicies[] {
  return filters.flatMap(({ rules }) => (rules === undefined ? [] : [rules]))
}

function routedOf({ config, decision, choice }: Pick<Filtering, 'config' | 'decision' | 'choice'>): Routed | undefined {
  if (decision.kind !== 'route') return undefined
  return {
    config,
    host: decision.host,
    route: decision.route,
    leg: choice?.kind === 'cluster' ? choice.leg : undefined,
  }
}

function runFilter(f: Filtering, filter: HttpFilter, override: ReturnType<typeof filterOverride>): Filtered {
  const route = f.decision.kind === 'route' ? routeName(f.decision.route) : undefined
  if (filter.kind === 'rbac') {
    const { rules, shadow } = override?.kind === 'rbac' ? override : filter
    const earlier = f.manager.httpFilters.slice(0, f.manager.httpFilters.indexOf(filter))
    const place = {
      earlier: rulesOf(earlier.filter((one) => one.kind === 'rbac')),
      where: placeOf(f, filter.name),
      connections: () => connectionsTo(f.arrival),
    }
    const verdict = authorize(rules, shadow, f.subject, f.recorder, place)
    if (verdict.allowed) return { kind: 'on', delayMs: 0 }
    const reason = `denied by ${verdict.policy ?? 'default: no ALLOW policy matches'}`
    return { kind: 'reply', departure: { kind: 'reply', status: 403, flag: undefined, reason, route } }
  }
  if (
    override?.kind === 'cors' &&
    filter.kind === 'cors' &&
    f.decision.kind === 'route' &&
    f.decision.route.action.kind === 'route'
  ) {
    const how = { draw: f.arrival.faultDraw, route: f.decision.route, recorder: f.recorder }
    const departure = walkCors(override.policy, f.subject, how)
    return departure === undefined ? { kind: 'on', delayMs: 0 } : { kind: 'reply', departure }
  }
  if (filter.kind === 'session') {
    const session = override?.kind === 'session' ? override.session : filter.session
    return { kind: 'on', delayMs: 0, wanted: wantedBy(session, f) }
  }
  if (filter.kind === 'dynamic-host')
    return { kind: 'on', delayMs: 0, host: hostNamed(override, { ...f, view: f.arrival.view }) }
  if (filter.kind !== 'fault') return { kind: 'on', delayMs: 0 }
  const fault = override?.kind === 'fault' ? override.fault : filter.fault
  if (fault.delay === undefined && fault.abort === undefined) return { kind: 'on', delayMs: 0 }
  const cluster = f.choice?.kind === 'cluster' ? f.choice.name : ''
  const draws = { delay: f.arrival.faultDraw, abort: f.arrival.faultDraw }
  const { delayMs, abort } = decideFault(fault, f.subject, draws, cluster)
  f.recorder.step({
    decision: 'fault',
    chosen: delayMs === undefined && abort === undefined ? undefined : 'fault',
    summary: faultText(fault, delayMs, abort?.status),
    origins: f.decision.kind === 'route' ? f.decision.route.origins : {},
    losers: [],
  })
  if (abort === undefined) return { kind: 'on', delayMs: delayMs ?? 0 }
  const { status, grpcStatus } = abort
  const said = grpcStatus === undefined ? {} : { grpcStatus }
  const reason = `the fault filter answers ${grpcStatus === undefined ? status : `grpc-status ${grpcStatus}`}`
  return { kind: 'reply', departure: { kind: 'reply', status, flag: 'FI', reason, route, ...said } }
}

function wantedBy(session: Session | undefined, { subject, arrival }: Filtering): Wanted | undefined {
  const wanted = session === undefined ? undefined : wantedEndpoint(session, subject.head, arrival.wallMs ?? 0)
  return session === undefined || wanted === undefined
    ? undefined
    : { ...wanted, by: `${session.state.kind} ${session.state.name}` }
}

function placeOf({ config, decision, subject }: Filtering, filterName: string): WhereAsked | undefined {
  if (decision.kind === 'tls-redirect' || decision.host === undefined) return undefined
  const route = decision.kind === 'route' ? decision.route : undefined
  return whereAsked({ config, host: decision.host, route }, filterName, subject)
}

interface Leaving {
  readonly manager: HttpConnectionManager
  readonly config: RouteConfig
  readonly decision: RouteDecision
  readonly choice: ClusterChoice | undefined
  readonly subject: Subject
  readonly request: PlainRequest
  readonly delayMs: number
  readonly recorder: Recorder
}

/** What the router does. */
function leave({ manager, config, decision, choice, subject, request, delayMs, recorder }: Leaving): Departure {
  if (decision.kind === 'none') {
    const reason = decision.reason === 'no-route' ? 'no route matches' : 'no virtual host matches'
    return { kind: 'reply', status: 404, flag: 'NR', reason, route: undefined }
  }
  if (decision.kind === 'tls-redirect') {
    return {
      kind: 'reply',
      status: 301,
      flag: undefined,
      reason: `redirect to ${decision.location}`,
      route: undefined,
      location: decision.location,
    }
  }
  const { host, route } = decision
  const { action } = route
  const name = routeName(route)
  if (action.kind === 'redirect') {
    const { status, location } = redirectResponse(action, route, subject.head)
    return { kind: 'reply', status, flag: undefined, reason: `redirect to ${location}`, route: name, location }
  }
  if (action.kind === 'direct') {
    const location = directLocation(action.status, subject.head)
    const reply = { status: action.status, flag: undefined, reason: 'the route answers itself', route: name }
    return { kind: 'reply', ...reply, ...(location === undefined ? {} : { location }) }
  }
  if (action.kind === 'non-forwarding')
    return { kind: 'reply', status: 500, flag: 'NR', reason: 'the route forwards nothing', route: name }
  if (choice?.kind !== 'cluster') {
    return {
      kind: 'reply',
      status: action.clusterNotFoundStatus,
      flag: 'NC',
      reason: choice?.reason ?? 'no cluster',
      route: name,
    }
  }
  dueMirrors(action.mirrors, subject, recorder)
  const forwarded = changedRequest(request, subject, { config, host, route, leg: choice.leg })
  const notFoundStatus = action.clusterNotFoundStatus
  const { connection } = subject
  // The balancer comes after the changes of the route.
  const sent = { ...subject, head: plainHead(forwarded) }
  tellHedges(manager, action, sent, recorder)
  tellRedirects(action, recorder)
  const hashed = action.hashPolicy.length === 0 ? {} : { hashed: requestHash(action.hashPolicy, sent) }
  const rest = { request: forwarded, delayMs, connection, ...hashed }
  return { kind: 'forward', cluster: choice.name, route: name, notFoundStatus, ...rest }
}
