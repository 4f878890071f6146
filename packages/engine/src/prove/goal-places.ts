// What a condition looks at, as places of which a change touches one: conditions on different places need a change each.
import type { Predicate } from '../predicate.ts'

/** Places by name; `query` is the whole of which `query a` is a part. */
export type Places = ReadonlySet<string>

/** Every place that the condition looks at. */
export function placesOf(predicate: Predicate): Places {
  return new Set(listed(predicate))
}

function listed(predicate: Predicate): readonly string[] {
  switch (predicate.op) {
    case 'and':
      return predicate.all.flatMap(listed)
    case 'or':
      return predicate.any.flatMap(listed)
    case 'not':
      return listed(predicate.not)
    case 'test':
      return attributePlaces({ key: undefined, ...predicate.attribute })
    default:
      return []
  }
}

/** The places of an attribute, or of a change of it. */
export function attributePlaces({
  name,
  key = '',
}: {
  readonly name: string
  readonly key?: string | undefined
}): readonly string[] {
  switch (name) {
    case 'request.path':
      return ['path', 'query']
    case 'request.url_path':
      return ['path']
    case 'request.query':
      return ['query']
    case 'request.query_params':
      return [`query ${key}`]
    case 'request.headers':
      return [`header ${key}`]
    case 'request.host':
    case 'request.host_name':
      return ['host']
    case 'source.principal':
    case 'connection.tls':
    case 'connection.mtls':
      return ['peer']
    case 'source.address':
    case 'source.direct_address':
      return ['source']
    default:
      return [name]
  }
}

/** Whether one change could serve both. */
export function overlap(places: Places, touched: Places): boolean {
  return [...places].some((place) =>
    [...touched].some((other) => place === other || isPart(place, other) || isPart(other, place)),
  )
}

function isPart(place: string, whole: string): boolean {
  return whole === 'query' && place.startsWith('query ')
}
