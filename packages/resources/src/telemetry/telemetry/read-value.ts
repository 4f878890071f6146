// Reads the CEL expression of a metric's label into what a proxy computes.
import { parse } from '@bufbuild/cel'
import {
  isValueAttribute,
  isValueFunction,
  type ValueAttribute,
  valueAttributes,
  type ValueExpression,
  type ValueFunction,
  valueFunctions,
} from '@weft/core'
import { didYouMean } from '../../schema/did-you-mean.ts'

type Parsed = ReturnType<typeof parse>
type Expr = Parsed['expr']
type Constant = Extract<Expr['exprKind'], { case: 'constExpr' }>['value']['constantKind']

/** What in an expression cannot be computed. */
export interface ValueFault {
  readonly message: string
  readonly mend: string
}

class Unreadable extends Error {
  readonly expr: Expr
  readonly mend: string
  constructor(expr: Expr, message: string, mend: string) {
    super(message)
    this.expr = expr
    this.mend = mend
  }
}

/** The expression as a tree, or what a proxy cannot compute, with its place in the text; throws nothing. A text that is no CEL is undefined. */
export function readValue(text: string): ValueExpression | ValueFault | undefined {
  let parsed: Parsed
  try {
    parsed = parse(text)
  } catch {
    return undefined
  }
  try {
    return read(parsed.expr)
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    const at = placeOf(error.expr, parsed.sourceInfo?.positions ?? {})
    return { message: `${error.message} (character ${at + 1} of the expression)`, mend: error.mend }
  }
}

/** Whether it is an expression, and no fault. */
export function isValue(read: ValueExpression | ValueFault | undefined): read is ValueExpression {
  return read !== undefined && !('message' in read)
}

/** Where an expression begins: CEL places a call at its operator and a field at its dot. */
function placeOf({ id, exprKind }: Expr, positions: Readonly<Record<string, number>>): number {
  const own = positions[String(id)] ?? 0
  const first =
    exprKind.case === 'selectExpr'
      ? exprKind.value.operand
      : exprKind.case === 'callExpr'
        ? (exprKind.value.target ?? exprKind.value.args[0])
        : undefined
  return first === undefined ? own : Math.min(own, placeOf(first, positions))
}

/** Names of the operators in CEL's trees. */
const operators: Readonly<Record<string, ValueFunction>> = {
  '!_': '!',
  '_+_': '+',
  '_==_': '==',
  '_!=_': '!=',
  '_<_': '<',
  '_<=_': '<=',
  '_>_': '>',
  '_>=_': '>=',
  '_&&_': '&&',
  '_||_': '||',
  '_?_:_': '?:',
}

function read(expr: Expr): ValueExpression {
  const { exprKind } = expr
  switch (exprKind.case) {
    case 'constExpr':
      return constant(expr, exprKind.value.constantKind)
    case 'callExpr':
      if (exprKind.value.function === '_[_]') return attribute(expr)
      return call(expr, exprKind.value)
    case 'identExpr':
    case 'selectExpr':
      return attribute(expr)
    default:
      throw new Unreadable(
        expr,
        `a ${wordFor(exprKind.case)} is no value of a label`,
        'Write a text, a number or an attribute.',
      )
  }
}

function wordFor(kind: string | undefined): string {
  return ({ listExpr: 'list', structExpr: 'map', comprehensionExpr: 'macro' } as const)[kind as 'listExpr'] ?? 'part'
}

function constant(expr: Expr, { case: kind, value }: Constant): ValueExpression {
  if (typeof value === 'bigint') return { constant: Number(value) }
  const plain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  if (plain && kind !== 'nullValue') return { constant: value }
  throw new Unreadable(expr, 'null and bytes are no values of a label', 'Write a text, a number or an attribute.')
}

interface Call {
  readonly function: string
  readonly target?: Expr | undefined
  readonly args: readonly Expr[]
}

