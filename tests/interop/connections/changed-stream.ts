// Every rule that lost must be reachable by the change that is named, or be named unreachable; both are tried.
import {
  type ConnectionFacts,
  type Listener,
  type Loser,
  noRequest,
  type ProofStep,
  type RequestChange,
  walkProxy,
} from '@weft/engine'
import type { SeededRandom } from '../differential/seeded-random.ts'
import type { ExplainedStream } from './explained-stream.ts'
import type { StreamTables } from './stream-tables.ts'
import { callers } from './stream-vocabulary.ts'
import type { StreamSide, TestConnection } from './test-connection.ts'

/** A connection and what is known of it. */
export interface Explanandum {
  readonly connection: TestConnection
  readonly explained: ExplainedStream
}

/** A connection changed as the proof of another one says. */
export interface ChangedStream {
  readonly connection: TestConnection
  readonly step: ProofStep['decision']
  readonly loser: string
}

/** What came of the losers of some connections. */
export interface ChangedStreams {
  readonly toSend: readonly ChangedStream[]
  readonly faults: readonly string[]
  readonly checked: number
  readonly unreachable: number
  /** Neither was known of these. */
  readonly undecided: readonly string[]
}

interface Changed {
  readonly connection: TestConnection
  /** The draw. */
  readonly random?: number
}

/** How many changed connections are also made, per side of a mesh. */
const sendMax = 4

/** Tries every counterfactual on the engine and chooses some to be made. What a second proxy asks for is covered by its own side. */
export function changedStreams(
  mesh: StreamTables,
  side: StreamSide,
  asked: readonly Explanandum[],
  random: SeededRandom,
): ChangedStreams {
  const faults: string[] = []
  const undecided: string[] = []
  const sendable: ChangedStream[] = []
  const counts = { checked: 0, unreachable: 0 }
  const ownSteps = ({ steps }: ExplainedStream) => steps.filter(({ proxy }) => proxy === side)
  const reached = new Set(
    asked.flatMap(({ explained }) =>
      ownSteps(explained).map((step, _at, steps) => reachKey(steps, step, step.chosen, step.origins)),
    ),
  )
  for (const { connection, explained } of asked) {
    const steps = ownSteps(explained)
    const listener = mesh.views[side].config.listeners.get(steps[0]?.chosen ?? '')
    if (listener === undefined) continue
    for (const step of steps) {
      // Endpoints are drawn, no rule chooses among them.
      if (step.decision === 'endpoint') continue
      for (const loser of step.losers) {
        const about = `${side} ${JSON.stringify(connection)}\n${step.decision}: ${loser.name} lost to ${step.chosen}: ${JSON.stringify(loser)}`
        if (loser.counterfactual === undefined) {
          if (loser.undecided === undefined) counts.unreachable++
          else undecided.push(about)
          const fault = unreachableFault(loser, reached.has(reachKey(steps, step, loser.name, loser.origins)))
          if (fault !== undefined) faults.push(`${fault}\n${about}`)
          continue
        }
        counts.checked++
        const changed = changedConnection(connection, loser.counterfactual)
        if (changed === undefined) {
          faults.push(`no client of this listener can make that change\n${about}`)
          continue
        }
        // What another listener does is asked where it is asked first.
        const isSamePort = connection.port === changed.connection.port
        if (!isSamePort && loser.counterfactual.length > 1) continue
        const now = stepsAt(mesh, side, listener, changed)
        const place = placeOf(steps, step)
        const here = now.filter(({ decision }) => decision === step.decision)[place]
        // Where a cluster was written is known to the configuration that holds it.
        const isSame = step.decision === 'cluster' || here?.origins['origin'] === loser.origins['origin']
        if (here?.chosen !== loser.name || !isSame)
          faults.push(
            `the counterfactual does not make it win, ${here?.chosen} does\n${about}\n${JSON.stringify(changed)}`,
          )
        const made = { connection: changed.connection, step: step.decision, loser: loser.name }
        if (changed.random === undefined && isSamePort && canBeMade(made, mesh, connection.host)) sendable.push(made)
      }
    }
  }
  return { toSend: random.some(sendable, 0, sendMax), faults, undecided, ...counts }
}

