import { editHeaders } from '@weft/engine'
import type { Exchange } from './exchange.ts'
import { HeadTarget } from './header-target.ts'
import { readOperator } from './read-operator.ts'

/** Applies the route's header rules to a request that goes upstream. */
export function editRequest(exchange: Exchange): void {
  const levels = exchange.plan?.requestLevels ?? []
  if (levels.length === 0) return
  const target = new HeadTarget(exchange.head.head, (value) => {
    exchange.head.authorityText = value
  })
  editHeaders('request', levels, target, (operator) => readOperator(operator, exchange))
}
