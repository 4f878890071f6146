// Authorizers that HTTPRoutes ask first (filter ExternalAuth).
import type { HttpExternalAuth, HttpFilter } from '@weft/resources'
import type { Route } from './objects.ts'
import type { HttpRule } from './rules.ts'

/** The authorizer among the filters of a rule or of a backend. */
export function authorizerAmong(filters: readonly HttpFilter[] = []): HttpExternalAuth | undefined {
  return filters.find(({ externalAuth }) => externalAuth !== undefined)?.externalAuth
}

/** Every authorizer that a route asks, those of single backends included. */
export function authorizersOf(route: Route): readonly HttpExternalAuth[] {
  return (route.spec.rules ?? []).flatMap((rule) => {
    const { filters, backendRefs = [] } = rule as Pick<HttpRule, 'backendRefs' | 'filters'>
    return [filters, ...backendRefs.map((backend) => backend.filters)].flatMap((list) => authorizerAmong(list) ?? [])
  })
}

/** A route as far as its authorizer's cluster depends on it: gRPC needs HTTP/2, whatever the route carries. */
export function callerOf(route: Pick<Route, 'id'>, { protocol }: HttpExternalAuth): Pick<Route, 'id'> {
  return protocol === 'GRPC' ? { id: { ...route.id, kind: 'GRPCRoute' } } : route
}
