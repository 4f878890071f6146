// Header changes that the route configuration asks for, applied to whatever holds the headers.
import type { FormatTemplate, HeaderOption, HeaderRules } from '../model.ts'
import type { Routed } from './filter-override.ts'
import { formatText, type ReadOperator } from './format-text.ts'

/** Something headers can be changed in; names are lower-case, `writtenName` is for codecs that keep case. */
export interface HeaderTarget {
  has(name: string): boolean
  add(name: string, value: string, writtenName: string): void
  /** Removes what there is, then adds. */
  set(name: string, value: string, writtenName: string): void
  remove(name: string): void
}

/**
 * Levels in the order they apply: most specific first (weighted cluster, route, virtual host, configuration), so that
 * the least specific has the last word, unless most_specific_header_mutations_wins turns the order round.
 */
export function headerLevels(routed: Routed): readonly HeaderRules[] {
  const levels = [routed.leg?.headers, routed.route.headers, routed.host.headers, routed.config.headers].filter(
    (rules) => rules !== undefined,
  )
  return routed.config.mostSpecificHeaderMutationsWins ? levels.reverse() : levels
}

/**
 * Applies one direction of the levels. Within a level: removals, then everything that overwrites, then everything that adds;
 * values and `*-if-*` conditions see the headers as they were after the removals (Envoy's HeaderParser).
 */
export function editHeaders(
  direction: 'request' | 'response',
  levels: readonly HeaderRules[],
  target: HeaderTarget,
  read: ReadOperator,
): void {
  for (const rules of levels) {
    for (const name of direction === 'request' ? rules.requestRemove : rules.responseRemove) target.remove(name)
    const options = direction === 'request' ? rules.requestAdd : rules.responseAdd
    if (options.length > 0) applyOptions(options, target, read)
  }
}

function applyOptions(options: readonly HeaderOption[], target: HeaderTarget, read: ReadOperator): void {
  const adds: [HeaderOption, string][] = []
  const sets: [HeaderOption, string][] = []
  for (const option of options) {
    const value = evaluate(option.value, read)
    if (value === '' && !option.keepEmptyValue) continue
    const { action } = option
    if (action === 'append-or-add') adds.push([option, value])
    else if (action === 'overwrite-or-add') sets.push([option, value])
    else if (target.has(option.name) === (action === 'overwrite-if-exists')) {
      if (action === 'add-if-absent') adds.push([option, value])
      else sets.push([option, value])
    }
  }
  for (const [{ name, writtenName }, value] of sets) target.set(name, value, writtenName)
  for (const [{ name, writtenName }, value] of adds) target.add(name, value, writtenName)
}

function evaluate(template: FormatTemplate, read: ReadOperator): string {
  const only = template[0]
  return template.length === 1 && typeof only === 'string' ? only : formatText(template, read, '')
}
