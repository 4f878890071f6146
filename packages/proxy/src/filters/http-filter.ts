import type { FilterOverride, HttpFilter, HttpConnectionManager } from '@weft/engine'
import type { Exchange } from '../exchange/exchange.ts'
import { faultFilter } from './fault.ts'
import { rbacFilter } from './rbac.ts'

/** `continue`: go on to the next filter. `stop`: the filter answered, or goes on later by `continueRequest`. */
export type FilterVerdict = 'continue' | 'stop'

/**
 * One kind of http filter: implements the phases it needs. Stateless; what it keeps for an exchange it registers with
 * `exchange.onDone`.
 */
export interface FilterKind {
  /** The request's head, after routing. `override` is the route's own setting of this filter. */
  onRequestHead(exchange: Exchange, filter: HttpFilter, override: FilterOverride | undefined): FilterVerdict
}

/** All kinds but the router, which every chain ends with. A new kind is added here and in the engine's model. */
const kinds: Readonly<Record<string, FilterKind>> = { rbac: rbacFilter, fault: faultFilter }

/** A filter of a chain, ready to run. */
export interface RunnableFilter {
  readonly filter: HttpFilter
  readonly kind: FilterKind
}

const chains = new WeakMap<HttpConnectionManager, readonly RunnableFilter[]>()

/** The filters of a manager in front of its router, in the order of the configuration. */
export function filterChain(manager: HttpConnectionManager): readonly RunnableFilter[] {
  const known = chains.get(manager)
  if (known !== undefined) return known
  const chain: RunnableFilter[] = []
  for (const filter of manager.httpFilters) {
    const kind = kinds[filter.kind]
    if (kind !== undefined) chain.push({ filter, kind })
  }
  chains.set(manager, chain)
  return chain
}
