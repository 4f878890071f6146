// What a route makes of a request before it goes upstream.
import { editHeaders, type HeaderTarget, headerLevels, receivedValue } from '../decide/header-edits.ts'
import type { Routed } from '../decide/filter-override.ts'
import { rewriteRequest } from '../decide/rewrite.ts'
import { namedHeader } from '../match/attribute.ts'
import type { FormatOperator } from '../model.ts'
import { type PlainRequest, plainHead, type Subject } from '../request-head.ts'

/** The request as the upstream gets it: the header changes of the route first, then its rewrites, as in Envoy. */
export function changedRequest(request: PlainRequest, subject: Subject, routed: Routed): PlainRequest {
  const headers = new Map<string, readonly string[]>()
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    const key = name.toLowerCase()
    headers.set(key, [...(headers.get(key) ?? []), ...(typeof value === 'string' ? [value] : value)])
  }
  const target: HeaderTarget = {
    has: (name) => headers.has(name),
    add: (name, value) => headers.set(name, [...(headers.get(name) ?? []), value]),
    set: (name, value) => headers.set(name, [value]),
    remove: (name) => headers.delete(name),
  }
  const name = routed.route.name || undefined
  editHeaders('request', headerLevels(routed), target, (operator) => operatorValue(operator, subject, headers, name))
  const received = [...headers].map(([name, values]) => [name, values.map(receivedValue)] as const)
  const edited = { ...request, headers: Object.fromEntries(received) }
  return { ...edited, ...rewriteRequest(routed.route, routed.leg, plainHead(edited), '') }
}

/** The operators that depend on nothing but the request, its connection and its route; others are left empty. */
function operatorValue(
  operator: FormatOperator,
  subject: Subject,
  headers: ReadonlyMap<string, readonly string[]>,
  ownName: string | undefined,
): string | undefined {
  switch (operator.operator) {
    case 'ROUTE_NAME':
      return ownName
    case 'PROTOCOL':
      return /^h2c?$/.test(subject.connection.applicationProtocols[0] ?? '') ? 'HTTP/2' : 'HTTP/1.1'
    case 'REQ':
      return operator.argument
        ?.split('?')
        .map((name) =>
          name.startsWith(':') ? namedHeader(subject.head, name.toLowerCase()) : headers.get(name.toLowerCase())?.[0],
        )
        .find((value) => value !== undefined)
    case 'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT':
      return subject.connection.remoteAddress
    case 'DOWNSTREAM_PEER_URI_SAN':
      return subject.connection.peerNames[0]
    default:
      return undefined
  }
}
