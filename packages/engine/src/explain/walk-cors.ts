// What the CORS filter of a proxy does with a request, recorded.
import { type CorsDecision, decideCors } from '../decide/cors.ts'
import { routeName } from '../decide/route.ts'
import type { CorsPolicy, Route } from '../model.ts'
import { testText } from '../prove/describe.ts'
import type { Predicate, ValueTest } from '../predicate.ts'
import type { Loser, Recorder } from '../prove/proof.ts'
import { solve } from '../prove/satisfy.ts'
import { verdictOn } from '../prove/verdict-on.ts'
import type { Subject } from '../request-head.ts'
import type { Departure } from './walk-proxy.ts'

type NamedRoute = Pick<Route, 'name' | 'index' | 'origins'>

/** The answer, when the filter gives one; undefined: the request goes on. */
export function walkCors(
  policy: CorsPolicy,
  subject: Subject,
  { draw, route, recorder }: { readonly draw: number; readonly route: NamedRoute; readonly recorder: Recorder },
): Departure | undefined {
  const decision = decideCors(policy, subject.head, draw)
  if (decision.kind === 'none') {
    if (subject.head.header('origin') !== undefined)
      recorder.step({ decision: 'cors', chosen: undefined, summary: goesOn, origins: route.origins, losers: [] })
    return undefined
  }
  const { by, value } = decision.origin
  recorder.step({
    decision: 'cors',
    chosen: by === undefined ? undefined : nameOf(by),
    summary: `${originText(decision)}${whatText[decision.kind]}`,
    origins: route.origins,
    losers:
      by === undefined ? policy.origins.map((_, index) => originLoser(policy, index, { value, subject, route })) : [],
  })
  if (decision.kind !== 'preflight') return undefined
  const reason = `the CORS filter answers the preflight: ${originText(decision)}`
  return { kind: 'reply', status: 200, flag: undefined, reason, route: routeName(route) }
}

function nameOf(test: ValueTest): string {
  return `origin ${testText(test)}`
}

interface Seen {
  readonly value: string
  readonly subject: Subject
  readonly route: NamedRoute
}

/** An origin that is allowed, and what would be it. */
function originLoser({ origins }: CorsPolicy, index: number, { value, subject, route }: Seen): Loser {
  const condition = (test: ValueTest): Predicate => ({
    op: 'test',
    attribute: { name: 'request.headers', key: 'origin' },
    test,
  })
  const test = origins[index] as ValueTest
  const before = origins.slice(0, index).map((one): Predicate => ({ op: 'not', not: condition(one) }))
  const solution = solve([condition(test), ...before], subject)
  return {
    name: nameOf(test),
    origins: route.origins,
    failed: [{ condition: nameOf(test), seen: value }],
    ...verdictOn(solution, () => 'no origin satisfies it that no origin before it allows'),
  }
}

const goesOn = 'the CORS policy leaves the request to the application'

const whatText = {
  preflight: '; the preflight is answered here',
  actual: '',
  shadow: ' (the policy is only watched)',
} as const

function originText({ origin: { value, by } }: Exclude<CorsDecision, { kind: 'none' }>): string {
  if (by === undefined) return `pages of ${value} are not allowed to read the answer`
  return `pages of ${value} are allowed: the origin ${testText(by)}`
}
