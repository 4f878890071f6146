// Slow start: the share of an endpoint that has just joined grows over a window (Envoy's applySlowStartFactor).
import type { Endpoint, SlowStart } from '../model.ts'
import type { Among, ChooseAmong } from './choose-endpoint.ts'
import type { PickContext } from './picker.ts'

/** When endpoints joined, by key, on the clock of `PickContext.nowMs`; those that are not in it have been there always. */
export type JoinTimes = ReadonlyMap<string, number>

/** The part of its weight that an endpoint of this age has. */
export function slowStartFactor({ windowMs, aggression, minWeightPercent }: SlowStart, ageMs: number): number {
  if (ageMs >= windowMs) return 1
  const share = Math.max(1, ageMs) / windowMs
  return Math.max(minWeightPercent / 100, aggression === 1 ? share : share ** (1 / aggression))
}

/** How a policy with slow start chooses: what it does without, and what it does while weights differ. */
export interface SlowChoice {
  readonly plain: ChooseAmong
  weigh(endpoint: Endpoint, context: PickContext): number
  draw(context: PickContext, turn: number): number
}

/** Chooses by grown weights while an endpoint is in its window, and plainly from then on. */
export function chooseSlowly({ plain, weigh, draw }: SlowChoice, slow: SlowStart, joined: JoinTimes): ChooseAmong {
  const lastMs = [...joined.values()].reduce((last, ms) => Math.max(last, ms), Number.NEGATIVE_INFINITY)
  return (among, context, turn) => {
    const nowMs = context.nowMs?.() ?? Number.POSITIVE_INFINITY
    if (nowMs >= lastMs + slow.windowMs) return plain(among, context, turn)
    const factors = among.eligible.map(({ key }) =>
      slowStartFactor(slow, nowMs - (joined.get(key) ?? Number.NEGATIVE_INFINITY)),
    )
    // All joined together, as in a cluster that is new: none is to be spared.
    if (factors.every((factor) => factor === factors[0])) return plain(among, context, turn)
    return byWeights(
      among,
      (endpoint, index) => weigh(endpoint, context) * (factors[index] as number),
      draw(context, turn),
    )
  }
}

function byWeights(
  { eligible }: Among,
  weightOf: (endpoint: Endpoint, index: number) => number,
  draw: number,
): Endpoint {
  const weights = eligible.map(weightOf)
  let left = draw * weights.reduce((sum, weight) => sum + weight, 0)
  for (const [index, weight] of weights.entries()) {
    left -= weight
    if (left < 0) return eligible[index] as Endpoint
  }
  return eligible.at(-1) as Endpoint
}
