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
 * Applies one direction of the levels. Within a level Envoy removes first, then forms every value, then overwrites, then
 * appends (HeaderParser::evaluateHeaders): a `set` never undoes an `add` of its level, whatever their order.
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

/**
 * The headers one direction adds, names and values in turn, when that is all it does and each is a fixed text: then nothing has to be
 * worked out per message. Undefined: `editHeaders` has to.
 */
export function fixedAdditions(
  direction: 'request' | 'response',
  levels: readonly HeaderRules[],
): readonly string[] | undefined {
  const lines: string[] = []
  for (const rules of levels) {
    if ((direction === 'request' ? rules.requestRemove : rules.responseRemove).length > 0) return undefined
    for (const { name, action, value, keepEmptyValue } of direction === 'request'
      ? rules.requestAdd
      : rules.responseAdd) {
      const [only] = value
      if (action !== 'append-or-add' || value.length !== 1 || typeof only !== 'string') return undefined
      if (only !== '' || keepEmptyValue) lines.push(name, only)
    }
  }
  return lines
}

/** A value as the next one reads it: white space around it is no part of it (RFC 9110 5.5). */
export function receivedValue(written: string): string {
  return written.replace(/^[ \t]+|[ \t]+$/g, '')
}

function applyOptions(options: readonly HeaderOption[], target: HeaderTarget, read: ReadOperator): void {
  const [only] = options
  if (options.length === 1 && only !== undefined) {
    const value = valueOf(only, target, read)
    if (value === undefined) return
    if (overwrites(only)) target.set(only.name, value, only.writtenName)
    else target.add(only.name, value, only.writtenName)
    return
  }
  const values = options.map((option) => valueOf(option, target, read))
  for (const overwriting of [true, false]) {
    options.forEach((option, index) => {
      const value = values[index]
      if (value === undefined || overwrites(option) !== overwriting) return
      if (overwriting) target.set(option.name, value, option.writtenName)
      else target.add(option.name, value, option.writtenName)
    })
  }
}

/** Undefined: the option has no effect on these headers. */
function valueOf(option: HeaderOption, target: HeaderTarget, read: ReadOperator): string | undefined {
  if (option.action === 'add-if-absent' && target.has(option.name)) return undefined
  if (option.action === 'overwrite-if-exists' && !target.has(option.name)) return undefined
  const value = evaluate(option.value, read)
  return value === '' && !option.keepEmptyValue ? undefined : value
}

function overwrites({ action }: HeaderOption): boolean {
  return action === 'overwrite-or-add' || action === 'overwrite-if-exists'
}

function evaluate(template: FormatTemplate, read: ReadOperator): string {
  const only = template[0]
  return template.length === 1 && typeof only === 'string' ? only : formatText(template, read, '')
}
