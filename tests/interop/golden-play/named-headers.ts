import type { HeaderRules, RouteConfig } from '@weft/engine'

/** What a test can work out by itself. */
const known = new Set(['REQ', 'RESP', 'PROTOCOL', 'ROUTE_NAME'])

/** Names of the headers that a route configuration changes, as far as requests and routes alone decide about the values. */
export function namedHeaders(config: RouteConfig): readonly string[] {
  const routes = config.virtualHosts.flatMap((host) => host.routes)
  const legs = routes.flatMap(({ action }) =>
    action.kind === 'route' && action.cluster.kind === 'weighted' ? action.cluster.clusters : [],
  )
  const all = [config, ...config.virtualHosts, ...routes, ...legs].map(({ headers }) => headers)
  const uncertain = new Set(all.flatMap(uncertainNames))
  // Answers of a proxy's own have a type that no route says.
  const others = new Set(['host', 'content-type', ...uncertain])
  return all.flatMap(namesOf).filter((name) => !others.has(name) && !name.startsWith(':'))
}

function namesOf({ requestAdd, responseAdd, requestRemove, responseRemove }: HeaderRules): readonly string[] {
  return [...[...requestAdd, ...responseAdd].map(({ name }) => name), ...requestRemove, ...responseRemove]
}

function uncertainNames({ requestAdd, responseAdd }: HeaderRules): readonly string[] {
  return [...requestAdd, ...responseAdd]
    .filter(({ value }) => value.some((part) => typeof part !== 'string' && !known.has(part.operator)))
    .map(({ name }) => name)
}
