// Whether one match of a VirtualService takes everything another one takes. Says no when it cannot tell.
import { canonicalJson } from '../../content-hash.ts'
import { type Fields, fieldsOf, listOf, textOf, textsOf } from '../written-object.ts'

/** The lists of rules a VirtualService has. */
export type MatchProtocol = 'http' | 'tls' | 'tcp'

const texts = ['uri', 'scheme', 'method', 'authority'] as const
const maps = ['headers', 'withoutHeaders', 'queryParams'] as const
const listsOfText = ['gateways'] as const
const equal = ['sourceNamespace', 'statPrefix', 'sourceSubnet'] as const
const known: ReadonlySet<string> = new Set<string>([
  ...texts,
  ...maps,
  ...listsOfText,
  ...equal,
  'port',
  'sourceLabels',
  'ignoreUriCase',
  'destinationSubnets',
  'sniHosts',
  'name',
])

/** Whether `wide` holds whenever `narrow` holds. */
export function coversMatch(wide: Fields, narrow: Fields, protocol: MatchProtocol): boolean {
  if (Object.keys(wide).some((field) => !known.has(field))) return false
  if (wide['ignoreUriCase'] !== narrow['ignoreUriCase'] && wide['uri'] !== undefined) return false
  return (
    texts.every((field) => coversText(wide[field], narrow[field], field === 'uri')) &&
    maps.every((field) => coversMap(wide[field], narrow[field], field)) &&
    listsOfText.every((field) => coversList(wide[field], narrow[field])) &&
    equal.every((field) => field === 'statPrefix' || wide[field] === undefined || wide[field] === narrow[field]) &&
    (wide['port'] === undefined || wide['port'] === narrow['port']) &&
    coversLabels(wide['sourceLabels'], narrow['sourceLabels']) &&
    coversList(wide['destinationSubnets'], narrow['destinationSubnets']) &&
    (protocol !== 'tls' || coversHosts(wide['sniHosts'], narrow['sniHosts']))
  )
}

function coversText(wide: unknown, narrow: unknown, isPath: boolean): boolean {
  if (wide === undefined) return true
  if (narrow === undefined) return isPath && fieldsOf(wide)['prefix'] === '/'
  if (canonicalJson(wide) === canonicalJson(narrow)) return true
  const prefix = fieldsOf(wide)['prefix']
  const { exact, prefix: longer } = fieldsOf(narrow)
  if (typeof prefix !== 'string') return false
  return [exact, longer].some((text) => typeof text === 'string' && text.startsWith(prefix))
}

/** A condition of `wide` on a header must follow from one of `narrow` on the same. */
function coversMap(wide: unknown, narrow: unknown, field: string): boolean {
  const wanted = Object.entries(fieldsOf(wide))
  const given = fieldsOf(narrow)
  return wanted.every(([name, condition]) => {
    if (!Object.hasOwn(given, name)) return false
    if (canonicalJson(condition) === canonicalJson(given[name])) return true
    return field !== 'withoutHeaders' && coversText(condition, given[name], false)
  })
}

function coversLabels(wide: unknown, narrow: unknown): boolean {
  const given = fieldsOf(narrow)
  return Object.entries(fieldsOf(wide)).every(([label, value]) => given[label] === value)
}

function coversList(wide: unknown, narrow: unknown): boolean {
  if (listOf(wide).length === 0) return true
  const given = textsOf(narrow)
  return given.length > 0 && given.every((each) => listOf(wide).includes(each))
}

function coversHosts(wide: unknown, narrow: unknown): boolean {
  const patterns = textsOf(wide)
  const hosts = textsOf(narrow)
  return (
    patterns.length > 0 &&
    hosts.length > 0 &&
    hosts.every((host) =>
      patterns.some(
        (pattern) => pattern === host || (pattern.startsWith('*') && textOf(host).endsWith(pattern.slice(1))),
      ),
    )
  )
}
