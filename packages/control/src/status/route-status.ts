// The status of routes: one entry per parent.
import type { ParentRef } from '@weft/resources'
import { type BackendSources, resolveBackend } from '../gateway-api/backends.ts'
import { type Filtered, unresolvedExtension } from '../gateway-api/filter-policies.ts'
import type { RouteRefs } from '../gateway-api/gateway-refs.ts'
import type { Fault } from '../gateway-api/listeners.ts'
import type { Route } from '../gateway-api/objects.ts'
import { backendRefsOf } from '../gateway-api/route-backends.ts'
import { unsupportedFilter } from '../gateway-api/unsupported-filters.ts'
import { type Condition, Conditions } from './conditions.ts'

/** What a parent says of a route. */
export interface RouteParentStatus {
  readonly parentRef: ParentRef
  readonly controllerName: string
  readonly conditions: readonly Condition[]
}

/** The conditions of a route at one parent. */
export function routeConditions(
  route: Route,
  { fault, at }: { readonly fault: Fault | undefined; readonly at: 'gateway' | 'mesh' },
  sources: BackendSources & Pick<RouteRefs, 'attached'>,
  time: string,
): readonly Condition[] {
  const make = new Conditions(route, time)
  const dropped = droppedRules(route, at)
  const rules = route.spec.rules?.length ?? 0
  const all = dropped !== undefined && dropped.count === rules
  const unsupported = all ? dropped.fault : undefined
  return [
    make.unless('Accepted', fault ?? unsupported),
    make.unless(
      'ResolvedRefs',
      unresolved(route, sources) ?? unresolvedExtension(route, rulesOf(route), sources.attached),
    ),
    ...(dropped === undefined || all ? [] : [make.yes('PartiallyInvalid', 'UnsupportedValue', dropped.fault.message)]),
  ]
}

function rulesOf(route: Route): readonly Filtered[] {
  return route.spec.rules ?? []
}

/** The first backend that cannot be followed. */
function unresolved(route: Route, sources: BackendSources): Fault | undefined {
  for (const ref of backendRefsOf(route)) {
    const resolved = resolveBackend(route, ref, sources)
    if (!resolved.ok) return resolved.fault
  }
  return undefined
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
