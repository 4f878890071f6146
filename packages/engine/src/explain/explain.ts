// The way of a request through the mesh: out of the client's proxy, into the server's, or to a gateway first.
import { matchFilterChain } from '../decide/filter-chain.ts'
import { grpcStatusOf, isGrpcType } from '../decide/grpc-status.ts'
import { isRegisteredMethod } from '../decide/registered-methods.ts'
import { parseAddress } from '../match/cidr.ts'
import type { Listener, Origins } from '../model.ts'
import type { ProofStep, Recorder } from '../prove/proof.ts'
import { recordTo } from '../prove/record-to.ts'
import { type ConnectionFacts, noRequest, plainHead } from '../request-head.ts'
import type { ExplainInput, Explanation, ExplainStep, ProxyView, TcpExplainInput, TcpTarget } from './explanation.ts'
import { cannotTell, type Ending, ended, goUpstream, recordListener } from './go-upstream.ts'
import { asSeenBy, clientOf } from './shake-hands.ts'
import { undecidedOf } from './undecided.ts'
import { walkProxy } from './walk-proxy.ts'
import { whyUnread } from './why-unread.ts'

/** Explains one request. Takes the same decisions as the proxies, with the draws of the input. */
export function explain(input: ExplainInput): Explanation {
  const explanation = walk(input)
  const undecided = undecidedOf(explanation.steps)
  return undecided.length === 0 ? explanation : { ...explanation, undecided }
}

function walk(input: ExplainInput): Explanation {
  const steps: ExplainStep[] = []
  const recorderOf = (view: ProxyView): Recorder =>
    recordTo((step) => steps.push({ proxy: view.id, ...withClusterOrigins(view, step) }))
  const { from, random, faultDraw } = input
  const listener = entryListener(input)
  const blank = { request: input.request, route: undefined, cluster: undefined, endpoint: undefined, delayMs: 0, steps }
  if (listener === undefined) {
    const unread = whyUnread(from, 'LDS')
    if (unread !== undefined) return { ...blank, ...cannotTell(unread) }
    return { ...blank, status: 0, outcome: 'failed', flag: undefined, reason: `${from.id} has no listener for this` }
  }
  const recorder = recorderOf(from)
  recordListener(listener, recorder)
  const opened = entryConnection(input, listener)
  const connection = input.to === undefined ? opened : asSeenBy(listener, opened)
  const bytesTo = passedOn(input, listener, connection)
  if (bytesTo !== undefined) return explainTcp({ ...input, to: bytesTo })
  const refused = refusedAtOnce(input, listener, connection)
  if (refused !== undefined) {
    matchFilterChain(listener, connection, recorder)
    return asItsCallerSees({ ...blank, ...refused }, input)
  }
  const departure = walkProxy(
    {
      view: from,
      listener,
      connection,
      request: input.request,
      random,
      faultDraw,
      wallMs: input.wallMs,
      client: clientOf(input.to),
    },
    recorder,
  )
  if (departure.kind !== 'forward') return asItsCallerSees({ ...blank, ...ended(departure) }, input)
  const known = { ...blank, route: departure.route, cluster: departure.cluster, delayMs: departure.delayMs }
  return asItsCallerSees({ ...known, ...goUpstream(input, departure, recorderOf) }, input)
}

/** A proxy's own answer to a gRPC call is 200 with a `grpc-status`. */
function asItsCallerSees(explanation: Explanation, { request, inside }: ExplainInput): Explanation {
  const { grpcStatus, ...rest } = explanation
  const { status, outcome } = rest
  const asked = inside === undefined || inside === 'tls' ? request : inside
  if (outcome === 'forwarded' || status === 0) return rest
  if (!isGrpcType(plainHead(asked).header('content-type'))) return rest
  return { ...rest, status: 200, grpcStatus: grpcStatus ?? grpcStatusOf(status) }
}

/** Explains one TCP connection to `to`; its status is 0, since nobody answers with one. */
export function explainTcp(input: TcpExplainInput): Explanation {
  const { to, ...rest } = input
  const authority = `${to.host.includes(':') ? `[${to.host}]` : to.host}:${to.port}`
  const explanation = explain({ ...rest, request: noRequest, to })
  const method = to.serverName === undefined ? 'TCP' : 'TLS'
  return { ...explanation, request: { ...noRequest, method, authority }, status: 0, protocol: 'tcp' }
}

/** A cluster is chosen by its name; where it was written is known to the configuration that holds it. */
function withClusterOrigins(view: ProxyView, step: ProofStep): ProofStep {
  if (step.decision !== 'cluster') return step
  const originsOf = (name: string | undefined, given: Origins): Origins =>
    Object.keys(given).length > 0 ? given : (view.config.clusters.get(name ?? '')?.origins ?? given)
  return {
    ...step,
    origins: originsOf(step.chosen, step.origins),
    losers: step.losers.map((loser) => ({ ...loser, origins: originsOf(loser.name, loser.origins) })),
  }
}

