// HeaderValueOption lists of route configurations, virtual hosts, routes and weighted clusters.
import type { HeaderValueOption } from '@weft/xds/lean'
import type { HeaderOption, HeaderRules } from '../model.ts'
import { compileFormat } from './format.ts'
import { refuse } from './refusal.ts'

/** The four fields that every level of a route configuration has. */
export interface HeaderFields {
  readonly requestHeadersToAdd: readonly HeaderValueOption[]
  readonly requestHeadersToRemove: readonly string[]
  readonly responseHeadersToAdd: readonly HeaderValueOption[]
  readonly responseHeadersToRemove: readonly string[]
}

/** Changes nothing. */
const noHeaderRules: HeaderRules = Object.freeze({
  requestAdd: [],
  requestRemove: [],
  responseAdd: [],
  responseRemove: [],
})

/** Header changes of one level. Envoy refuses changes of pseudo headers and Host. */
export function compileHeaderRules(at: string, from: HeaderFields): HeaderRules {
  const none =
    from.requestHeadersToAdd.length === 0 &&
    from.requestHeadersToRemove.length === 0 &&
    from.responseHeadersToAdd.length === 0 &&
    from.responseHeadersToRemove.length === 0
  if (none) return noHeaderRules
  return {
    requestAdd: compileHeaderOptions(`${at}.request_headers_to_add`, from.requestHeadersToAdd),
    requestRemove: compileRemovals(`${at}.request_headers_to_remove`, from.requestHeadersToRemove),
    responseAdd: compileHeaderOptions(`${at}.response_headers_to_add`, from.responseHeadersToAdd),
    responseRemove: compileRemovals(`${at}.response_headers_to_remove`, from.responseHeadersToRemove),
  }
}

function compileRemovals(at: string, names: readonly string[]): readonly string[] {
  return names.map((name) => name.toLowerCase()).filter((name) => isChangeable(at, name))
}

/** The headers of one `..._to_add` list. */
export function compileHeaderOptions(at: string, options: readonly HeaderValueOption[]): readonly HeaderOption[] {
  return options.map((option, index) => {
    const here = `${at}[${index}]`
    const header = option.header
    if (header === undefined || header.key === '') return refuse(`${here}.header`, 'is missing')
    const name = header.key.toLowerCase()
    isChangeable(here, name)
    if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name))
      return refuse(`${here}.header.key`, `"${header.key}" is not a header name`)
    const text = header.rawValue.length > 0 ? latin1(header.rawValue) : header.value
    if (/[\0\r\n]/.test(text)) return refuse(`${here}.header.value`, 'holds a line break or NUL')
    return {
      name,
      writtenName: header.key,
      value: compileFormat(`${here}.header.value`, text),
      action: actionOf(option),
      keepEmptyValue: option.keepEmptyValue,
    }
  })
}

function isChangeable(at: string, name: string): boolean {
  return name.startsWith(':') || name === 'host' ? refuse(at, ':-prefixed or host headers may not be modified') : true
}

function actionOf(option: HeaderValueOption): HeaderOption['action'] {
  if (option.append !== undefined) return option.append ? 'append-or-add' : 'overwrite-or-add'
  switch (option.appendAction) {
    case 'ADD_IF_ABSENT':
      return 'add-if-absent'
    case 'OVERWRITE_IF_EXISTS_OR_ADD':
      return 'overwrite-or-add'
    case 'OVERWRITE_IF_EXISTS':
      return 'overwrite-if-exists'
    default:
      return 'append-or-add'
  }
}

function latin1(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}