function call(expr: Expr, { function: name, target, args }: Call): ValueExpression {
  const all = target === undefined ? args : [target, ...args]
  if (name === '@in') return membership(expr, all)
  const known = operators[name] ?? (isValueFunction(name) && /^\w+$/.test(name) ? name : undefined)
  if (known === undefined) {
    const names = Object.keys(valueFunctions).filter((each) => /^\w+$/.test(each))
    const shown = name.replaceAll('_', ' ').trim()
    const mend = `Use only ${names.join(', ')} and the operators ${Object.values(operators).join(' ')} in.`
    throw new Unreadable(expr, `the function ${shown} is not supported`, mend)
  }
  if (all.length !== valueFunctions[known]) {
    throw new Unreadable(expr, `${known} takes ${valueFunctions[known]} values, not ${all.length}`, 'Correct the call.')
  }
  return { call: known, of: all.map(read) }
}

/** `a in [b, c]`, or `'key' in map`. */
function membership(expr: Expr, [item, list]: readonly Expr[]): ValueExpression {
  if (item === undefined || list === undefined) throw new Unreadable(expr, '`in` takes two values', 'Correct it.')
  const { exprKind } = list
  if (exprKind.case === 'listExpr') return { in: [item, ...exprKind.value.elements].map(read) }
  const key = textOf(item)
  const map = stepsOf(list)?.join('.')
  const name = map === undefined ? undefined : canonical(map)
  if (key !== undefined && name !== undefined && isMap(name)) return keyed(name, key, true)
  throw new Unreadable(
    expr,
    '`in` is understood of lists, and of maps with a fixed key',
    "Write it as in 'x-user' in request.headers.",
  )
}

function attribute(expr: Expr): ValueExpression {
  const steps = stepsOf(expr)
  const mend = 'Use one of the attributes of requests and connections that Envoy and Istio have, as in request.host.'
  if (steps === undefined)
    throw new Unreadable(expr, 'only attributes have fields and keys, and keys must be fixed texts', mend)
  const full = steps.join('.')
  const name = canonical(full)
  const asked = expr.exprKind.case === 'selectExpr' && expr.exprKind.value.testOnly
  if (name !== undefined && !isMap(name) && !asked) return { attribute: name }
  const map = canonical(steps.slice(0, -1).join('.'))
  if (map !== undefined && isMap(map)) return keyed(map, steps.at(-1) ?? '', asked)
  const peer = /^(upstream_peer|downstream_peer)\.labels\.(app|version)\.value$/.exec(full)
  if (peer !== null) return { attribute: `${peer[1]}.${peer[2]}` as ValueAttribute }
  const meant = didYouMean(full, Object.keys(valueAttributes))
  if (name !== undefined && !asked) {
    throw new Unreadable(expr, `${name} is a map, and no value of a label`, `Write a key, as in ${name}['x-user'].`)
  }
  throw new Unreadable(
    expr,
    `${full} is not an attribute that is known here`,
    meant === undefined ? mend : `Did you mean ${meant}?`,
  )
}

/** Envoy has the node below `xds`, Istio beside it. */
function canonical(path: string): ValueAttribute | undefined {
  const name = path.replace(/^xds\.node\./, 'node.')
  return isValueAttribute(name) ? name : undefined
}

function isMap(name: ValueAttribute): boolean {
  return valueAttributes[name] === 'map'
}

/** Names of headers are the same in any case. */
function keyed(name: ValueAttribute, key: string, has: boolean): ValueExpression {
  const exact = name === 'node.metadata' ? key : key.toLowerCase()
  return { attribute: name, key: exact, ...(has ? { has: true as const } : {}) }
}

/** `a.b['c']` as its names; undefined: there is something else in it. */
function stepsOf({ exprKind }: Expr): string[] | undefined {
  if (exprKind.case === 'identExpr') return [exprKind.value.name]
  if (exprKind.case === 'selectExpr') {
    const above = exprKind.value.operand === undefined ? undefined : stepsOf(exprKind.value.operand)
    return above === undefined ? undefined : [...above, exprKind.value.field]
  }
  if (exprKind.case !== 'callExpr' || exprKind.value.function !== '_[_]') return undefined
  const [map, index] = exprKind.value.args
  const above = map === undefined ? undefined : stepsOf(map)
  const key = index === undefined ? undefined : textOf(index)
  return above === undefined || key === undefined ? undefined : [...above, key]
}

function textOf({ exprKind }: Expr): string | undefined {
  const value = exprKind.case === 'constExpr' ? exprKind.value.constantKind.value : undefined
  return typeof value === 'string' ? value : undefined
}
