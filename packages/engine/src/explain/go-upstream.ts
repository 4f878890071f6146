// From one proxy's decision to forward to the end of the way: into a tunnel of the same proxy, or to the server's.
import type { Listener } from '../model.ts'
import { passedMetadata } from '../decide/transport-socket.ts'
import type { Recorder } from '../prove/proof.ts'
import { type ConnectionFacts, noRequest, type PlainRequest } from '../request-head.ts'
import type { ExplainInput, Explanation, ProxyView } from './explanation.ts'
import { asSeenBy, type Client, clientOf } from './shake-hands.ts'
import { type Departure, walkProxy } from './walk-proxy.ts'
import { listenerAt, meetServer } from './meet-server.ts'
import { whyUnread } from './why-unread.ts'
import { arrivingConnection, chooseUpstream } from './walk-upstream.ts'

/** Internal listeners may lead to one another, but not for ever. */
const maxDepth = 4

/** How a way ends. */
export type Ending = Pick<Explanation, 'status' | 'outcome' | 'flag' | 'reason' | 'grpcStatus'>

/** The end of a way that stops in a proxy. */
export function ended(departure: Exclude<Departure, { kind: 'forward' }>): Ending & Partial<Explanation> {
  if (departure.kind === 'unknown') return cannotTell(departure.reason)
  if (departure.kind === 'closed') return { status: 0, outcome: 'failed', flag: undefined, reason: departure.reason }
  const { status, flag, reason, route, grpcStatus } = departure
  return { status, outcome: 'local', flag, reason, route, ...(grpcStatus === undefined ? {} : { grpcStatus }) }
}

/** The end of a way that nobody here can see. */
export function cannotTell(reason: string): Ending {
  return { status: 0, outcome: 'unknown', flag: undefined, reason }
}

type Forward = Extract<Departure, { kind: 'forward' }>

/** From a departure of the first proxy to the end of the way. */
export function goUpstream(
  input: ExplainInput,
  forward: Forward,
  recorderOf: (view: ProxyView) => Recorder,
  depth = 0,
): Ending & Partial<Explanation> {
  const { from, random } = input
  const cluster = from.config.clusters.get(forward.cluster)
  if (cluster === undefined) {
    const unread = whyUnread(from, 'CDS')
    if (unread !== undefined) return cannotTell(unread)
    const reason = `there is no cluster ${forward.cluster}`
    return { status: forward.notFoundStatus, outcome: 'local', flag: 'NC', reason }
  }
  const { connection: arrived, expectedNames, hashed, wanted, host } = forward
  const upstream = chooseUpstream(
    { view: from, cluster, connection: arrived, hashed, wanted, host },
    random,
    recorderOf(from),
  )
  if (upstream.kind === 'none') return { status: 503, outcome: 'local', flag: 'UH', reason: upstream.reason }
  if (upstream.kind === 'named') {
    const reason = `sent to ${upstream.host}, once its address is found`
    return { status: 200, outcome: 'forwarded', flag: undefined, reason, endpoint: upstream.host }
  }
  const { endpoint, tls } = upstream
  if (endpoint.target.kind === 'internal') {
    const connection = internalConnection(input, forward, passedMetadata(cluster, endpoint))
    const entering = { listenerName: endpoint.target.listener, connection }
    return { endpoint: endpoint.key, ...enterInternal(input, entering, recorderOf, depth + 1) }
  }
  const server = endpoint.target.kind === 'socket' ? input.proxyAt(endpoint.target.address) : undefined
  if (server === undefined) {
    return {
      status: 200,
      outcome: 'forwarded',
      flag: undefined,
      reason: `sent to ${endpoint.key}`,
      endpoint: endpoint.key,
    }
  }
  const bytes = carriesBytes(forward)
  // TLS that nobody ended here is the client's own, and the server's proxy is the one to look into it.
  const own = bytes && tls === undefined && !arrived.tls ? clientOf(input.to) : undefined
  const client = own?.hello === undefined ? undefined : own
  const connection = arrivingConnection(from, cluster, { endpoint, tls, bytes, passed: client?.hello })
  const refused =
    tls === undefined
      ? undefined
      : meetServer({ tls, from, server, connection, bytes }, recorderOf(from), expectedNames)
  if (refused !== undefined)
    return { status: 503, outcome: 'failed', flag: 'UF', reason: refused, endpoint: endpoint.key }
  return { endpoint: endpoint.key, ...arrive(input, forward, { server, connection, client, depth }, recorderOf) }
}

