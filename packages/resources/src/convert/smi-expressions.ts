// Expressions of SMI.

/** What is left of an expression for paths when its binding to the start, which SMI implies, is taken away. */
export function unbound(expression: string): string {
  return expression.startsWith('^') ? expression.slice(1) : expression
}

/** Whether an expression holds no operator, so that only one text fits it. */
export function isLiteral(expression: string): boolean {
  return !/[\\^$.*+?()[\]{}|]/.test(expression)
}
