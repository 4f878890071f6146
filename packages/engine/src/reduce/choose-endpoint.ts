// The balancing policies: one endpoint out of the eligible ones.
import type { Endpoint } from '../model.ts'
import type { PickContext } from './picker.ts'
import type { LocalityPart, PriorityLevel } from './priority-levels.ts'

/**
 * Chooses from a level with at least one eligible endpoint; `turn` counts up with every choice, `attempt` with those of one
 * exchange.
 */
export type Choose = (level: PriorityLevel, context: PickContext, turn: number, attempt: number) => Endpoint

/** What a choice among equals looks at: all of a level, or one of its localities. */
export type Among = Pick<PriorityLevel, 'eligible' | 'totalWeight'>
/** A choice among equals. */
export type ChooseAmong = (among: Among, context: PickContext, turn: number) => Endpoint

/** Chooses a locality by its share first, where localities have shares. */
export function inLocality(choose: ChooseAmong): Choose {
  return (level, context, turn) => {
    const { parts } = level
    return choose(parts === undefined ? level : partOf(parts, context.random()), context, turn)
  }
}

function partOf(parts: readonly LocalityPart[], draw: number): LocalityPart {
  let left = draw * parts.reduce((sum, { weight }) => sum + weight, 0)
  for (const part of parts) {
    left -= part.weight
    if (left < 0) return part
  }
  return parts.findLast(({ weight }) => weight > 0) as LocalityPart
}

/** Each in turn. With weights, a low-discrepancy walk through the weights instead of Envoy's scheduler: same shares. */
export const roundRobin: ChooseAmong = (level, _context, turn) => {
  const { eligible, totalWeight } = level
  if (totalWeight === 0) return eligible[turn % eligible.length] as Endpoint
  return byWeight(eligible, turnShare(turn), totalWeight)
}

const goldenRatio = (Math.sqrt(5) - 1) / 2

/** Where a turn falls in [0, 1): spread evenly, whatever the number of turns. */
export function turnShare(turn: number): number {
  return (turn * goldenRatio) % 1
}

/** By chance, weighted. */
export const randomChoice: ChooseAmong = (level, context) => {
  const { eligible, totalWeight } = level
  if (totalWeight === 0) return eligible[Math.floor(context.random() * eligible.length)] as Endpoint
  return byWeight(eligible, context.random(), totalWeight)
}

/**
 * The least busy of `choiceCount` random ones (P2C) when all weigh the same; else by chance with the weight
 * `weight / (active + 1)^bias`, Envoy's formula.
 */
export function leastRequest(choiceCount: number, bias: number): ChooseAmong {
  return (level, context) => {
    const { eligible, totalWeight } = level
    if (totalWeight === 0) return leastOf(eligible, choiceCount, context)
    const weights = eligible.map((one) => busyWeight(one, bias, context))
    let draw = context.random() * weights.reduce((sum, weight) => sum + weight, 0)
    for (const [index, weight] of weights.entries()) {
      draw -= weight
      if (draw < 0) return eligible[index] as Endpoint
    }
    return eligible.at(-1) as Endpoint
  }
}

/** What an endpoint weighs with what it has to do. */
export function busyWeight(endpoint: Endpoint, bias: number, context: PickContext): number {
  return endpoint.weight / (context.activeRequests(endpoint.key) + 1) ** bias
}

function leastOf(eligible: readonly Endpoint[], choiceCount: number, context: PickContext): Endpoint {
  if (eligible.length === 1) return eligible[0] as Endpoint
  let best = eligible[Math.floor(context.random() * eligible.length)] as Endpoint
  let least = context.activeRequests(best.key)
  for (let i = 1; i < choiceCount; i++) {
    const one = eligible[Math.floor(context.random() * eligible.length)] as Endpoint
    const active = context.activeRequests(one.key)
    if (active < least) {
      best = one
      least = active
    }
  }
  return best
}

function byWeight(eligible: readonly Endpoint[], draw: number, totalWeight: number): Endpoint {
  let left = draw * totalWeight
  for (const endpoint of eligible) {
    left -= endpoint.weight
    if (left < 0) return endpoint
  }
  return eligible.at(-1) as Endpoint
}
