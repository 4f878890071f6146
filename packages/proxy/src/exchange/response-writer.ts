// The head of an upstream's response as it goes downstream.
import { editHeaders } from '@weft/engine'
import { addLines, dropKind } from '../codec/head-edits.ts'
import { HeaderKind } from '../codec/header-kind.ts'
import type { MessageHead } from '../codec/message-head.ts'
import type { Exchange } from './exchange.ts'
import { HeadTarget } from './header-target.ts'
import { readOperator } from './read-operator.ts'

/** Adds what the proxy itself says in a response; hop-by-hop headers are off already, header rules applied. */
export function addOwnHeaders(exchange: Exchange, head: MessageHead): void {
  const { manager } = exchange
  const { added } = head
  if (!exchange.suppressEnvoyHeaders) {
    dropKind(head, HeaderKind.X_ENVOY_UPSTREAM_SERVICE_TIME)
    // An answer that comes before the request is whole took no time of its own.
    if (exchange.body.complete && !exchange.switches)
      added.push('x-envoy-upstream-service-time', String(Math.round(exchange.upstreamServiceMs ?? 0)))
  }
  if (exchange.attemptCountInResponse) added.push('x-envoy-attempt-count', String(exchange.attempts))
  if (!head.has(HeaderKind.DATE)) added.push('date', exchange.context.date.value())
  if (manager.serverHeader === 'overwrite') {
    dropKind(head, HeaderKind.SERVER)
    added.push('server', manager.serverName)
  } else if (manager.serverHeader === 'append-if-absent' && !head.has(HeaderKind.SERVER)) {
    added.push('server', manager.serverName)
  }
  if (manager.via !== '') added.push('via', manager.via)
  if (manager.requestId.inResponse && exchange.requestId !== undefined) added.push('x-request-id', exchange.requestId)
}

/** Applies the route's header rules to an upstream's response. */
export function editResponse(exchange: Exchange, head: MessageHead): void {
  const { plan } = exchange
  if (plan === undefined || plan.responseLevels.length === 0) return
  const { responseAdditions, responseLevels } = plan
  if (responseAdditions !== undefined) return addLines(head, responseAdditions)
  editHeaders('response', responseLevels, new HeadTarget(head), (operator) => readOperator(operator, exchange))
}
