import { decideCors } from '@weft/engine'
import { setHeader } from '../codec/head-edits.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { FilterKind } from './http-filter.ts'

/** `envoy.filters.http.cors`: answers preflights, and says in other answers which pages may read them. */
export const corsFilter: FilterKind = {
  asks: (_filter, override) => override?.kind === 'cors',
  onRequestHead(exchange, _filter, override) {
    if (override?.kind !== 'cors' || exchange.route?.action.kind !== 'route') return 'continue'
    const decision = decideCors(override.policy, exchange.head, exchange.context.random.float())
    if (decision.kind === 'none') return 'continue'
    count(exchange, decision.origin.by !== undefined)
    if (decision.kind === 'preflight') {
      exchange.reply({ status: 200, details: 'cors_response', headers: decision.headers, asIs: true })
      return 'stop'
    }
    if (decision.kind === 'actual' && decision.headers.length > 0) {
      const { headers } = decision
      exchange.editAnswer((head) => {
        for (let at = 0; at < headers.length; at += 2) setHeader(head, headers[at] as string, headers[at + 1] as string)
      })
    }
    return 'continue'
  },
}

function count({ context, manager }: Exchange, valid: boolean): void {
  const family = context.metrics.counter({
    name: `envoy_http_cors_origin_${valid ? 'valid' : 'invalid'}`,
    help: `Requests from origins that a CORS policy ${valid ? 'allows' : 'does not allow'}.`,
    labels: ['envoy_http_conn_manager_prefix'],
  })
  family.add(family.series([manager.statPrefix]), 1)
}
