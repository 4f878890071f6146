// envoy.extensions.filters.http.fault.v3.HTTPFault.
import type { FaultAbort, FaultDelay, HTTPFault } from '@weft/xds/lean'
import { makeRule } from '../match/closure.ts'
import type { Fault } from '../model.ts'
import { compileFraction } from './fraction.ts'
import { compileHeaders } from './header-matcher.ts'
import { type Context, refuse } from './refusal.ts'

/** An HTTPFault. */
export function compileFault(context: Context, at: string, fault: HTTPFault): Fault {
  return {
    delay: fault.delay === undefined ? undefined : compileDelay(`${at}.delay`, fault.delay),
    abort: fault.abort === undefined ? undefined : compileAbort(`${at}.abort`, fault.abort),
    headers: makeRule({ op: 'and', all: compileHeaders(context, `${at}.headers`, fault.headers) }),
    upstreamCluster: fault.upstreamCluster,
    downstreamNodes: fault.downstreamNodes,
    maxActive: fault.maxActiveFaults,
  }
}

function compileDelay(at: string, delay: FaultDelay): Fault['delay'] {
  const fixedMs = delay.headerDelay === undefined ? delay.fixedDelay : undefined
  if (delay.headerDelay === undefined && !(fixedMs !== undefined && fixedMs > 0)) {
    return refuse(`${at}.fixed_delay`, 'must be greater than 0')
  }
  return { fixedMs, ...compileFraction(delay.percentage) }
}

function compileAbort(at: string, abort: FaultAbort): Fault['abort'] {
  const fraction = compileFraction(abort.percentage)
  if (abort.headerAbort !== undefined) return { what: 'header', ...fraction }
  if (abort.grpcStatus !== undefined) return { what: { grpcStatus: abort.grpcStatus }, ...fraction }
  const status = abort.httpStatus
  if (status === undefined || status < 200 || status > 599) return refuse(`${at}.http_status`, 'must be in 200..599')
  return { what: { status }, ...fraction }
}
