// Whether a fault filter delays or aborts a request (envoy.filters.http.fault).
import type { Fault } from '../model.ts'
import type { Subject } from '../request-head.ts'

/** Two independent draws in [0, 1). */
export interface FaultDraws {
  readonly delay: number
  readonly abort: number
}

/** What to inject. The delay comes first. */
export interface FaultDecision {
  readonly delayMs: number | undefined
  readonly abort: { readonly status: number; readonly grpcStatus: number | undefined } | undefined
}

const nothing: FaultDecision = Object.freeze({ delayMs: undefined, abort: undefined })

/** Decides. `cluster` is the name of the upstream cluster the route chose ('' when none). */
export function decideFault(fault: Fault, subject: Subject, draws: FaultDraws, cluster: string): FaultDecision {
  if (fault.upstreamCluster !== '' && fault.upstreamCluster !== cluster) return nothing
  if (fault.downstreamNodes.length > 0) {
    const node = subject.head.header('x-envoy-downstream-service-node')
    if (node === undefined || !fault.downstreamNodes.includes(node)) return nothing
  }
  if (!fault.headers.test(subject)) return nothing
  return { delayMs: delayOf(fault, subject, draws.delay), abort: abortOf(fault, subject, draws.abort) }
}

function delayOf(fault: Fault, subject: Subject, draw: number): number | undefined {
  const delay = fault.delay
  if (delay === undefined) return undefined
  const fromHeader = delay.fixedMs === undefined
  const delayMs = delay.fixedMs ?? headerNumber(subject, 'x-envoy-fault-delay-request')
  if (delayMs === undefined) return undefined
  const limit = fromHeader ? headerNumber(subject, 'x-envoy-fault-delay-request-percentage') : undefined
  return hits(delay, limit, draw) ? delayMs : undefined
}

function abortOf(fault: Fault, subject: Subject, draw: number): FaultDecision['abort'] {
  const abort = fault.abort
  if (abort === undefined) return undefined
  const fromHeader = abort.what === 'header'
  const answer = fromHeader ? headerAbort(subject) : fixedAbort(abort.what)
  if (answer === undefined) return undefined
  const limit = fromHeader ? headerNumber(subject, 'x-envoy-fault-abort-request-percentage') : undefined
  return hits(abort, limit, draw) ? answer : undefined
}

function fixedAbort(
  what: { readonly status: number } | { readonly grpcStatus: number } | 'header',
): FaultDecision['abort'] {
  if (what === 'header') return undefined
  if ('status' in what) return { status: what.status, grpcStatus: undefined }
  return { status: 200, grpcStatus: what.grpcStatus }
}

function headerAbort(subject: Subject): FaultDecision['abort'] {
  const status = headerNumber(subject, 'x-envoy-fault-abort-request')
  if (status !== undefined && status >= 200 && status < 600) return { status, grpcStatus: undefined }
  const grpcStatus = headerNumber(subject, 'x-envoy-fault-abort-grpc-request')
  return grpcStatus === undefined ? undefined : { status: 200, grpcStatus }
}

/** A request's own percentage may lower the configured one, never raise it. */
function hits(
  fraction: { readonly numerator: number; readonly denominator: number },
  limit: number | undefined,
  draw: number,
): boolean {
  const numerator = limit === undefined ? fraction.numerator : Math.min(limit, fraction.numerator)
  return Math.floor(draw * fraction.denominator) < numerator
}

function headerNumber(subject: Subject, name: string): number | undefined {
  const text = subject.head.header(name)
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}
