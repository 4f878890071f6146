// The way of a request through the mesh: out of the client's proxy, into the server's, or to a gateway first.
import type { Cluster, Listener, Origins } from '../model.ts'
import type { ProofStep, Recorder } from '../prove/proof.ts'
import type { ConnectionFacts } from '../request-head.ts'
import type { ExplainInput, Explanation, ExplainStep, ProxyView } from './explanation.ts'
import { type Departure, walkProxy } from './walk-proxy.ts'
import { arrivingConnection, chooseUpstream, verifyServer } from './walk-upstream.ts'

/** Explains one request. Takes the same decisions as the proxies, with the draws of the input. */
export function explain(input: ExplainInput): Explanation {
  const steps: ExplainStep[] = []
  const recorderOf = (view: ProxyView): Recorder => ({
    step: (step) => steps.push({ proxy: view.id, ...withClusterOrigins(view, step) }),
  })
  const { from, random, faultDraw } = input
  const listener = entryListener(input)
  const blank = { request: input.request, route: undefined, cluster: undefined, endpoint: undefined, delayMs: 0, steps }
  if (listener === undefined) {
    return { ...blank, status: 0, outcome: 'failed', flag: undefined, reason: `${from.id} has no listener for this` }
  }
  const recorder = recorderOf(from)
  recorder.step({
    decision: 'listener',
    chosen: listener.name,
    summary: `listener ${listener.name}${listener.address.kind === 'socket' ? ` at ${listener.address.host}:${listener.address.port}` : ''}`,
    origins: listener.origins,
    losers: [],
  })
  const connection = entryConnection(from, listener)
  const departure = walkProxy({ view: from, listener, connection, request: input.request, random, faultDraw }, recorder)
  if (departure.kind !== 'forward') return { ...blank, ...ended(departure) }
  const known = { ...blank, route: departure.route, cluster: departure.cluster, delayMs: departure.delayMs }
  return { ...known, ...goUpstream(input, departure, recorderOf) }
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
function entryListener({ from, entryPort }: ExplainInput): Listener | undefined {
  const listeners = [...from.config.listeners.values()].filter((one) => one.address.kind === 'socket')
  const atPort = (port: number) => listeners.find((one) => one.address.kind === 'socket' && one.address.port === port)
  if (entryPort !== undefined) return atPort(entryPort)
  const outbound = listeners.filter((one) => one.direction !== 'inbound')
  return outbound.find((one) => one.name === 'outbound-http') ?? outbound.find(takesHttp)
}

function takesHttp(listener: Listener): boolean {
  return [...listener.filterChains, listener.defaultFilterChain].some((chain) => chain?.terminal.kind === 'http')
}

/** The application talking to its own proxy, or somebody outside talking to a gateway. */
function entryConnection(view: ProxyView, listener: Listener): ConnectionFacts {
  const { address } = listener
  return {
    localAddress: address.kind === 'socket' ? address.host : '',
    localPort: address.kind === 'socket' ? address.port : 0,
    remoteAddress: view.address,
    remotePort: 0,
    sni: undefined,
    transportProtocol: 'raw_buffer',
    applicationProtocols: ['http/1.1'],
    tls: false,
    peerNames: [],
  }
}

type Ending = Pick<Explanation, 'status' | 'outcome' | 'flag' | 'reason'>

function ended(departure: Exclude<Departure, { kind: 'forward' }>): Ending & Partial<Explanation> {
  if (departure.kind === 'closed') return { status: 0, outcome: 'failed', flag: undefined, reason: departure.reason }
  const { status, flag, reason, route } = departure
  return { status, outcome: 'local', flag, reason, route }
}

type Forward = Extract<Departure, { kind: 'forward' }>

function goUpstream(
  input: ExplainInput,
  forward: Forward,
  recorderOf: (view: ProxyView) => Recorder,
): Ending & Partial<Explanation> {
  const { from, random } = input
  const cluster = from.config.clusters.get(forward.cluster)
  if (cluster === undefined) {
    const reason = `there is no cluster ${forward.cluster}`
    return { status: forward.notFoundStatus, outcome: 'local', flag: 'NC', reason }
  }
  const upstream = chooseUpstream(from, cluster, random, recorderOf(from))
  if (upstream.kind === 'none') return { status: 503, outcome: 'local', flag: 'UH', reason: upstream.reason }
  const { endpoint, tls } = upstream
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
  const mistrust = verifyServer(tls, server, recorderOf(from))
  if (mistrust !== undefined)
    return { status: 503, outcome: 'failed', flag: 'UF', reason: mistrust, endpoint: endpoint.key }
  const connection = arrivingConnection(from, cluster, endpoint, tls)
  return { endpoint: endpoint.key, ...arrive(input, forward, { server, connection, cluster }, recorderOf(server)) }
}

interface Reached {
  readonly server: ProxyView
  readonly connection: ConnectionFacts
  readonly cluster: Cluster
}

/** The server's side. */
function arrive(input: ExplainInput, forward: Forward, { server, connection }: Reached, recorder: Recorder): Ending {
  const { localAddress: host, localPort: port } = connection
  const listener = [...server.config.listeners.values()].find(
    ({ address }) => address.kind === 'socket' && address.host === host && address.port === port,
  )
  if (listener === undefined) {
    return { status: 503, outcome: 'failed', flag: 'UF', reason: `${server.id} does not listen at ${host}:${port}` }
  }
  recorder.step({
    decision: 'listener',
    chosen: listener.name,
    summary: `listener ${listener.name} at ${host}:${port}`,
    origins: listener.origins,
    losers: [],
  })
  const { random, faultDraw } = input
  const arrival = { view: server, listener, connection, request: forward.request, random, faultDraw }
  const departure = walkProxy(arrival, recorder)
  if (departure.kind === 'closed')
    return {
      status: 503,
      outcome: 'failed',
      flag: 'UC',
      reason: `${server.id} closes the connection: ${departure.reason}`,
    }
  if (departure.kind === 'reply') {
    return {
      status: departure.status,
      outcome: 'local',
      flag: departure.flag,
      reason: `${server.id}: ${departure.reason}`,
    }
  }
  if (!server.config.clusters.has(departure.cluster)) {
    return {
      status: departure.notFoundStatus,
      outcome: 'local',
      flag: 'NC',
      reason: `there is no cluster ${departure.cluster}`,
    }
  }
  return { status: 200, outcome: 'forwarded', flag: undefined, reason: `handed to the application behind ${server.id}` }
}
