import { editHeaders } from '@weft/engine'
import type { Exchange } from './exchange.ts'
import { addLines } from '../codec/head-edits.ts'
import { HeadTarget } from './header-target.ts'
import { readOperator } from './read-operator.ts'

/** Applies the route's header rules to a request that goes upstream. */
export function editRequest(exchange: Exchange): void {
  const { plan } = exchange
  if (plan === undefined || plan.requestLevels.length === 0) return
  const { requestAdditions, requestLevels } = plan
  if (requestAdditions !== undefined) return addLines(exchange.head.head, requestAdditions)
  const target = new HeadTarget(exchange.head.head, (value) => {
    exchange.head.authorityText = value
  })
  editHeaders('request', requestLevels, target, (operator) => readOperator(operator, exchange))
}
