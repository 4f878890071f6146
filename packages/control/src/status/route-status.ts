// The status of routes: one entry per parent.
import type { ParentRef } from '@weft/resources'
import { type BackendSources, resolveBackend } from '../gateway-api/backends.ts'
import { type Filtered, unresolvedExtension } from '../gateway-api/filter-policies.ts'
import type { RouteRefs } from '../gateway-api/gateway-refs.ts'
import type { Fault } from '../gateway-api/listeners.ts'
import type { Route } from '../gateway-api/objects.ts'
import { placedBackendRefs } from '../gateway-api/route-backends.ts'
import { unsupportedFilter } from '../gateway-api/unsupported-filters.ts'
import { type Condition, Conditions, type Reader } from './conditions.ts'

/** What a parent says of a route. */
export interface RouteParentStatus {
  readonly parentRef: ParentRef
  readonly controllerName: string
  readonly conditions: readonly Condition[]
}

/** A parent of a route, and why it does not take the route. */
interface RouteParent {
  readonly parent: ParentRef
  readonly fault: Fault | undefined
  readonly at: 'gateway' | 'mesh'
}

/** The conditions of a route at one parent. */
export function routeConditions(
  route: Route,
  { fault, parent, at }: RouteParent,
  sources: BackendSources & Pick<RouteRefs, 'attached'>,
  reader: Reader,
): readonly Condition[] {
  const make = new Conditions(route, reader)
  const [unresolved, ...others] = unresolvedBackends(route, sources)
  for (const one of others) make.tell('ResolvedRefs', one)
  const dropped = droppedRules(route, at)
  const rules = route.spec.rules?.length ?? 0
  const all = dropped !== undefined && dropped.count === rules
  const unsupported = all ? dropped.fault : undefined
  return [
    make.unless('Accepted', fault === undefined ? unsupported : { field: parentField(route, parent), ...fault }),
    make.unless('ResolvedRefs', unresolved ?? unresolvedExtension(route, rulesOf(route), sources.attached)),
    ...(dropped === undefined || all ? [] : [make.warn('PartiallyInvalid', dropped.fault)]),
  ]
}

function parentField({ spec }: Route, parent: ParentRef): string {
  const index = spec.parentRefs?.indexOf(parent) ?? -1
  return index < 0 ? 'spec.useDefaultGateways' : `spec.parentRefs[${index}]`
}

function rulesOf(route: Route): readonly Filtered[] {
  return route.spec.rules ?? []
}

/** Why backends cannot be followed, in the order in which the route names them. */
function unresolvedBackends(route: Route, sources: BackendSources): Fault[] {
  return placedBackendRefs(route).flatMap(({ ref, field }) => {
    const resolved = resolveBackend(route, ref, sources)
    return resolved.ok ? [] : [{ ...resolved.fault, field }]
  })
}

/** Rules that answer with an error because of a filter that cannot be obeyed. */
function droppedRules(
  route: Route,
  at: 'gateway' | 'mesh',
): { readonly count: number; readonly fault: Fault } | undefined {
  const found = (route.spec.rules ?? []).flatMap((rule, index) => {
    const filter = unsupportedFilter(rule, at)
    return filter === undefined ? [] : [`spec.rules[${index}].${filter.path}: ${filter.type}`]
  })
  if (found.length === 0) return undefined
  const message = `Dropped Rule: requests are answered with 500, since a filter cannot be obeyed (${found.join('; ')})`
  return { count: found.length, fault: { reason: 'UnsupportedValue', message } }
}
