// Every rule that lost must be reachable by the change that is named, or be named unreachable; both are tried.
import { isRegisteredMethod, type Loser, overlay, type ProofStep, type RequestChange } from '@weft/engine'
import type { EngineProxy, Explained } from './engine-proxy.ts'
import type { Side, TestRequest } from './generate-request.ts'
import type { SeededRandom } from './seeded-random.ts'
import { identities } from './vocabulary.ts'

/** A request changed as the proof of another one says. */
export interface CounterfactualCase {
  readonly request: TestRequest
  readonly step: ProofStep['decision']
  readonly loser: string
}

/** What came of the losers of some requests. */
export interface CounterfactualResult {
  readonly toSend: readonly CounterfactualCase[]
  readonly faults: readonly string[]
  readonly checked: number
  readonly unreachable: number
  /** Neither was known of these. */
  readonly undecided: readonly string[]
}

/** A request and its explanation. */
export interface Explanandum {
  readonly side: Side
  readonly request: TestRequest
  readonly explained: Explained
}

/** How many changed requests are also sent to the proxies, per list of requests. */
const sendMax = 6

/** Tries every counterfactual on the engine and chooses some to be sent. */
export function counterfactualCases(
  engine: EngineProxy,
  asked: readonly Explanandum[],
  random: SeededRandom,
): CounterfactualResult {
  const faults: string[] = []
  const sendable: CounterfactualCase[] = []
  const reached = new Set(
    asked.flatMap(({ explained: { steps } }) => steps.map((step) => reachKey(steps, step, step.chosen, step.origins))),
  )
  let checked = 0
  let unreachable = 0
  const undecided: string[] = []
  for (const one of asked) {
    const { request, explained } = one
    for (const step of explained.steps) {
      // Endpoints are drawn, no rule chooses among them. What a second proxy asks for may lead elsewhere at the first: the
      // side `inbound` covers it.
      if (step.decision === 'endpoint' || isBeyond(explained.steps, step)) continue
      for (const loser of step.losers) {
        const about = `${JSON.stringify(request)}\n${step.decision}: ${loser.name} lost to ${step.chosen}: ${JSON.stringify(loser)}`
        if (loser.counterfactual === undefined) {
          if (loser.undecided === undefined) unreachable++
          else undecided.push(about)
          const fault = unreachableFault(loser, reached.has(reachKey(explained.steps, step, loser.name, loser.origins)))
          if (fault !== undefined) faults.push(`${fault}\n${about}`)
          continue
        }
        checked++
        const changed = changedRequest(one, loser.counterfactual)
        // Such a method is for requests of HTTP/2 alone: to those of HTTP/1.1, which are asked about here, `explain` says 400.
        if (changed === undefined || !isRegisteredMethod(changed.method)) continue
        const now = engine.explain(changed)
        const chosen = now.steps.find(({ decision }) => decision === step.decision && step.decision !== 'authorization')
        const won =
          step.decision === 'authorization'
            ? now.steps.some(({ decision, chosen: policy }) => decision === 'authorization' && policy === loser.name)
            : chosen?.chosen === loser.name && chosen.origins['origin'] === loser.origins['origin']
        if (!won)
          faults.push(
            `the counterfactual does not make it win, ${chosen?.chosen} does\n${about}\n${JSON.stringify(changed)}`,
          )
        if (canBeSent(changed)) sendable.push({ request: changed, step: step.decision, loser: loser.name })
      }
    }
  }
  return {
    toSend: random.some(sendable, Math.min(sendMax, sendable.length), sendMax),
    faults,
    checked,
    unreachable,
    undecided,
  }
}

/** Names of routes are unique in their object only, shares of clusters are those of a route, and so may be the policies of a filter. */
function reachKey(
  steps: readonly ProofStep[],
  step: ProofStep,
  name: string | undefined,
  { origin }: Loser['origins'],
): string {
  const host = steps.find(({ decision }) => decision === 'virtual-host')?.chosen
  const ofRoute = step.decision === 'cluster' || step.decision === 'authorization'
  const route = ofRoute ? steps.find(({ decision }) => decision === 'route') : undefined
  const place = steps.filter(({ decision }) => decision === step.decision).indexOf(step)
  return [step.decision, place, host, route?.chosen, route?.origins['origin'], name, origin].join(' ')
}

function isBeyond(steps: readonly ProofStep[], step: ProofStep): boolean {
  const chains = steps.slice(0, steps.indexOf(step) + 1).filter(({ decision }) => decision === 'filter-chain')
  return chains.length > 1
}

function unreachableFault(loser: Loser, reached: boolean): string | undefined {
  if (loser.undecided !== undefined) return undefined
  if (loser.unreachable === undefined) return 'neither a counterfactual nor why it is unreachable'
  return reached ? 'named unreachable, but another request reaches it' : undefined
}

/** A tunnel is no request that can be compared by its answer; over HTTP/1.1 not every method can be asked for, nor nobody. */
export function canBeSent({ method, authority }: TestRequest): boolean {
  return method !== 'CONNECT' && isRegisteredMethod(method) && authority !== ''
}

/** The request changed as a proof says; undefined when a client cannot make the change. */
export function changedRequest(
  { side, request, explained }: Explanandum,
  changes: readonly RequestChange[],
): TestRequest | undefined {
  let { identity } = request
  for (const { attribute, value } of changes) {
    if (attribute === 'source.principal') {
      if (side !== 'inbound' || (value !== undefined && !value.startsWith('spiffe://cluster.local/'))) return undefined
      identity = value
    } else if (attribute === 'connection.transport_protocol') {
      identity = value === 'tls' ? (identity ?? identities[0]) : undefined
    } else if (!/^request\.(headers|query_params|method|url_path|path|host)$/.test(attribute)) return undefined
  }
  const { head } = overlay(explained.subject, changes)
  const names = changes.filter(({ attribute }) => attribute === 'request.headers').map(({ key = '' }) => key)
  const kept = request.headers.filter(([name]) => !names.includes(name.toLowerCase()))
  const added = [...new Set(names)].flatMap((name): (readonly [string, string])[] => {
    const lines: [string, string][] = []
    for (let line = head.headerLine(name, 0); line !== undefined; line = head.headerLine(name, lines.length))
      lines.push([name, line])
    return lines
  })
  const query = head.query()
  return {
    method: head.method(),
    target: head.path() + (query === undefined ? '' : `?${query}`),
    authority: head.authority(),
    headers: [...kept, ...added],
    identity,
    ...(request.source === undefined ? {} : { source: request.source }),
  }
}
