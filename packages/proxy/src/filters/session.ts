import { concerns, sessionEndpoint, sessionLine } from '@weft/engine'
import { addHeader, setHeader } from '../codec/head-edits.ts'
import type { FilterKind } from './http-filter.ts'

/** `envoy.filters.http.stateful_session`: requests of one session go to the endpoint that answered the first of them. */
export const sessionFilter: FilterKind = {
  onRequestHead(exchange, filter, override) {
    const session =
      override?.kind === 'session' ? override.session : filter.kind === 'session' ? filter.session : undefined
    if (session === undefined || !concerns(session.state, exchange.head.path())) return 'continue'
    const { state, strict } = session
    const { clock } = exchange.context.runtime
    const key = sessionEndpoint(state, exchange.head, clock.wallMs())
    if (key !== undefined) exchange.wanted = { key, strict }
    exchange.editAnswer((head) => {
      const went = exchange.upstream?.endpoint?.key
      if (went === undefined || went === key) return
      const [name, value] = sessionLine(state, went, clock.wallMs())
      if (name === 'set-cookie') addHeader(head, name, value)
      else setHeader(head, name, value)
    })
    return 'continue'
  },
}
