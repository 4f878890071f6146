import { dynamicHost } from '@weft/engine'
import type { HostAnswer } from '../cluster/host-cache.ts'
import { exchangeErrors } from '../exchange/error-table.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { upstreamClusterOf } from '../exchange/upstream-cluster-of.ts'
import type { FilterKind } from './http-filter.ts'

/** `envoy.filters.http.dynamic_forward_proxy`: a request to a cluster that takes what requests name waits until its host is known. */
export const dynamicHostFilter: FilterKind = {
  onRequestHead(exchange, _filter, override) {
    const cluster = upstreamClusterOf(exchange)
    if (cluster === undefined || cluster.cluster.discovery.kind !== 'dynamic') return 'continue'
    if (override?.kind === 'dynamic-host') {
      const { literal, header } = override
      const named = literal ?? (header === undefined ? undefined : exchange.head.headerLine(header, 0))
      if (named !== undefined && named !== '') exchange.head.authorityText = named
    }
    const host = dynamicHost(cluster.cluster, exchange.head.authorityText)
    if (host === undefined) {
      exchange.fail(exchangeErrors.emptyHost)
      return 'stop'
    }
    exchange.dynamicHost = host
    const answer = cluster.findHost(host, (late) => {
      if (goesOn(exchange, late)) exchange.continueRequest()
    })
    if (typeof answer !== 'function') return goesOn(exchange, answer) ? 'continue' : 'stop'
    exchange.onDone(answer)
    return 'stop'
  },
}

function goesOn(exchange: Exchange, answer: HostAnswer): boolean {
  switch (answer.kind) {
    case 'found':
      return true
    case 'failed':
      exchange.fail(exchangeErrors.dnsFailure, answer.detail)
      return false
    case 'full':
      exchange.fail(exchangeErrors.dnsCacheOverflow)
      return false
    case 'too-many-waiting':
      exchange.fail(exchangeErrors.dnsPendingOverflow)
      return false
  }
}
