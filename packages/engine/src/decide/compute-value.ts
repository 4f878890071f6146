// Computes the value of a metric's label, as CEL does (https://github.com/google/cel-spec/blob/master/doc/langdef.md).
import type { ValueAttribute, ValueExpression, ValueFunction } from '@weft/core'

type Value = string | number | boolean

/** Reads an attribute, of a map the member with a key; undefined: there is none. */
export type ReadAttribute = (attribute: ValueAttribute, key: string | undefined) => Value | undefined

/** The value as text; undefined: CEL has an error instead (something is not there, or of another type). */
export function computeValue(expression: ValueExpression, read: ReadAttribute): string | undefined {
  const value = compute(expression, read)
  return value === undefined ? undefined : String(value)
}

function compute(expression: ValueExpression, read: ReadAttribute): Value | undefined {
  if ('constant' in expression) return expression.constant
  if ('attribute' in expression) {
    const value = read(expression.attribute, expression.key)
    return expression.has === true ? value !== undefined : value
  }
  if ('in' in expression) {
    const [item, ...list] = expression.in.map((each) => compute(each, read))
    return item === undefined ? undefined : list.includes(item)
  }
  const [first, second, third] = expression.of
  if (first === undefined) return undefined
  const a = compute(first, read)
  if (expression.call === '?:') return choose(a, second, third, read)
  const b = second === undefined ? undefined : compute(second, read)
  return second === undefined ? one(expression.call, a) : two(expression.call, a, b)
}

function choose(
  condition: Value | undefined,
  yes: ValueExpression | undefined,
  no: ValueExpression | undefined,
  read: ReadAttribute,
): Value | undefined {
  const chosen = condition === true ? yes : condition === false ? no : undefined
  return chosen === undefined ? undefined : compute(chosen, read)
}

function one(call: ValueFunction, a: Value | undefined): Value | undefined {
  if (a === undefined) return undefined
  if (call === 'string') return String(a)
  if (call === '!') return typeof a === 'boolean' ? !a : undefined
  if (call === 'size') return typeof a === 'string' ? Array.from(a).length : undefined
  if (typeof a === 'number') return Math.trunc(a)
  return typeof a === 'string' && /^[+-]?\d+$/.test(a) ? Number(a) : undefined
}

function two(call: ValueFunction, a: Value | undefined, b: Value | undefined): Value | undefined {
  // What is known decides, even when the other side is an error.
  if (call === '&&') return a === false || b === false ? false : a === true && b === true ? true : undefined
  if (call === '||') return a === true || b === true ? true : a === false && b === false ? false : undefined
  if (a === undefined || b === undefined) return undefined
  if (call === '==') return a === b
  if (call === '!=') return a !== b
  if (typeof a === 'string' && typeof b === 'string') return ofTexts(call, a, b)
  if (typeof a === 'number' && typeof b === 'number') return call === '+' ? a + b : ordered(call, a, b)
  return undefined
}

function ofTexts(call: ValueFunction, a: string, b: string): Value | undefined {
  switch (call) {
    case '+':
      return a + b
    case 'contains':
      return a.includes(b)
    case 'startsWith':
      return a.startsWith(b)
    case 'endsWith':
      return a.endsWith(b)
    default:
      return ordered(call, a, b)
  }
}

function ordered<T extends string | number>(call: ValueFunction, a: T, b: T): boolean | undefined {
  switch (call) {
    case '<':
      return a < b
    case '<=':
      return a <= b
    case '>':
      return a > b
    case '>=':
      return a >= b
    default:
      return undefined
  }
}
