// The HTTP rules of a VirtualService.
import { generateAction, headerChanges } from './generate-actions.ts'
import { generateMatch } from './generate-conditions.ts'
import type { SeededRandom } from './seeded-random.ts'

/** What rules may refer to. */
export interface RuleScope {
  readonly services: readonly string[]
  readonly subsets: ReadonlyMap<string, readonly string[]>
  readonly host: string
}

export type Yaml = Readonly<Record<string, unknown>>

/** One to six rules; the last often takes everything. */
export function generateHttpRules(random: SeededRandom, scope: RuleScope): readonly Yaml[] {
  const count = 1 + random.int(6)
  return Array.from({ length: count }, (_, index) => {
    const last = index === count - 1
    const matchless = last ? random.chance(0.7) : random.chance(0.05)
    const match = matchless ? undefined : Array.from({ length: 1 + random.int(3) }, () => generateMatch(random, scope))
    return {
      ...(random.chance(0.9) ? { name: `rule-${index}` } : {}),
      ...(match === undefined ? {} : { match }),
      ...generateAction(random, scope, (match ?? []) as readonly Yaml[]),
      ...(random.chance(0.25) ? { headers: headerChanges(random) } : {}),
    }
  })
}
