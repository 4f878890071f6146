// What a route sends to.
import type { BackendRef } from '@weft/resources'
import { authorizersOf } from './authorizers.ts'
import type { Route } from './objects.ts'
import type { HttpRule } from './rules.ts'

/** Every backend that a route names, mirrors, authorizers and those of filters included. */
export function backendRefsOf(route: Route): readonly BackendRef[] {
  const sent = (route.spec.rules ?? []).flatMap((rule) => {
    const { backendRefs = [], filters = [] } = rule as Pick<HttpRule, 'backendRefs' | 'filters'>
    const all = [...filters, ...backendRefs.flatMap((backend) => backend.filters ?? [])]
    const mirrors = all.flatMap(({ requestMirror }) => (requestMirror === undefined ? [] : [requestMirror.backendRef]))
    return [...backendRefs, ...mirrors]
  })
  return [...sent, ...authorizersOf(route).map(({ backendRef }) => backendRef)]
}