/** What is decided at a listener: a policy may ask for a port that another listener of the workload has, with the same policies. */
function stepsAt(
  { views }: StreamTables,
  side: StreamSide,
  listener: Listener,
  { connection: { host, port, source, tls }, random = 0 }: Changed,
): readonly ProofStep[] {
  const steps: ProofStep[] = []
  const hello = tls === undefined ? undefined : { sni: tls.serverName.toLowerCase() || undefined }
  const isSeen = hello !== undefined && listener.sniff.tls
  const facts: ConnectionFacts = {
    localAddress: host,
    localPort: port,
    remoteAddress: source,
    remotePort: 0,
    sni: isSeen ? hello?.sni : undefined,
    transportProtocol: isSeen ? 'tls' : 'raw_buffer',
    applicationProtocols: [],
    tls: false,
    peerNames: [],
  }
  const client = { names: tls?.identity === undefined ? [] : [tls.identity], hello }
  const arrival = { view: views[side], listener, connection: facts, request: noRequest, random, faultDraw: 0.5, client }
  const unproved = { ofChains: () => [], ofPolicies: () => [], ofRoutes: () => [] }
  walkProxy(arrival, { step: (step) => steps.push(step), losers: unproved })
  return steps
}

/** Which of the steps of its kind it is. */
function placeOf(steps: readonly ProofStep[], step: ProofStep): number {
  return steps.filter(({ decision }) => decision === step.decision).indexOf(step)
}

/** Chains are those of a listener, policies and shares those of a chain. */
function reachKey(
  steps: readonly ProofStep[],
  step: ProofStep,
  name: string | undefined,
  { origin }: Loser['origins'],
): string {
  const before = steps.slice(0, steps.indexOf(step))
  const within = before.filter(({ decision }) => decision === 'listener' || decision === 'filter-chain')
  const place = steps.filter(({ decision }) => decision === step.decision).indexOf(step)
  return [step.decision, place, ...within.map(({ chosen }) => chosen), name, origin].join(' ')
}

function unreachableFault(loser: Loser, reached: boolean): string | undefined {
  if (loser.undecided !== undefined) return undefined
  if (loser.unreachable === undefined) return 'neither a counterfactual nor why it is unreachable'
  return reached ? 'named unreachable, but another connection reaches it' : undefined
}

/** The connection changed as a proof says, and its draw; undefined when a client cannot make the change. */
function changedConnection(connection: TestConnection, changes: readonly RequestChange[]): Changed | undefined {
  let { source, host, port, tls } = connection
  let random: number | undefined
  for (const { attribute, value } of changes) {
    if (attribute === 'connection.transport_protocol')
      tls = value === 'tls' ? { serverName: '', identity: connection.tls?.identity ?? callers[1] } : undefined
    else if (attribute === 'connection.requested_server_name')
      tls =
        value === undefined && tls === undefined ? undefined : { identity: callers[1], ...tls, serverName: value ?? '' }
    else if (attribute === 'source.principal' && (tls !== undefined || value !== undefined))
      tls = { serverName: '', ...tls, identity: value }
    else if (attribute === 'destination.port' && value !== undefined) port = Number(value)
    else if (attribute === 'connection.tls' && value === undefined) tls = undefined
    else if (/^source\.(direct_)?address$/.test(attribute) && value !== undefined) source = value
    else if (attribute === 'destination.address' && value !== undefined) host = value
    else if (attribute === 'random') random = Number(value)
    else return undefined
  }
  const { tls: _before, silent: _silent, ...rest } = connection
  const changed = { ...rest, source, host, port, ...(tls === undefined ? {} : { tls }) }
  return { connection: changed, ...(random === undefined ? {} : { random }) }
}

/** From an address of this machine to one that an application may have, by a name that TLS libraries write, with a certificate that can be had. */
function canBeMade(
  { connection: { source, host, tls } }: ChangedStream,
  { applications }: StreamTables,
  before: string,
): boolean {
  if (host !== before && !applications.includes(host)) return false
  const named = tls === undefined || /^([a-z0-9_-]+(\.[a-z0-9_-]+)*)?$/i.test(tls.serverName)
  const known = tls?.identity === undefined || tls.identity.startsWith('spiffe://cluster.local/')
  return source.startsWith('127.') && named && known
}
