// Resources in proto JSON as rows for people; the last column is the origin.
import type { ResourceReport } from '@weft/control'

/** A table whose last column holds origins. */
export interface Rows {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** As much of a JSON object as a cell asks for. */
type Json = { readonly [key: string]: Json } | readonly Json[] | string | number | boolean | null | undefined

function at(value: Json, ...path: readonly (string | number)[]): Json {
  return path.reduce<Json>((inner, key) => {
    if (typeof inner !== 'object' || inner === null) return undefined
    return (inner as { readonly [key: string]: Json })[key]
  }, value)
}

function list(value: Json): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : []
}

function text(value: Json): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

function origin(value: Json): string {
  return text(at(value, 'metadata', 'filter_metadata', 'weft', 'origin'))
}

function address(value: Json): string {
  const internal = text(at(value, 'envoy_internal_address', 'server_listener_name'))
  const id = text(at(value, 'envoy_internal_address', 'endpoint_id'))
  if (internal !== '') return `internal:${internal}${id === '' ? '' : `/${id}`}`
  return `${text(at(value, 'socket_address', 'address'))}:${text(at(value, 'socket_address', 'port_value'))}`
}

/** One row per filter chain. */
export function listenerRows(resources: readonly ResourceReport[]): Rows {
  const rows = resources.flatMap(({ name, resource }) => {
    const listener = resource as Json
    const bound = at(listener, 'internal_listener') === undefined ? address(at(listener, 'address')) : 'internal'
    const chains = [...list(at(listener, 'filter_chains')), at(listener, 'default_filter_chain')].filter(Boolean)
    return chains.map((chain) => [
      name,
      bound,
      text(at(chain, 'name')),
      leadsTo(chain),
      origin(chain) || origin(listener),
    ])
  })
  return { head: ['LISTENER', 'ADDRESS', 'CHAIN', 'LEADS TO', 'FROM'], rows }
}

function leadsTo(chain: Json): string {
  const filter = at(list(at(chain, 'filters')).at(-1), 'typed_config')
  const rds = text(at(filter, 'rds', 'route_config_name'))
  if (rds !== '') return `routes ${rds}`
  const inline = text(at(filter, 'route_config', 'virtual_hosts', 0, 'routes', 0, 'route', 'cluster'))
  if (inline !== '') return `cluster ${inline}`
  const weighted = list(at(filter, 'weighted_clusters', 'clusters'))
  return weighted.length > 0 ? weightedText(weighted) : `cluster ${text(at(filter, 'cluster'))}`
}

/** One row per route, in order of precedence. */
export function routeRows(resources: readonly ResourceReport[]): Rows {
  const rows = resources.flatMap(({ name, resource }) =>
    list(at(resource as Json, 'virtual_hosts')).flatMap((host) =>
      list(at(host, 'routes')).map((route) => [
        name,
        text(at(host, 'name')),
        text(at(route, 'name')),
        matchText(at(route, 'match')),
        actionText(route),
        origin(route) || origin(host),
      ]),
    ),
  )
  return { head: ['ROUTES', 'HOST', 'NAME', 'MATCH', 'ACTION', 'FROM'], rows }
}

function matchText(match: Json): string {
  if (at(match, 'connect_matcher') !== undefined) return 'CONNECT'
  const exact = text(at(match, 'path'))
  const regex = text(at(match, 'safe_regex', 'regex'))
  const path = exact !== '' ? `path=${exact}` : regex !== '' ? `path~${regex}` : `path=${text(at(match, 'prefix'))}*`
  const parts = [...list(at(match, 'headers')), ...list(at(match, 'query_parameters'))].map((part) => {
    const not = at(part, 'invert_match') === true ? '!' : ''
    return `${not}${text(at(part, 'name'))}${stringMatchText(at(part, 'string_match'))}`
  })
  return [path, ...parts].join(' ')
}

