// Load balancing as a value: endpoints, health and policy are folded into a picker whose `pick` is synchronous.
import type { Balancer, Cluster, Endpoint, EndpointSet, SlowStart } from '../model.ts'
import type { Hash64 } from '../hash/xx-hash64.ts'
import { remainder } from '../hash/xx-hash64.ts'
import { byHash } from './choose-by-hash.ts'
import {
  busyWeight,
  type Choose,
  type ChooseAmong,
  inLocality,
  leastRequest,
  randomChoice,
  roundRobin,
  turnShare,
} from './choose-endpoint.ts'
import { type PriorityLevel, priorityLevels } from './priority-levels.ts'
import type { RetryPriorities } from './retry-priorities.ts'
import { chooseSlowly, type JoinTimes } from './slow-start.ts'

/** What one pick may look at. */
export interface PickContext {
  /** A draw in [0, 1). */
  random(): number
  /** Requests now active on an endpoint, by its key. */
  activeRequests(endpointKey: string): number
  /** Keys of endpoints this exchange has tried and should not try again (previous_hosts); empty: any will do. */
  readonly previous: readonly string[]
  /** How often to look for another than those in `previous` (3 by default); then the last one found is taken all the same. */
  readonly attempts?: number
  /** What equal requests share, where the cluster spreads by hash; absent: a draw. */
  readonly hash?: Hash64 | undefined
  /** Where a retry is to keep away from priorities that were tried. */
  readonly priorities?: RetryPriorities | undefined
  /** Asked where endpoints start slowly. */
  nowMs?(): number
}

/** The outcome of a pick. */
export type Pick =
  /** `panic`: health was ignored because too few endpoints are healthy. */
  | { readonly kind: 'picked'; readonly endpoint: Endpoint; readonly panic: boolean }
  /** Endpoints are not known yet. */
  | { readonly kind: 'wait' }
  /** A limit says no; the proxy answers 503 with flag UO. */
  | { readonly kind: 'shed' }
  /** 503 with flag UH. */
  | { readonly kind: 'none'; readonly reason: 'no-endpoints' | 'no-healthy-endpoints' }

/** A balancer made for one set of endpoints. */
export interface Picker {
  pick(context: PickContext): Pick
  /** Where round robin stands; the next picker goes on from there. */
  readonly cursor: number
}

const wait: Pick = Object.freeze({ kind: 'wait' })

/**
 * Makes the picker of a cluster. `endpoints` undefined: not arrived yet (a STATIC cluster's own come in here too).
 * `ejected`: keys the outlier detector has ejected. `previous`: the picker this one replaces. `joined`: where the cluster has
 * slow start.
 */
export function makePicker(
  cluster: Cluster,
  endpoints: EndpointSet | undefined,
  ejected?: ReadonlySet<string>,
  previous?: Picker,
  joined?: JoinTimes,
): Picker {
  const cursor = previous?.cursor ?? 0
  if (endpoints === undefined) return { cursor, pick: () => wait }
  const levels = priorityLevels(endpoints, ejected ?? new Set(), cluster)
  if (levels.length === 0) return { cursor, pick: () => ({ kind: 'none', reason: 'no-endpoints' }) }
  return new LevelPicker(levels, chooserOf(cluster, joined), cursor)
}

function chooserOf(cluster: Cluster, joined: JoinTimes = new Map()): Choose {
  const { balancer } = cluster
  switch (balancer.policy) {
    case 'round-robin':
      return inLocality(slowRoundRobin(balancer.slowStart, joined))
    case 'least-request':
      return inLocality(slowLeastRequest(balancer, joined))
    case 'ring-hash':
    case 'maglev':
      return byHash(balancer)
    default:
      return inLocality(randomChoice)
  }
}

function slowRoundRobin(slow: SlowStart | undefined, joined: JoinTimes): ChooseAmong {
  if (slow === undefined || joined.size === 0) return roundRobin
  const weigh = ({ weight }: Endpoint): number => weight
  return chooseSlowly({ plain: roundRobin, weigh, draw: (_context, turn) => turnShare(turn) }, slow, joined)
}

function slowLeastRequest(
  { choiceCount, activeRequestBias, slowStart }: Extract<Balancer, { policy: 'least-request' }>,
  joined: JoinTimes,
): ChooseAmong {
  const plain = leastRequest(choiceCount, activeRequestBias)
  if (slowStart === undefined || joined.size === 0) return plain
  const weigh = (endpoint: Endpoint, context: PickContext): number => busyWeight(endpoint, activeRequestBias, context)
  return chooseSlowly({ plain, weigh, draw: (context) => context.random() }, slowStart, joined)
}

class LevelPicker implements Picker {
  cursor: number
  private readonly levels: readonly PriorityLevel[]
  private readonly choose: Choose

  constructor(levels: readonly PriorityLevel[], choose: Choose, cursor: number) {
    this.levels = levels
    this.choose = choose
    this.cursor = cursor
  }

  pick(context: PickContext): Pick {
    const level = this.levelFor(context)
    if (level.eligible.length === 0) return { kind: 'none', reason: 'no-healthy-endpoints' }
    let endpoint = this.one(level, context)
    if (context.previous.length === 0) return { kind: 'picked', endpoint, panic: level.panic }
    const attempts = context.attempts ?? 3
    for (let tries = 1; tries <= attempts && context.previous.includes(endpoint.key); tries++) {
      endpoint = this.one(level, context, tries)
    }
    return { kind: 'picked', endpoint, panic: level.panic }
  }

  private one(level: PriorityLevel, context: PickContext, attempt = 0): Endpoint {
    return this.choose(level, context, this.cursor++, attempt)
  }

  private levelFor(context: PickContext): PriorityLevel {
    const first = this.levels[0] as PriorityLevel
    if (this.levels.length === 1) return first
    let draw = context.hash === undefined ? context.random() * 100 : remainder(context.hash, 100)
    const shares = context.priorities?.shares(this.levels)
    if (shares !== undefined) return this.levels[placeOf(shares, draw)] ?? first
    for (const level of this.levels) {
      draw -= level.loadPercent
      if (draw < 0) return level
    }
    return this.levels.findLast((level) => level.loadPercent > 0) ?? first
  }
}

function placeOf(shares: readonly number[], draw: number): number {
  let left = draw
  return shares.findIndex((share) => (left -= share) < 0)
}
