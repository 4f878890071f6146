import type { FormatOperator } from '@weft/engine'
import { operatorValue } from '../telemetry/log-operators.ts'
import type { ExchangeRecord } from '../telemetry/exchange-record.ts'

const evaluators = new WeakMap<FormatOperator, ReturnType<typeof operatorValue>>()

/** The value of a command operator for an exchange, as header rules use it. */
export function readOperator(operator: FormatOperator, exchange: ExchangeRecord): string | undefined {
  let evaluate = evaluators.get(operator)
  if (evaluate === undefined) evaluators.set(operator, (evaluate = operatorValue(operator)))
  const value = evaluate(exchange)
  return value === undefined ? undefined : String(value)
}
