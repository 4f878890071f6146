// The head of an upstream's response as it goes downstream.
import { dropHeader, dropKind } from '../codec/head-edits.ts'
import type { H1Head } from '../codec/h1/h1-head.ts'
import { HeaderKind } from '../codec/header-kind.ts'
import { editHeaders } from '@weft/engine'
import type { Exchange } from './exchange.ts'
import { HeadTarget } from './header-target.ts'
import { readOperator } from './read-operator.ts'

/** Text of the response's head; hop-by-hop headers are off already, header rules applied. */
export function responseHeadText(exchange: Exchange, head: H1Head, chunked: boolean, connectionLine: string): string {
  const { manager } = exchange
  let added = ''
  if (!exchange.suppressEnvoyHeaders) {
    if (head.has(HeaderKind.X_ENVOY)) dropHeader(head, 'x-envoy-upstream-service-time')
    added = `x-envoy-upstream-service-time: ${Math.round(exchange.upstreamServiceMs ?? 0)}\r\n`
  }
  if (exchange.attemptCountInResponse) added += `x-envoy-attempt-count: ${exchange.attempts}\r\n`
  if (!head.has(HeaderKind.DATE)) added += `date: ${exchange.context.date.value()}\r\n`
  if (manager.serverHeader === 'overwrite') {
    dropKind(head, HeaderKind.SERVER)
    added += `server: ${manager.serverName}\r\n`
  } else if (manager.serverHeader === 'append-if-absent' && !head.has(HeaderKind.SERVER)) {
    added += `server: ${manager.serverName}\r\n`
  }
  if (manager.via !== '') added += `via: ${manager.via}\r\n`
  if (manager.requestId.inResponse && exchange.requestId !== undefined) {
    added += `x-request-id: ${exchange.requestId}\r\n`
  }
  if (chunked) added += 'transfer-encoding: chunked\r\n'
  // The status line as the upstream wrote it, but in our version.
  const statusLine =
    head.minor === 1 ? head.text.slice(0, head.firstLine) : `HTTP/1.1${head.text.slice(8, head.firstLine)}`
  return `${statusLine}${head.lines()}${added}${connectionLine}\r\n`
}

/** Applies the route's header rules to an upstream's response. */
export function editResponse(exchange: Exchange, head: H1Head): void {
  const levels = exchange.plan?.responseLevels ?? []
  if (levels.length === 0) return
  editHeaders('response', levels, new HeadTarget(head), (operator) => readOperator(operator, exchange))
}
