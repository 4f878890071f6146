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

/** Applies one direction of the levels. Within a level removals come first. */
export function editHeaders(
  direction: 'request' | 'response',
  levels: readonly HeaderRules[],
  target: HeaderTarget,
  read: ReadOperator,
): void {
  for (const rules of levels) {
    for (const name of direction === 'request' ? rules.requestRemove : rules.responseRemove) target.remove(name)
    for (const option of direction === 'request' ? rules.requestAdd : rules.responseAdd)
      applyOption(option, target, read)
  }
}

function applyOption(option: HeaderOption, target: HeaderTarget, read: ReadOperator): void {
  const value = evaluate(option.value, read)
  if (value === '' && !option.keepEmptyValue) return
  const { name, writtenName } = option
  switch (option.action) {
    case 'append-or-add':
      target.add(name, value, writtenName)
      break
    case 'add-if-absent':
      if (!target.has(name)) target.add(name, value, writtenName)
      break
    case 'overwrite-or-add':
      target.set(name, value, writtenName)
      break
    case 'overwrite-if-exists':
      if (target.has(name)) target.set(name, value, writtenName)
      break
  }
}

function evaluate(template: FormatTemplate, read: ReadOperator): string {
  const only = template[0]
  return template.length === 1 && typeof only === 'string' ? only : formatText(template, read, '')
}
