// A subject with some attributes changed: what counterfactuals are tried on.
import type { Attribute } from '../predicate.ts'
import type { ConnectionFacts, Subject } from '../request-head.ts'
import type { RequestChange } from './proof.ts'

/** The change that gives an attribute a value (undefined removes it); undefined when nobody can change it. */
export function changeOf(attribute: Attribute, value: string | undefined): RequestChange | undefined {
  if (value !== undefined && !canBeWritten(attribute, value)) return undefined
  switch (attribute.name) {
    case 'request.headers':
    case 'request.query_params':
      return { attribute: attribute.name, key: attribute.key, value }
    case 'metadata':
      return undefined
    case 'random':
      return { attribute: 'random', value }
    case 'request.path':
    case 'request.url_path':
      return value?.startsWith('/') === true ? { attribute: attribute.name, value } : undefined
    case 'request.method':
      return value === undefined ? undefined : { attribute: attribute.name, value }
    case 'request.scheme':
      return value === 'http' || value === 'https' ? { attribute: attribute.name, value } : undefined
    case 'request.host':
    case 'request.host_name':
      // A client can write only the whole authority; one without port has the name.
      return value === undefined ? undefined : { attribute: 'request.host', value }
    default:
      return { attribute: attribute.name, value }
  }
}

/** Whether a client can write the value where it belongs (RFC 9110 sections 5.5 and 9.1, RFC 3986 sections 3.2 to 3.4). */
function canBeWritten(attribute: Attribute, value: string): boolean {
  switch (attribute.name) {
    case 'request.headers':
      return /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/.test(value)
    case 'request.query_params':
      return /^[\x21\x22\x24\x25\x27-\x7e]*$/.test(value)
    case 'request.url_path':
      return /^[\x21\x22\x24-\x3e\x40-\x7e]+$/.test(value)
    case 'request.path':
      return /^[\x21\x22\x24-\x7e]+$/.test(value)
    case 'request.method':
      return /^[!#$%&'*+.^_`|~\dA-Za-z-]+$/.test(value)
    case 'request.host':
    case 'request.host_name':
      return /^(?:[\w.~!$&'()*+,;=%-]+|\[[\da-fA-F:.]+\])(?::\d{0,5})?$/.test(value)
    default:
      return true
  }
}

/** The subject with the changes applied, in order. */
export function overlay(subject: Subject, changes: readonly RequestChange[]): Subject {
  let result = subject
  for (const change of changes) result = applyChange(result, change)
  return result
}

function applyChange(subject: Subject, change: RequestChange): Subject {
  const { value } = change
  const { head, connection } = subject
  switch (change.attribute) {
    case 'request.headers': {
      const key = change.key
      const lines = value === undefined ? [] : [value, ...(change.more ?? [])]
      return {
        ...copy(subject),
        head: {
          ...copyHead(subject),
          header: (name) => (name !== key ? head.header(name) : value === undefined ? undefined : lines.join(',')),
          headerLine: (name, index) => (name === key ? lines[index] : head.headerLine(name, index)),
        },
      }
    }
    case 'request.query_params': {
      const query = withParameter(head.query(), change.key ?? '', value)
      return { ...copy(subject), head: { ...copyHead(subject), query: () => query } }
    }
    case 'request.method':
      return { ...copy(subject), head: { ...copyHead(subject), method: () => value ?? '' } }
    case 'request.url_path':
      return { ...copy(subject), head: { ...copyHead(subject), path: () => value ?? '' } }
    case 'request.path': {
      const mark = value?.indexOf('?') ?? -1
      const path = mark < 0 ? (value ?? '') : (value ?? '').slice(0, mark)
      const query = mark < 0 ? undefined : value?.slice(mark + 1)
      return { ...copy(subject), head: { ...copyHead(subject), path: () => path, query: () => query } }
    }
    case 'request.host':
      return { ...copy(subject), head: { ...copyHead(subject), authority: () => value ?? '' } }
    case 'request.scheme':
      return { ...copy(subject), head: { ...copyHead(subject), scheme: () => value ?? '' } }
    case 'random':
      return { ...copy(subject), random: Number(value) }
    case 'source.principal':
      return {
        ...copy(subject),
        connection: { ...connection, tls: true, peerNames: value === undefined ? [] : [value, ...(change.more ?? [])] },
      }
    case 'source.address':
      return { ...copy(subject), trustedAddress: value }
    case 'source.direct_address':
      return { ...copy(subject), connection: { ...connection, remoteAddress: value ?? '' } }
    case 'destination.address':
      return { ...copy(subject), connection: { ...connection, localAddress: value ?? '' } }
    case 'destination.port':
      return { ...copy(subject), connection: { ...connection, localPort: Number(value) } }
    case 'connection.requested_server_name':
      return { ...copy(subject), connection: { ...connection, sni: value } }
    case 'connection.tls':
    case 'connection.mtls':
      return { ...copy(subject), connection: withTls(connection, change.attribute, value !== undefined) }
    default:
      return subject
  }
}

/** Without TLS, or without a certificate, there are no names. */
function withTls(connection: ConnectionFacts, attribute: string, is: boolean): ConnectionFacts {
  if (is) return { ...connection, tls: true }
  return { ...connection, tls: connection.tls && attribute === 'connection.mtls', peerNames: [] }
}

function copy(subject: Subject): Subject {
  return {
    head: subject.head,
    connection: subject.connection,
    random: subject.random,
    trustedAddress: subject.trustedAddress,
    runtime: subject.runtime,
    dynamicMetadata: subject.dynamicMetadata,
  }
}

function copyHead({ head }: Subject): Subject['head'] {
  return {
    method: () => head.method(),
    path: () => head.path(),
    query: () => head.query(),
    authority: () => head.authority(),
    scheme: () => head.scheme(),
    header: (name) => head.header(name),
    headerLine: (name, index) => head.headerLine(name, index),
  }
}

function withParameter(query: string | undefined, name: string, value: string | undefined): string | undefined {
  const kept = (query ?? '').split('&').filter((pair) => pair !== '' && pair.split('=')[0] !== name)
  if (value !== undefined) kept.push(`${name}=${value}`)
  return kept.length === 0 ? undefined : kept.join('&')
}
