// The attribute catalogue: what each of Envoy's attribute names reads from a request and its connection.
import type { Attribute, PlainAttribute } from '../predicate.ts'
import type { Json, RequestHead, Subject } from '../request-head.ts'
import { withoutPort } from './authority.ts'

type Read = (subject: Subject) => string | undefined

const plain: Readonly<Record<PlainAttribute, Read>> = {
  'request.method': (s) => s.head.method(),
  'request.path': (s) => pathWithQuery(s.head),
  'request.url_path': (s) => s.head.path() || undefined,
  'request.query': (s) => s.head.query(),
  'request.host': (s) => authorityOf(s.head),
  'request.host_name': (s) => nameOf(s.head),
  'request.scheme': (s) => s.head.scheme(),
  'source.address': (s) => s.trustedAddress ?? s.connection.remoteAddress,
  'source.direct_address': (s) => s.connection.direct?.address ?? s.connection.remoteAddress,
  'source.port': (s) => String(s.connection.remotePort),
  'source.principal': (s) => s.connection.peerNames[0],
  'destination.address': (s) => s.connection.localAddress,
  'destination.port': (s) => String(s.connection.localPort),
  'destination.principal': (s) => s.connection.localPrincipal,
  'connection.requested_server_name': (s) => s.connection.sni ?? '',
  'connection.tls': (s) => (s.connection.tls ? 'true' : undefined),
  'connection.mtls': (s) => (s.connection.peerNames.length > 0 ? 'true' : undefined),
}

/** An authority may be empty (RFC 9112 section 3.2); undefined only where there is no request. */
function authorityOf(head: RequestHead): string | undefined {
  return head.authority() || (head.method() === '' ? undefined : '')
}

function nameOf(head: RequestHead): string | undefined {
  const authority = authorityOf(head)
  return authority === undefined ? undefined : withoutPort(authority)
}

/** `:path` as HTTP/2 would carry it; undefined for a request without one (CONNECT). */
export function pathWithQuery(head: RequestHead): string | undefined {
  const path = head.path()
  if (path === '') return undefined
  const query = head.query()
  return query === undefined ? path : `${path}?${query}`
}

/** The function that reads an attribute as text; chosen once, so that the hot path does not look names up. */
export function attributeReader(attribute: Attribute): Read {
  switch (attribute.name) {
    case 'request.headers': {
      const key = attribute.key
      return (s) => s.head.header(key) // joined: for people; matching goes line by line
    }
    case 'request.query_params': {
      const key = attribute.key
      return (s) => queryParameter(s.head.query(), key)
    }
    case 'metadata':
      return (s) => {
        const value = metadataValue(s, attribute.filter, attribute.path)
        return typeof value === 'string' ? value : undefined
      }
    case 'random':
      return (s) => String(s.random)
    default:
      return plain[attribute.name]
  }
}

/** First value of a query parameter, undecoded, as Envoy compares it; '' for one without `=`. */
export function queryParameter(query: string | undefined, name: string): string | undefined {
  if (query === undefined) return undefined
  let at = 0
  while (at <= query.length) {
    const amp = query.indexOf('&', at)
    const end = amp < 0 ? query.length : amp
    const equals = query.indexOf('=', at)
    const keyEnd = equals < 0 || equals > end ? end : equals
    if (keyEnd - at === name.length && query.startsWith(name, at))
      return keyEnd === end ? '' : query.slice(keyEnd + 1, end)
    at = end + 1
  }
  return undefined
}

/** Value in the dynamic metadata of a filter. */
export function metadataValue(subject: Subject, filter: string, path: readonly string[]): Json | undefined {
  let value: Json | undefined = subject.dynamicMetadata?.[filter]
  for (const key of path) {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined
    value = (value as { readonly [key: string]: Json })[key]
  }
  return value
}

/** A header by lower-case name as a route configuration may name it: pseudo headers and `host` included; first line. */
export function namedHeader(head: RequestHead, name: string): string | undefined {
  switch (name) {
    case ':authority':
    case 'host':
      return head.authority() || undefined
    case ':path':
      return pathWithQuery(head)
    case ':method':
      return head.method()
    case ':scheme':
      return head.scheme()
    default:
      return head.headerLine(name, 0)
  }
}
