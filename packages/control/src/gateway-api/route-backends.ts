// What a route sends to.
import type { BackendRef, HttpFilter } from '@weft/resources'
import type { Route } from './objects.ts'
import type { HttpRule } from './rules.ts'

/** A reference, and where the route has it. */
interface PlacedBackendRef {
  readonly ref: BackendRef
  readonly field: string
}

/** Every backend that a route names, mirrors, authorizers and those of filters included. */
export function backendRefsOf(route: Route): readonly BackendRef[] {
  return placedBackendRefs(route).map(({ ref }) => ref)
}

/** The same with the fields they stand in. */
export function placedBackendRefs(route: Route): readonly PlacedBackendRef[] {
  return (route.spec.rules ?? []).flatMap((rule, index) => {
    const { backendRefs = [], filters } = rule as Pick<HttpRule, 'backendRefs' | 'filters'>
    const at = `spec.rules[${index}]`
    return [
      ...backendRefs.map((ref, nth) => ({ ref, field: `${at}.backendRefs[${nth}]` })),
      ...namedByFilters(filters, at),
      ...backendRefs.flatMap((backend, nth) => namedByFilters(backend.filters, `${at}.backendRefs[${nth}]`)),
    ]
  })
}

function namedByFilters(filters: readonly HttpFilter[] = [], at: string): PlacedBackendRef[] {
  return filters.flatMap(({ requestMirror, externalAuth }, index) => [
    ...placed(requestMirror, `${at}.filters[${index}].requestMirror`),
    ...placed(externalAuth, `${at}.filters[${index}].externalAuth`),
  ])
}

function placed(filter: { readonly backendRef: BackendRef } | undefined, at: string): PlacedBackendRef[] {
  return filter === undefined ? [] : [{ ref: filter.backendRef, field: `${at}.backendRef` }]
}