interface Reached {
  readonly server: ProxyView
  readonly connection: ConnectionFacts
  readonly depth: number
  /** Whose TLS is passed on. */
  readonly client: Client | undefined
}

/** The server's side. */
function arrive(
  input: ExplainInput,
  forward: Forward,
  { server, connection: arriving, client, depth }: Reached,
  recorderOf: (view: ProxyView) => Recorder,
): Ending & Partial<Explanation> {
  const recorder = recorderOf(server)
  const { localAddress: host, localPort: port } = arriving
  const listener = listenerAt(server, arriving)
  if (listener === undefined) {
    const unread = whyUnread(server, 'LDS')
    if (unread !== undefined) return cannotTell(unread)
    return { status: 503, outcome: 'failed', flag: 'UF', reason: `${server.id} does not listen at ${host}:${port}` }
  }
  recordListener(listener, recorder)
  const { random, faultDraw } = input
  const request = carriesBytes(forward) ? noRequest : forward.request
  const connection = client === undefined ? arriving : asSeenBy(listener, arriving)
  const arrival = { view: server, listener, connection, request, random, faultDraw, wallMs: input.wallMs, client }
  const departure = walkProxy(arrival, recorder)
  if (departure.kind === 'unknown') return ended(departure)
  if (departure.kind === 'closed')
    return {
      status: 503,
      outcome: 'failed',
      flag: 'UC',
      reason: `${server.id} closes the connection: ${departure.reason}`,
    }
  if (departure.kind === 'reply') {
    return { ...ended(departure), route: forward.route, reason: `${server.id}: ${departure.reason}` }
  }
  if (!server.config.clusters.has(departure.cluster)) {
    const unread = whyUnread(server, 'CDS')
    if (unread !== undefined) return cannotTell(unread)
    return {
      status: departure.notFoundStatus,
      outcome: 'local',
      flag: 'NC',
      reason: `there is no cluster ${departure.cluster}`,
    }
  }
  if (leadsOn.test(departure.cluster)) return throughGateway(input, { server, departure, depth }, recorderOf)
  return { status: 200, outcome: 'forwarded', flag: undefined, reason: `handed to the application behind ${server.id}` }
}

/** Clusters of what is not the application behind a proxy: those of a gateway. */
const leadsOn = /^(outbound|gateway-api)\|/

interface GatewayHop {
  readonly server: ProxyView
  readonly departure: Forward
  readonly depth: number
}

/** A gateway on the way sends it on. What is told of the first proxy stays: only how it ends is known now. */
function throughGateway(
  input: ExplainInput,
  { server, departure, depth }: GatewayHop,
  recorderOf: (view: ProxyView) => Recorder,
): Ending {
  if (depth >= maxDepth) {
    const reason = `gateways lead into one another more than ${maxDepth} times`
    return { status: 503, outcome: 'failed', flag: 'UF', reason }
  }
  const end = goUpstream({ ...input, from: server }, departure, recorderOf, depth + 1)
  const { status, outcome, flag, reason, grpcStatus } = end
  return {
    status,
    outcome,
    flag,
    reason: outcome === 'forwarded' ? reason : `${server.id}: ${reason}`,
    ...(grpcStatus === undefined ? {} : { grpcStatus }),
  }
}

