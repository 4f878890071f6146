import { authorize } from '@weft/engine'
import type { FilterKind } from './http-filter.ts'

/** `envoy.filters.http.rbac`: 403 for what no ALLOW policy matches, or a DENY policy does. */
export const rbacFilter: FilterKind = {
  onRequestHead(exchange, filter, override) {
    const rules = override?.kind === 'rbac' ? override : filter.kind === 'rbac' ? filter : undefined
    if (rules === undefined) return 'continue'
    const { allowed, policy } = authorize(rules.rules, rules.shadow, exchange)
    if (allowed) return 'continue'
    exchange.reply({
      status: 403,
      body: 'RBAC: access denied',
      details: `rbac_access_denied_matched_policy[${policy ?? 'none'}]`,
    })
    return 'stop'
  },
}
