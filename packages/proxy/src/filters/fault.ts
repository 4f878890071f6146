import { decideFault, type Fault, type FaultDecision, type FilterOverride, type HttpFilter } from '@weft/engine'
import type { Exchange } from '../exchange/exchange.ts'
import type { FilterKind } from './http-filter.ts'

/** Faults going on now, by configuration, for `max_active_faults`. */
const active = new WeakMap<Fault, number>()

/** `envoy.filters.http.fault`: delays, then aborts, a share of the requests. */
export const faultFilter: FilterKind = {
  asks: (filter, override) => faultOf(filter, override) !== undefined,
  onRequestHead(exchange, filter, override) {
    const fault = faultOf(filter, override)
    if (fault === undefined) return 'continue'
    const { random } = exchange.context
    const draws = { delay: random.float(), abort: random.float() }
    const decision = decideFault(fault, exchange, draws, exchange.clusterName ?? '')
    if (decision.delayMs === undefined && decision.abort === undefined) return 'continue'
    if (fault.maxActive !== undefined && (active.get(fault) ?? 0) >= fault.maxActive) return 'continue'
    active.set(fault, (active.get(fault) ?? 0) + 1)
    exchange.onDone(() => active.set(fault, (active.get(fault) ?? 1) - 1))
    if (decision.delayMs === undefined) return abort(exchange, decision) ? 'stop' : 'continue'
    delay(exchange, decision, decision.delayMs)
    return 'stop'
  },
}

/** Undefined: nothing is ever injected. */
function faultOf(filter: HttpFilter, override: FilterOverride | undefined): Fault | undefined {
  const fault = override?.kind === 'fault' ? override.fault : filter.kind === 'fault' ? filter.fault : undefined
  return fault?.delay === undefined && fault?.abort === undefined ? undefined : fault
}

function delay(exchange: Exchange, decision: FaultDecision, delayMs: number): void {
  exchange.flag('DI')
  const timer = exchange.context.runtime.timers.set(delayMs, () => {
    if (!abort(exchange, decision)) exchange.continueRequest()
  })
  exchange.onDone(() => timer.cancel())
}

function abort(exchange: Exchange, decision: FaultDecision): boolean {
  if (decision.abort === undefined) return false
  exchange.flag('FI')
  const { status, grpcStatus } = decision.abort
  exchange.reply({ status, grpcStatus, body: 'fault filter abort', details: 'fault_filter_abort' })
  return true
}
