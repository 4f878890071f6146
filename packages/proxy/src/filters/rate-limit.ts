import { formatText, type HttpRateLimit, RateLimiter } from '@weft/engine'
import { readOperator } from '../exchange/read-operator.ts'
import type { FilterKind } from './http-filter.ts'

/** Buckets live as long as the filter: a listener that stays the same keeps them. */
const limiters = new WeakMap<HttpRateLimit, RateLimiter>()
const noRecipes: readonly never[] = []

/** `envoy.filters.http.local_ratelimit`: answers what is too much. */
export const rateLimitFilter: FilterKind = {
  onRequestHead(exchange, filter) {
    if (filter.kind !== 'rate-limit') return 'continue'
    let limiter = limiters.get(filter)
    if (limiter === undefined) limiters.set(filter, (limiter = new RateLimiter(filter)))
    const action = exchange.route?.action
    const recipes = action?.kind === 'route' ? action.rateLimits : noRecipes
    if (limiter.admits(recipes, exchange, exchange.context.runtime.clock.nowMs())) return 'continue'
    const headers = filter.headers.flatMap(({ name, value }) => [
      name,
      formatText(value, (operator) => readOperator(operator, exchange), ''),
    ])
    exchange.reply({
      status: filter.status,
      body: 'local_rate_limited',
      details: 'local_rate_limited',
      flag: 'RL',
      headers: ['x-envoy-ratelimited', 'true', ...headers],
    })
    return 'stop'
  },
}
