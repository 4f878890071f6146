import { type FilterOverride, type HttpConnectionManager, type HttpFilter, isFilterEnabled } from '@weft/engine'
import type { MessageHead } from '../codec/message-head.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { corsFilter } from './cors.ts'
import { dynamicHostFilter } from './dynamic-host.ts'
import { faultFilter } from './fault.ts'
import { grpcWebFilter } from './grpc-web.ts'
import { rateLimitFilter } from './rate-limit.ts'
import { rbacFilter } from './rbac.ts'
import { sessionFilter } from './session.ts'

/** `continue`: go on to the next filter. `stop`: the filter answered, or goes on later by `continueRequest`. */
export type FilterVerdict = 'continue' | 'stop'

/** Takes body bytes; valid during the call. */
export type BodySink = (bytes: Buffer, start: number, end: number) => void

/**
 * One filter at work on one exchange, behind what its kind decided: implements the phases it needs. It may answer by
 * `exchange.reply` in each of them. Bytes go on when it calls `next`, as often as it likes.
 */
export interface StreamFilter {
  onRequestHead?(): FilterVerdict
  onRequestData?(bytes: Buffer, start: number, end: number, next: BodySink): void
  /** Returns the trailers that go on. */
  onRequestEnd?(trailers: MessageHead | undefined, next: BodySink): MessageHead | undefined
  /** Answers of our own come here too. `end`: no body and no trailers follow. */
  onResponseHead?(head: MessageHead, end: boolean): void
  onResponseData?(bytes: Buffer, start: number, end: number, next: BodySink): void
  /** Returns the trailers that go on. */
  onResponseEnd?(trailers: MessageHead | undefined, next: BodySink): MessageHead | undefined
}

/**
 * One kind of http filter: implements the phases it needs. Stateless; what it keeps for an exchange it registers with
 * `exchange.onDone`, or keeps in a `StreamFilter`.
 */
export interface FilterKind {
  /** Whether these settings ask anything of requests; absent: they always do. What asks nothing is not run. */
  asks?(filter: HttpFilter, override: FilterOverride | undefined): boolean
  /** The request's head, after routing. `override` is the route's own setting of this filter. */
  onRequestHead?(exchange: Exchange, filter: HttpFilter, override: FilterOverride | undefined): FilterVerdict
  /**
   * Before any filter runs: what of the exchange behind its request's head concerns this filter; undefined: nothing.
   * It changes nothing yet.
   */
  begin?(exchange: Exchange, filter: HttpFilter, override: FilterOverride | undefined): StreamFilter | undefined
}

/** All kinds but the router, which every chain ends with. A new kind is added here and in the engine's model. */
const kinds: Readonly<Record<string, FilterKind>> = {
  rbac: rbacFilter,
  cors: corsFilter,
  fault: faultFilter,
  'grpc-web': grpcWebFilter,
  'rate-limit': rateLimitFilter,
  session: sessionFilter,
  'dynamic-host': dynamicHostFilter,
}

/** A filter of a chain with what a route says of it, ready to run. */
export interface RunnableFilter {
  readonly filter: HttpFilter
  readonly kind: FilterKind
  readonly override: FilterOverride | undefined
}

/** The filters of a manager in front of its router that have something to do, in the order of the configuration. */
export interface FilterChain {
  readonly manager: HttpConnectionManager
  readonly filters: readonly RunnableFilter[]
  /** Whether any of them may want more than the request's head. */
  readonly streams: boolean
}

const chains = new WeakMap<HttpConnectionManager, FilterChain>()

/** The filters of requests that have no route. */
export function filterChain(manager: HttpConnectionManager): FilterChain {
  let chain = chains.get(manager)
  if (chain === undefined) chains.set(manager, (chain = makeFilterChain(manager, () => undefined)))
  return chain
}

/** The filters of requests that have a route, which says something of some of them. */
export function makeFilterChain(
  manager: HttpConnectionManager,
  overrideOf: (name: string) => FilterOverride | undefined,
): FilterChain {
  const filters: RunnableFilter[] = []
  for (const filter of manager.httpFilters) {
    const kind = kinds[filter.kind]
    const override = overrideOf(filter.name)
    if (kind === undefined || !isFilterEnabled(filter, override) || kind.asks?.(filter, override) === false) continue
    filters.push({ filter, kind, override })
  }
  return { manager, filters, streams: filters.some(({ kind }) => kind.begin !== undefined) }
}
