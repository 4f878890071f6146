// envoy.filters.network.set_filter_state: of all there could be set, the names that an upstream's certificate must carry.
import * as lean from '@weft/xds/lean'
import type { FormatTemplate } from '../model.ts'
import { compileFormat } from './format.ts'
import { readStrict, refuse } from './refusal.ts'

const upstreamNames = 'envoy.network.upstream_subject_alt_names'

/** The one object it may set. It is a condition of security: what is not carried out refuses the resource. */
export function compileSetFilterState(at: string, bytes: Uint8Array): FormatTemplate {
  const { onNewConnection } = readStrict(at, lean.readNetworkSetFilterState, bytes)
  const [value, second] = onNewConnection
  if (value === undefined) return refuse(`${at}.on_new_connection`, 'is empty')
  if (second !== undefined) return refuse(`${at}.on_new_connection[1]`, 'a second object is not supported')
  const where = `${at}.on_new_connection[0]`
  if (value.objectKey !== upstreamNames)
    return refuse(`${where}.object_key`, `${value.objectKey ?? 'nothing'} is not supported, only ${upstreamNames}`)
  const format = value.formatString
  const text = format?.textFormat ?? format?.textFormatSource?.inlineString
  if (text === undefined) return refuse(`${where}.format_string`, 'is no inline text')
  return compileFormat(`${where}.format_string`, text)
}
