// Which limits a request counts for.
import type { CountedLimit, DescriptorPart, DescriptorRecipe } from '../model-rate-limits.ts'
import type { Subject } from '../request-head.ts'

/** The values of the entries that a recipe makes of a request, in order (undefined: left out); undefined: none at all. */
export function descriptorValues(recipe: DescriptorRecipe, subject: Subject): (string | undefined)[] | undefined {
  const values: (string | undefined)[] = []
  for (const part of recipe) {
    const value = valueOf(part, subject)
    if (value === undefined && !(part.kind === 'header' && part.skips)) return undefined
    values.push(value)
  }
  return values
}

function valueOf(part: DescriptorPart, subject: Subject): string | undefined {
  switch (part.kind) {
    case 'fixed':
      return part.value
    case 'match':
      return part.rule.test(subject) === part.expect ? part.value : undefined
    case 'header':
      return subject.head.header(part.header)
    default:
      return subject.trustedAddress ?? subject.connection.remoteAddress
  }
}

/** Whether the entries are those of a limit, one for one; undefined: they are not. Else what is counted apart under it. */
export function countedUnder(
  limit: CountedLimit,
  recipe: DescriptorRecipe,
  values: readonly (string | undefined)[],
): string | undefined {
  let apart = ''
  let place = 0
  for (const [index, part] of recipe.entries()) {
    const value = values[index]
    if (value === undefined) continue
    const entry = limit.entries[place++]
    if (entry === undefined || entry.key !== (part.kind === 'address' ? 'remote_address' : part.key)) return undefined
    if (entry.value === undefined) apart += `${value.length}:${value}`
    else if (entry.value !== value) return undefined
  }
  return place === limit.entries.length ? apart : undefined
}