/** The explicit proxy's listener, or the one at the asked port, or the only one that takes HTTP. */
function entryListener({ from, entryPort, to }: ExplainInput): Listener | undefined {
  const listeners = [...from.config.listeners.values()].filter((one) => one.address.kind === 'socket')
  if (to !== undefined) return tcpListener(from, listeners, to)
  const atPort = (port: number) => listeners.find((one) => one.address.kind === 'socket' && one.address.port === port)
  if (entryPort !== undefined) return atPort(entryPort)
  const outbound = listeners.filter((one) => one.direction !== 'inbound')
  return outbound.find((one) => one.name === 'outbound-http') ?? outbound.find(takesHttp)
}

/** The listener at the address itself, or the one for the Service of that name and port, or whose connections go there. */
function tcpListener(from: ProxyView, listeners: readonly Listener[], to: TcpTarget): Listener | undefined {
  const atPort = listeners.filter(({ address }) => address.kind === 'socket' && address.port === to.port)
  const exact = atPort.find(({ address }) => address.kind === 'socket' && address.host === to.host)
  const own = atPort.find(
    ({ origins, direction }) => direction !== 'inbound' && isFor(from, origins['origin'], to.host),
  )
  const leading = atPort.find((listener) => listener.clusterNames.some((name) => leadsTo(from, name, to.host)))
  return exact ?? own ?? leading ?? (isAddress(to.host) ? atPort.find(({ bindToPort }) => !bindToPort) : undefined)
}

function isAddress(host: string): boolean {
  return parseAddress(host) !== undefined
}

/** Whether a listener was made for a Service, by any of the names its clients may use. */
function isFor(from: ProxyView, origin: string | undefined, host: string): boolean {
  const [, namespace, name] = /^core\/Service\/([^/]+)\/([^/#]+)$/.exec(origin ?? '') ?? []
  return namespace !== undefined && name !== undefined && isCalled({ namespace, name }, host, from)
}

function isCalled(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  host: string,
  from: ProxyView,
): boolean {
  const ownNamespace = from.id.slice(from.id.lastIndexOf('.') + 1)
  const short = `${name}.${namespace}`
  return (
    [short, `${short}.svc`, `${short}.svc.cluster.local`].includes(host) ||
    (name === host && namespace === ownNamespace)
  )
}

/** Whether a cluster is that of a Service, by any of the names its clients may use. */
function leadsTo(from: ProxyView, clusterName: string, host: string): boolean {
  const istio = from.config.clusters.get(clusterName)?.metadata['istio'] as
    | { readonly services?: readonly { readonly host?: string; readonly name?: string; readonly namespace?: string }[] }
    | undefined
  return (istio?.services ?? []).some(
    ({ host: full = '', name = '', namespace = '' }) => full === host || isCalled({ namespace, name }, host, from),
  )
}

function takesHttp(listener: Listener): boolean {
  return [...listener.filterChains, listener.defaultFilterChain].some((chain) => chain?.terminal.kind === 'http')
}

/** The application talking to its own proxy, or somebody outside talking to a gateway. */
function entryConnection({ from, to, overTls }: ExplainInput, listener: Listener): ConnectionFacts {
  const { address, bindToPort } = listener
  // A listener that nobody dials gets what the kernel redirects, and knows where that was meant to go.
  const meant = !bindToPort && to !== undefined && isAddress(to.host) ? to.host : undefined
  const serverName = to === undefined ? overTls : to.serverName
  const opened: ConnectionFacts = {
    localAddress: meant ?? (address.kind === 'socket' ? address.host : ''),
    localPort: address.kind === 'socket' ? address.port : 0,
    ...(meant === undefined ? {} : { destinationKnown: true as const }),
    remoteAddress: to?.source ?? from.address,
    remotePort: 0,
    sni: serverName === '' ? undefined : serverName,
    transportProtocol: serverName === undefined ? 'raw_buffer' : 'tls',
    applicationProtocols: to !== undefined ? [] : overTls === undefined ? ['http/1.1'] : ['h2', 'http/1.1'],
    tls: false,
    peerNames: [],
  }
  return overTls !== undefined && matchFilterChain(listener, opened)?.tls !== undefined
    ? { ...opened, tls: true }
    : opened
}

/** Where a request over TLS comes in as bytes, since its TLS ends elsewhere; undefined: it ends here. */
function passedOn(
  { to, overTls }: ExplainInput,
  listener: Listener,
  connection: ConnectionFacts,
): TcpTarget | undefined {
  if (to !== undefined || overTls === undefined) return undefined
  const chain = matchFilterChain(listener, connection)
  if (chain?.terminal.kind !== 'tcp' || chain.tls !== undefined) return undefined
  return { host: connection.localAddress, port: connection.localPort, serverName: overTls }
}

/** What is answered before any route is asked. */
function refusedAtOnce(
  { request, to, overTls }: ExplainInput,
  listener: Listener,
  connection: ConnectionFacts,
): Ending | undefined {
  const chain = matchFilterChain(listener, connection)
  if (to !== undefined || chain?.terminal.kind !== 'http') return undefined
  if (overTls !== undefined && chain.tls === undefined) {
    const reason = 'the client begins with TLS, and plain HTTP is spoken here'
    return { status: 0, outcome: 'failed', flag: undefined, reason }
  }
  if (overTls !== undefined || isRegisteredMethod(request.method)) return undefined
  const reason = `no method of HTTP/1.1 is called ${request.method}`
  return { status: 400, outcome: 'local', flag: 'DPE', reason }
}
