// The HTTPRouteGroups that SMI objects refer to.
import { isKind } from '../kinds.ts'
import type { MeshObject } from '../mesh-object.ts'
import type { HTTPRouteGroupSpec } from '../smi/types.ts'

/** The group of a name. */
export function routeGroup(
  objects: readonly MeshObject[],
  namespace: string,
  name: string,
): MeshObject<HTTPRouteGroupSpec> | undefined {
  for (const object of objects) {
    if (isKind(object, 'HTTPRouteGroup') && object.id.name === name && object.id.namespace === namespace) return object
  }
  return undefined
}

/** What is left of an expression for paths when its binding to the start, which SMI implies, is taken away. */
export function unbound(expression: string): string {
  return expression.startsWith('^') ? expression.slice(1) : expression
}

/** Whether an expression holds no operator, so that only one text fits it. */
export function isLiteral(expression: string): boolean {
  return !/[\\^$.*+?()[\]{}|]/.test(expression)
}
