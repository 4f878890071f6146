// What is wrong with the expression of a label's value, beyond not being CEL.
import { refusedOnWeftCode } from '../../schema/describe-effect.ts'
import type { Finding } from '../../schema/schema.ts'
import { isValue, readValue } from './read-value.ts'

/** The finding; undefined: a proxy can compute it, or it is no CEL at all, which is told elsewhere. */
export function valueFinding(text: string): Finding | undefined {
  const read = readValue(text)
  return read === undefined || isValue(read) ? undefined : { code: refusedOnWeftCode, ...read }
}
