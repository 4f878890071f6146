// Which cluster a route forwards to.
import { namedHeader } from '../match/attribute.ts'
import type { RouteAction, TcpProxy, WeightedCluster } from '../model.ts'
import type { Loser, Recorder } from '../prove/proof.ts'
import type { Subject } from '../request-head.ts'

/** A cluster's name and the leg of the split it came from. The cluster may not exist: `clusterNotFoundStatus` then. */
export type ClusterChoice =
  | { readonly kind: 'cluster'; readonly name: string; readonly leg: WeightedCluster | undefined }
  | { readonly kind: 'none'; readonly reason: string }

/** Chooses by name, header, or weight: the stream's random value (or a header's) modulo the sum of the weights. */
export function chooseCluster(action: RouteAction, subject: Subject, recorder?: Recorder): ClusterChoice {
  const { cluster } = action
  if (cluster.kind === 'name') return told({ kind: 'cluster', name: cluster.name, leg: undefined }, recorder)
  if (cluster.kind === 'header') return told(byHeader(cluster.header, undefined, subject), recorder)
  const draw = drawOf(cluster.randomHeader, subject)
  const value = draw % cluster.totalWeight
  let end = 0
  for (const leg of cluster.clusters) {
    end += leg.weight
    if (value >= end) continue
    const choice: ClusterChoice =
      leg.clusterHeader === undefined
        ? { kind: 'cluster', name: leg.name, leg }
        : byHeader(leg.clusterHeader, leg, subject)
    if (recorder !== undefined) recordSplit(cluster, leg, value, recorder)
    return choice
  }
  return { kind: 'none', reason: 'no weight' }
}

/** The cluster of a TCP proxy by weight. */
export function chooseTcpCluster(proxy: TcpProxy, random: number, recorder?: Recorder): string {
  const total = proxy.clusters.reduce((sum, leg) => sum + leg.weight, 0)
  let begin = 0
  for (const leg of proxy.clusters) {
    begin += leg.weight
    if (random % total >= begin) continue
    if (recorder !== undefined) recordTcpChoice(proxy.clusters, leg, { total, value: random % total }, recorder)
    return leg.name
  }
  return ''
}

function recordTcpChoice(
  legs: TcpProxy['clusters'],
  chosen: TcpProxy['clusters'][number],
  draw: { readonly total: number; readonly value: number },
  recorder: Recorder,
): void {
  if (legs.length === 1) return void told({ kind: 'cluster', name: chosen.name, leg: undefined }, recorder)
  recordLegs(legs, chosen, { ...draw, header: undefined }, recorder)
}

function byHeader(header: string, leg: WeightedCluster | undefined, subject: Subject): ClusterChoice {
  const name = namedHeader(subject.head, header)
  if (name === undefined || name === '') return { kind: 'none', reason: `header ${header} names no cluster` }
  return { kind: 'cluster', name, leg }
}

function drawOf(randomHeader: string | undefined, subject: Subject): number {
  const text = randomHeader === undefined ? undefined : subject.head.header(randomHeader)
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : subject.random
}

function told(choice: ClusterChoice, recorder: Recorder | undefined): ClusterChoice {
  recorder?.step({
    decision: 'cluster',
    chosen: choice.kind === 'cluster' ? choice.name : undefined,
    summary: choice.kind === 'cluster' ? `cluster ${choice.name}` : choice.reason,
    origins: {},
    losers: [],
  })
  return choice
}

type Split = Extract<RouteAction['cluster'], { kind: 'weighted' }>

function recordSplit(split: Split, chosen: WeightedCluster, value: number, recorder: Recorder): void {
  recordLegs(split.clusters, chosen, { total: split.totalWeight, value, header: split.randomHeader }, recorder)
}

interface Leg {
  readonly name: string
  readonly weight: number
  readonly clusterHeader?: string | undefined
}

interface Draw {
  readonly total: number
  readonly value: number
  /** Undefined: drawn at random. */
  readonly header: string | undefined
}

function recordLegs(legs: readonly Leg[], chosen: Leg, { total, value, header }: Draw, recorder: Recorder): void {
  let begin = 0
  const losers: Loser[] = []
  const seen = header === undefined ? 'random draw' : `header ${header}`
  for (const leg of legs) {
    const end = begin + leg.weight
    if (leg !== chosen) {
      losers.push({
        name: leg.name || `header ${leg.clusterHeader}`,
        origins: {},
        failed: [{ condition: `${seen} mod ${total} in [${begin}, ${end})`, seen: String(value) }],
        counterfactual: leg.weight === 0 ? undefined : [drawChange(header, begin)],
        unreachable: leg.weight === 0 ? 'its weight is 0' : undefined,
      })
    }
    begin = end
  }
  const percent = Math.round((chosen.weight * 1000) / total) / 10
  recorder.step({
    decision: 'cluster',
    chosen: chosen.name,
    summary: `cluster ${chosen.name}: weight ${chosen.weight} of ${total} (${percent} %), ${seen} ${value}`,
    origins: {},
    losers,
  })
}

function drawChange(header: string | undefined, value: number) {
  if (header === undefined) return { attribute: 'random', value: String(value) }
  return { attribute: 'request.headers', key: header, value: String(value) }
}
