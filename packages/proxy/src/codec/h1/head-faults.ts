// Why heads are refused, as Envoy names it.
import type { HeadFault } from '../message-head.ts'

export const tooLarge: HeadFault = { status: 431, details: 'http1.headers_too_large' }
export const tooMany: HeadFault = { status: 431, details: 'http1.too_many_headers' }
export const lowVersion: HeadFault = { status: 426, details: 'low_version' }
const refusal = (what: string): HeadFault => ({ status: 400, details: `http1.${what}` })
export const badVersion = refusal('unsupported_version')
export const bareLf = refusal('bare_lf')
export const bareCr = refusal('bare_cr')
export const forbiddenOption = refusal('connection_header_rejected')
export const badMethod = refusal('invalid_method')
export const badTarget = refusal('invalid_target')
export const badRequestLine = refusal('invalid_request_line')
export const badStatusLine = refusal('invalid_status_line')
const obsFold = refusal('obs_fold')
const badName = refusal('invalid_header_name')
export const badValue = refusal('invalid_header_value')

/** What is wrong with a name that begins with one byte and is broken off by another. */
export function nameFault(first: number, offending: number): HeadFault {
  if (first === 10 || offending === 10) return bareLf
  return first === 32 || first === 9 ? obsFold : badName
}