/** What goes on is the inside of a tunnel, or what a TCP proxy was given: nobody looks into it any more. */
function carriesBytes({ request, tunnels }: Forward): boolean {
  return tunnels !== true && (request.method === '' || request.method === 'CONNECT')
}

interface Entering {
  readonly listenerName: string
  readonly connection: ConnectionFacts
}

/** What reaches an internal listener of the same proxy: the inside of a CONNECT that ends here, or bytes on their way into a tunnel. */
function enterInternal(
  input: ExplainInput,
  { listenerName, connection }: Entering,
  recorderOf: (view: ProxyView) => Recorder,
  depth: number,
): Ending & Partial<Explanation> {
  const { from, inside, random, faultDraw } = input
  const failed = { status: 503, outcome: 'failed', flag: 'UF' } as const
  const listener = from.config.listeners.get(listenerName)
  if (depth > maxDepth) return { ...failed, reason: `tunnels lead into one another more than ${maxDepth} times` }
  const unread = listener === undefined ? whyUnread(from, 'LDS') : undefined
  if (unread !== undefined) return cannotTell(unread)
  if (listener === undefined) return { ...failed, reason: `${from.id} has no internal listener ${listenerName}` }
  recordListener(listener, recorderOf(from))
  const request = inside === undefined || inside === 'tls' ? noRequest : inside
  const departure = walkProxy(
    { view: from, listener, connection, request, random, faultDraw, wallMs: input.wallMs },
    recorderOf(from),
  )
  if (departure.kind !== 'forward') return afterOpening(request, ended(departure))
  if (departure.tunnels === true) return throughTunnel(goUpstream(input, departure, recorderOf, depth))
  const known = { route: departure.route, cluster: departure.cluster, delayMs: departure.delayMs }
  return { ...known, ...afterOpening(request, goUpstream({ ...input, request }, departure, recorderOf, depth)) }
}

/** The tunnel itself was answered with 200: a connection in it that carries bytes can only be closed. */
function afterOpening(request: PlainRequest, ending: Ending & Partial<Explanation>): Ending & Partial<Explanation> {
  if (request !== noRequest || ending.outcome === 'forwarded' || ending.outcome === 'unknown') return ending
  return { ...ending, status: 200, outcome: 'failed', reason: `the tunnel opens, and is then closed: ${ending.reason}` }
}

/** Bytes that another proxy takes from a tunnel: without one there is no connection. What is told is where they were meant to go. */
function throughTunnel({ status, outcome, flag, reason }: Ending): Ending {
  if (outcome === 'forwarded' || outcome === 'unknown') return { status, outcome, flag, reason }
  return { status: 503, outcome: 'failed', flag: 'UF', reason: `no tunnel: ${reason}` }
}

/** The connection that an internal listener is given. */
function internalConnection(
  { inside, from }: ExplainInput,
  { request, connection }: Forward,
  metadata: ConnectionFacts['metadata'],
): ConnectionFacts {
  const colon = request.authority.lastIndexOf(':')
  const named = request.method === 'CONNECT'
  const host = named ? request.authority.slice(0, colon).replace(/^\[|\]$/g, '') : connection.localAddress
  return {
    localAddress: host,
    localPort: named ? Number(request.authority.slice(colon + 1)) : connection.localPort,
    remoteAddress: from.address,
    remotePort: 0,
    destinationKnown: true,
    sni: inside === 'tls' ? host : undefined,
    transportProtocol: inside === 'tls' ? 'tls' : 'raw_buffer',
    applicationProtocols: inside === undefined || inside === 'tls' ? [] : ['http/1.1'],
    tls: false,
    peerNames: [],
    ...(metadata === undefined ? {} : { metadata }),
  }
}

/** The listener a connection reached. */
export function recordListener({ name, address, origins }: Listener, recorder: Recorder): void {
  const where = address.kind === 'internal' ? ', inside the proxy' : ` at ${address.host}:${address.port}`
  recorder.step({ decision: 'listener', chosen: name, summary: `listener ${name}${where}`, origins, losers: [] })
}
