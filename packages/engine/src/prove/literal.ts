// A condition that must hold, or must not, and with which others it has to be asked together.
import type { Attribute, ValueTest } from '../predicate.ts'

/** One test of one attribute. */
export interface Literal {
  readonly attribute: Attribute
  readonly test: ValueTest
  readonly missingAsEmpty: boolean
  readonly wanted: boolean
  /** Odd for what must not hold, the even number before it for the same test that must. */
  readonly id: number
}

/** Tests of attributes that depend on each other. */
export type LiteralGroup =
  | { readonly kind: 'text' | 'lines' | 'address' | 'number' | 'fixed'; readonly attribute: Attribute }
  | { readonly kind: 'path' | 'host' | 'peer' | 'draw' | 'unread' }

/** The group of an attribute. `whole`: some condition of the goal looks at path and query as one, or asks for there being none. */
export function groupOf(attribute: Attribute, whole: boolean, isJoined: (header: string) => boolean): LiteralGroup {
  switch (attribute.name) {
    case 'request.path':
    case 'request.query':
      return { kind: 'path' }
    case 'request.url_path':
    case 'request.query_params':
      return whole ? { kind: 'path' } : { kind: 'text', attribute }
    case 'request.headers':
      return { kind: isJoined(attribute.key) ? 'text' : 'lines', attribute }
    case 'request.host':
    case 'request.host_name':
      return { kind: 'host' }
    case 'source.principal':
    case 'connection.tls':
    case 'connection.mtls':
      return { kind: 'peer' }
    case 'source.address':
    case 'source.direct_address':
    case 'destination.address':
      return { kind: 'address', attribute }
    case 'source.port':
    case 'destination.port':
      return { kind: 'number', attribute }
    case 'destination.principal':
      return { kind: 'fixed', attribute }
    case 'random':
      return { kind: 'draw' }
    case 'metadata':
      return { kind: 'unread' }
    default:
      return { kind: 'text', attribute }
  }
}

/** By which literals of one group are known. */
export function groupKey(group: LiteralGroup): string {
  return 'attribute' in group ? JSON.stringify(group.attribute) : group.kind
}
