// Fills in command operators.
import type { FormatOperator, FormatTemplate } from '../model.ts'

/** Answers an operator; undefined: no value. */
export type ReadOperator = (operator: FormatOperator) => string | undefined

/** The text, with `missing` where an operator has no value (`-` in access logs, '' in headers). */
export function formatText(template: FormatTemplate, read: ReadOperator, missing: string): string {
  let text = ''
  for (const part of template) {
    if (typeof part === 'string') text += part
    else {
      const value = read(part)
      if (value === undefined) text += missing
      else text += part.maxLength === undefined ? value : value.slice(0, part.maxLength)
    }
  }
  return text
}