function stringMatchText(match: Json): string {
  if (match === undefined) return ''
  const prefix = text(at(match, 'prefix'))
  if (prefix !== '') return `=${prefix}*`
  const regex = text(at(match, 'safe_regex', 'regex'))
  return regex === '' ? `=${text(at(match, 'exact'))}` : `~${regex}`
}

function actionText(route: Json): string {
  const fault = at(route, 'typed_per_filter_config', 'envoy.filters.http.fault')
  const delay = text(at(fault, 'delay', 'fixed_delay'))
  const abort = text(at(fault, 'abort', 'http_status'))
  const extras = [delay === '' ? '' : `delay ${delay}`, abort === '' ? '' : `abort ${abort}`].filter(Boolean)
  return [...extras, destinationText(route)].join(', ')
}

function destinationText(route: Json): string {
  const status = text(at(route, 'direct_response', 'status'))
  if (status !== '') return `answer ${status}`
  if (at(route, 'redirect') !== undefined) {
    return `redirect ${text(at(route, 'redirect', 'host_redirect'))}${text(at(route, 'redirect', 'path_redirect'))}`
  }
  const weighted = list(at(route, 'route', 'weighted_clusters', 'clusters'))
  return weighted.length > 0 ? weightedText(weighted) : text(at(route, 'route', 'cluster'))
}

function weightedText(clusters: readonly Json[]): string {
  return clusters.map((cluster) => `${text(at(cluster, 'weight'))} ${text(at(cluster, 'name'))}`).join(' + ')
}

/** One row per cluster. */
export function clusterRows(resources: readonly ResourceReport[]): Rows {
  const rows = resources.map(({ name, resource }) => {
    const cluster = resource as Json
    const weft = at(cluster, 'metadata', 'filter_metadata', 'weft')
    return [
      name,
      text(at(cluster, 'type')) || 'STATIC',
      balancing(cluster),
      tlsText(cluster),
      text(at(weft, 'destinationRule')) || origin(cluster),
    ]
  })
  return { head: ['CLUSTER', 'TYPE', 'BALANCING', 'TLS', 'FROM'], rows }
}

function balancing(cluster: Json): string {
  return text(at(cluster, 'lb_policy')) || 'ROUND_ROBIN'
}

function tlsText(cluster: Json): string {
  const matches = list(at(cluster, 'transport_socket_matches')).map((match) => at(match, 'transport_socket'))
  const auto = matches.find((candidate) => at(candidate, 'typed_config', 'common_tls_context') !== undefined)
  const socket = auto ?? at(cluster, 'transport_socket')
  if (socket === undefined) return 'none'
  const validation = at(socket, 'typed_config', 'common_tls_context', 'combined_validation_context')
  const sans = list(at(validation, 'default_validation_context', 'match_typed_subject_alt_names'))
  return `${auto === undefined ? 'always' : 'auto'} ${sans.map(sanText).join(' ')}`
}

function sanText(san: Json): string {
  const prefix = text(at(san, 'matcher', 'prefix'))
  return prefix === '' ? text(at(san, 'matcher', 'exact')) : `${prefix}*`
}

/** One row per endpoint; a cluster without any has one row that says so. */
export function endpointRows(resources: readonly ResourceReport[]): Rows {
  const rows = resources.flatMap(({ name, resource, from }) => {
    const endpoints = list(at(resource as Json, 'endpoints')).flatMap((group) => list(at(group, 'lb_endpoints')))
    const last = from[0]?.origin ?? ''
    if (endpoints.length === 0) return [[name, 'none', '', '', last]]
    return endpoints.map((endpoint) => {
      const metadata = at(endpoint, 'metadata', 'filter_metadata')
      const tls = at(metadata, 'envoy.transport_socket_match', 'tlsMode') === 'istio' ? 'mtls' : 'plaintext'
      return [name, address(at(endpoint, 'endpoint', 'address')), tls, text(at(metadata, 'weft', 'instance')), last]
    })
  })
  return { head: ['CLUSTER', 'ADDRESS', 'TLS', 'INSTANCE', 'FROM'], rows }
}
