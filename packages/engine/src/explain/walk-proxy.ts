// One request through one proxy: chain, path, route, filters, cluster. The same decisions the proxy takes, recorded.
import { authorize } from '../decide/authorize.ts'
import { chooseCluster, chooseTcpCluster, type ClusterChoice } from '../decide/cluster-choice.ts'
import type { DynamicHost } from '../decide/dynamic-host.ts'
import { matchFilterChain } from '../decide/filter-chain.ts'
import { dueMirrors } from '../decide/mirrors.ts'
import { type NormalizedPath, requestPath } from '../decide/normalize-path.ts'
import { connectionHash, requestHash } from '../decide/request-hash.ts'
import { directLocation, redirectResponse } from '../decide/rewrite.ts'
import { decideRoute, type RouteDecision, routeName } from '../decide/route.ts'
import { expectedNames, tunnelTarget } from '../decide/tunnel.ts'
import { withoutPort } from '../match/authority.ts'
import type { FilterChain, HttpConnectionManager, Listener, RouteConfig, TcpProxy, Tunneling } from '../model.ts'
import { admittedConnections } from '../prove/admitted-connections.ts'
import type { Admission } from '../prove/everywhere.ts'
import type { Recorder } from '../prove/proof.ts'
import { type ConnectionFacts, noRequest, type PlainRequest, plainHead, type Subject } from '../request-head.ts'
import type { ProxyView } from './explanation.ts'
import { changedRequest } from './changed-request.ts'
import { runFilters } from './run-filters.ts'
import { type Client, shakeHands } from './shake-hands.ts'
import { tellHedges } from './tell-hedges.ts'
import { tellRedirects } from './tell-redirects.ts'
import { whyUnread } from './why-unread.ts'
import { openPolicies, recordOpen, recordUnknown } from './undecided.ts'
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
  /** It cannot be told. */
  | { readonly kind: 'unknown'; readonly reason: string }
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
  for (const filter of chain.unknown ?? []) recordUnknown(filter, recorder)
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
    const open = openPolicies(rules, subject)
    if (rules !== undefined && open.length > 0) {
      recordOpen(open, rules, recorder)
      continue
    }
    const earlier = chain.rbac.slice(0, index).flatMap((one) => (one.rules === undefined ? [] : [one.rules]))
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
  const unread = config === undefined ? whyUnread(arrival.view, 'RDS') : undefined
  if (unread !== undefined) return { kind: 'unknown', reason: unread }
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
