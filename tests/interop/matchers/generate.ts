// Listeners with everything a route configuration, RBAC and fault may say, beyond what our own generator emits; and requests
// that come near them. JSON with .proto field names, so that Envoy reads the very same text.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import type { PlainRequest } from '@weft/engine'
import type { Dice } from './random.ts'

const paths = [
  '/',
  '/a',
  '/a/b',
  '/ab',
  '/A/b',
  '/books',
  '/books/1',
  '/books/12',
  '/x//y',
  '/a/../books',
  '/a%2fb',
  '/a/%62',
  '/a/./b',
  '/a\\b',
  '/caf%C3%A9',
  '/[x]^|',
  '/a;v=1',
]
const queries = ['', '', '', '?q=1', '?q=2&r=x', '?q', '?r=&q=1', '?qq=1']
const authorities = [
  'catalog',
  'catalog:80',
  'CATALOG',
  'www.example.com',
  'a.www.example.com',
  'www.other.org:8080',
  'example.com',
  '10.0.0.1',
]
const domains = [
  'catalog',
  'catalog:80',
  '*.example.com',
  '*.www.example.com',
  'www.*',
  'www.other.*',
  'www.example.com',
  '10.0.0.1',
  '*',
]
const names = ['x-user', 'x-trace', 'x-n']
const values = ['jason', 'Jason', 'jas', 'anna', '7', '12', '-3', 'a,b', '']
const regexes = ['j.*', '[0-9]+', '.*a', 'jason|anna', '(?i)JASON']
const pathRegexes = ['/books/[0-9]+', '/a.*', '.*', '/(a|books)(/.*)?', '/x/+y']

/** Names of the clusters that exist. */
export const clusterNames = ['c0', 'c1', 'c2'] as const

/** A listener's connection manager, without its address. */
export function generateManager(dice: Dice): JsonObject {
  return {
    stat_prefix: 'x',
    normalize_path: dice.chance(0.8),
    merge_slashes: dice.chance(0.3),
    path_with_escaped_slashes_action: dice.pick([
      'KEEP_UNCHANGED',
      'KEEP_UNCHANGED',
      'REJECT_REQUEST',
      'UNESCAPE_AND_REDIRECT',
      'UNESCAPE_AND_FORWARD',
    ]),
    strip_any_host_port: dice.chance(0.2),
    generate_request_id: false,
    route_config: routeConfig(dice),
    http_filters: [
      ...dice.list(0, 2, () => rbac(dice)),
      fault(dice),
      typed('router', 'envoy.extensions.filters.http.router.v3.Router', {}),
    ],
  }
}

/** `{name, typed_config}`. */
export function typed(name: string, type: string, config: JsonObject): JsonObject {
  return { name, typed_config: { '@type': `type.googleapis.com/${type}`, ...config } }
}

function routeConfig(dice: Dice): JsonObject {
  const claimed = new Set<string>()
  const hosts = dice.list(1, 4, () =>
    dice.list(1, 3, () => dice.pick(domains)).filter((one) => !claimed.has(one) && claimed.add(one)),
  )
  return {
    name: 'r',
    validate_clusters: false,
    ignore_port_in_host_matching: dice.chance(0.2),
    most_specific_header_mutations_wins: dice.chance(0.3),
    ...edits(dice, 0.3),
    virtual_hosts: hosts
      .filter((list) => list.length > 0)
      .map((list, index) => ({
        name: `v${index}`,
        domains: index === 0 && !claimed.has('*') && dice.chance(0.8) ? [...list, '*'] : list,
        require_tls: dice.chance(0.05) ? 'ALL' : 'NONE',
        ...edits(dice, 0.3),
        routes: [
          ...dice.list(1, 6, () => ({})).map((_, at) => route(dice, `v${index}r${at}`)),
          ...(dice.chance(0.5) ? [{ name: `v${index}rest`, match: { prefix: '/' }, route: forward(dice) }] : []),
        ],
      })),
  }
}

function route(dice: Dice, name: string): JsonObject {
  const match = routeMatch(dice)
  return { name, match, ...action(dice), ...edits(dice, 0.3), ...override(dice) }
}

function routeMatch(dice: Dice): JsonObject {
  const path = dice.pick<() => JsonObject>([
    () => ({ prefix: dice.pick(['/', '/', '/a', '/books', '/books/', '/x']) }),
    () => ({ prefix: dice.pick(['/', '/A', '/BOOKS']), case_sensitive: dice.chance(0.5) }),
    () => ({ path: dice.pick(['/', '/a', '/books/1', '/a/b']), case_sensitive: dice.chance(0.7) }),
    () => ({ path_separated_prefix: dice.pick(['/a', '/books', '/A']), case_sensitive: dice.chance(0.7) }),
    () => ({ safe_regex: { regex: dice.pick(pathRegexes) } }),
  ])()
  return {
    ...path,
    headers: dice.list(0, 2, () => headerMatcher(dice)),
    query_parameters: dice.chance(0.25) ? [queryMatcher(dice)] : [],
    ...(dice.chance(0.15)
      ? { runtime_fraction: { default_value: { numerator: dice.pick([0, 100]), denominator: 'HUNDRED' } } }
      : {}),
    ...(dice.chance(0.05) ? { grpc: {} } : {}),
  }
}

function stringMatch(dice: Dice): JsonObject {
  return dice.pick<() => JsonObject>([
    () => ({ exact: dice.pick(values), ignore_case: dice.chance(0.3) }),
    () => ({ prefix: dice.pick(['j', 'J', 'a', '1']), ignore_case: dice.chance(0.3) }),
    () => ({ suffix: dice.pick(['n', 'N', 'b', '2']), ignore_case: dice.chance(0.3) }),
    () => ({ contains: dice.pick(['a', 'S', ',']), ignore_case: dice.chance(0.3) }),
    () => ({ safe_regex: { regex: dice.pick(regexes) } }),
  ])()
}

function headerMatcher(dice: Dice): JsonObject {
  const condition = dice.pick<() => JsonObject>([
    () => ({ string_match: stringMatch(dice) }),
    () => ({ string_match: stringMatch(dice) }),
    () => ({ range_match: { start: -3, end: dice.pick([7, 8, 12]) } }),
    () => ({ present_match: dice.chance(0.6) }),
    () => ({}),
  ])()
  return {
    name: dice.pick([...names, ...names, ':method', ':authority', ':path', 'Host']),
    ...condition,
    invert_match: dice.chance(0.3),
    treat_missing_header_as_empty: dice.chance(0.25),
  }
}

function queryMatcher(dice: Dice): JsonObject {
  const condition = dice.chance(0.4)
    ? { present_match: dice.chance(0.7) }
    : { string_match: { exact: dice.pick(['1', 'x', '']) } }
  return { name: dice.pick(['q', 'r']), ...condition }
}

function action(dice: Dice): JsonObject {
  return dice.pick<() => JsonObject>([
    ...Array<() => JsonObject>(6).fill(() => ({ route: forward(dice) })),
    () => ({ redirect: redirect(dice) }),
    () => ({ direct_response: { status: dice.pick([200, 418, 503]), body: { inline_string: 'direct' } } }),
  ])()
}

function forward(dice: Dice): JsonObject {
  const legs = clusterNames.map((name) => ({ name, weight: dice.below(5) + (name === 'c0' ? 1 : 0) }))
  const cluster = dice.pick<() => JsonObject>([
    ...Array<() => JsonObject>(8).fill(() => ({ cluster: dice.pick(clusterNames) })),
    () => ({
      cluster: 'missing',
      cluster_not_found_response_code: dice.pick(['SERVICE_UNAVAILABLE', 'NOT_FOUND', 'INTERNAL_SERVER_ERROR']),
    }),
    () => ({ cluster: 'empty' }),
    ...Array<() => JsonObject>(3).fill(() => ({ weighted_clusters: { clusters: legs, header_name: 'x-draw' } })),
    () => ({ cluster_header: 'x-cluster' }),
  ])()
  const path = dice.pick<() => JsonObject>([
    () => ({}),
    () => ({}),
    () => ({ prefix_rewrite: dice.pick(['/', '/new', '/new/']) }),
    () => ({
      regex_rewrite: {
        pattern: { regex: dice.pick(['/([a-z]+)/', '^/(.)(.*)$', '([0-9])']) },
        substitution: '/\\1\\1/',
      },
    }),
  ])()
  const host = dice.pick<() => JsonObject>([
    () => ({}),
    () => ({}),
    () => ({ host_rewrite_literal: 'new.host' }),
    () => ({ host_rewrite_header: dice.pick(['x-cluster', ':path']) }),
    () => ({ host_rewrite_path_regex: { pattern: { regex: '^/([a-z]+).*$' }, substitution: '\\1.host' } }),
  ])()
  const hashed = dice.chance(0.8) ? { hash_policy: dice.list(1, 2, () => hashPolicy(dice)) } : {}
  return { ...cluster, ...path, ...host, ...hashed }
}

function hashPolicy(dice: Dice): JsonObject {
  const of = dice.pick<() => JsonObject>([
    () => ({ header: { header_name: dice.pick([...names, ':path']), ...hashRewrite(dice) } }),
    () => ({ cookie: { name: 'cart', ...(dice.chance(0.3) ? { ttl: '60s', path: '/' } : {}) } }),
    () => ({ connection_properties: { source_ip: true } }),
    () => ({ query_parameter: { name: dice.pick(['q', 'r']) } }),
  ])()
  return { ...of, terminal: dice.chance(0.3) }
}

function hashRewrite(dice: Dice): JsonObject {
  return dice.chance(0.2) ? { regex_rewrite: { pattern: { regex: '([a-z])[a-z]*' }, substitution: '\\1' } } : {}
}

function redirect(dice: Dice): JsonObject {
  const scheme = dice.pick<() => JsonObject>([
    () => ({}),
    () => ({ https_redirect: true }),
    () => ({ scheme_redirect: 'ftp' }),
  ])()
  const path = dice.pick<() => JsonObject>([
    () => ({}),
    () => ({ path_redirect: dice.pick(['/new', '/new?own=1']) }),
    () => ({ prefix_rewrite: '/new' }),
    () => ({ regex_rewrite: { pattern: { regex: '[a-z]+' }, substitution: 'r' } }),
  ])()
  return {
    ...scheme,
    ...path,
    host_redirect: dice.chance(0.4) ? 'new.host' : '',
    port_redirect: dice.chance(0.3) ? 8443 : 0,
    strip_query: dice.chance(0.5),
    response_code: dice.pick(['MOVED_PERMANENTLY', 'FOUND', 'SEE_OTHER', 'TEMPORARY_REDIRECT', 'PERMANENT_REDIRECT']),
  }
}

/** Header changes of one level. */
function edits(dice: Dice, probability: number): JsonObject {
  if (!dice.chance(probability)) return {}
  const option = (): JsonObject => ({
    header: { key: dice.pick(['x-user', 'x-added']), value: dice.pick(['one', 'two', '%REQ(x-trace)%', '100%%']) },
    append_action: dice.pick([
      'APPEND_IF_EXISTS_OR_ADD',
      'ADD_IF_ABSENT',
      'OVERWRITE_IF_EXISTS_OR_ADD',
      'OVERWRITE_IF_EXISTS',
    ]),
  })
  return {
    request_headers_to_add: dice.list(1, 2, option),
    request_headers_to_remove: dice.chance(0.3) ? ['x-trace'] : [],
  }
}

const rbacType = 'envoy.extensions.filters.http.rbac.v3'
const faultType = 'envoy.extensions.filters.http.fault.v3.HTTPFault'

function rbac(dice: Dice): JsonObject {
  return typed('rbac', `${rbacType}.RBAC`, dice.chance(0.1) ? {} : { rules: rbacRules(dice) })
}

function rbacRules(dice: Dice): JsonObject {
  const policy = (): JsonObject => ({
    permissions: dice.list(1, 2, () => permission(dice, 2)),
    principals: dice.list(1, 2, () => principal(dice, 2)),
  })
  const policies = Object.fromEntries(dice.list(0, 3, policy).map((one, index) => [`p${index}`, one]))
  return { action: dice.pick(['DENY', 'DENY', 'ALLOW', 'LOG']), policies }
}

function permission(dice: Dice, depth: number): JsonObject {
  const inner = () => permission(dice, depth - 1)
  return dice.pick<() => JsonObject>([
    () => ({ any: true }),
    () => ({ header: headerMatcher(dice) }),
    () => ({ url_path: { path: { [dice.pick(['prefix', 'exact'])]: dice.pick(['/a', '/books', '/books/1']) } } }),
    () => ({ destination_port_range: { start: 1, end: 65535 } }),
    () => ({ destination_ip: { address_prefix: '127.0.0.0', prefix_len: 8 } }),
    ...(depth === 0
      ? []
      : [
          () => ({ and_rules: { rules: dice.list(1, 2, inner) } }),
          () => ({ or_rules: { rules: dice.list(1, 2, inner) } }),
          () => ({ not_rule: inner() }),
        ]),
  ])()
}

function principal(dice: Dice, depth: number): JsonObject {
  const inner = () => principal(dice, depth - 1)
  const range = (): JsonValue =>
    dice.pick<JsonObject>([
      { address_prefix: '127.0.0.0', prefix_len: 8 },
      { address_prefix: '10.0.0.0', prefix_len: 8 },
      { address_prefix: '::1', prefix_len: 128 },
    ])
  return dice.pick<() => JsonObject>([
    () => ({ any: true }),
    () => ({ header: headerMatcher(dice) }),
    () => ({ authenticated: dice.chance(0.5) ? {} : { principal_name: { exact: 'spiffe://x' } } }),
    () => ({ direct_remote_ip: range() }),
    () => ({ remote_ip: range() }),
    ...(depth === 0
      ? []
      : [
          () => ({ and_ids: { ids: dice.list(1, 2, inner) } }),
          () => ({ or_ids: { ids: dice.list(1, 2, inner) } }),
          () => ({ not_id: inner() }),
        ]),
  ])()
}

function faultOf(dice: Dice): JsonObject {
  const abort = dice.chance(0.2) ? { header_abort: {} } : { http_status: dice.pick([503, 418]) }
  return {
    abort: { ...abort, percentage: { numerator: dice.pick([0, 100, 100]) } },
    headers: dice.list(0, 1, () => headerMatcher(dice)),
    ...(dice.chance(0.2) ? { upstream_cluster: 'c1' } : {}),
  }
}

function fault(dice: Dice): JsonObject {
  return typed('fault', faultType, dice.chance(0.1) ? faultOf(dice) : {})
}

function override(dice: Dice): JsonObject {
  const config: Record<string, JsonValue> = {}
  if (dice.chance(0.15)) config['fault'] = { '@type': `type.googleapis.com/${faultType}`, ...faultOf(dice) }
  if (dice.chance(0.1)) {
    const rules = dice.chance(0.5) ? {} : { rbac: { rules: rbacRules(dice) } }
    config['rbac'] = { '@type': `type.googleapis.com/${rbacType}.RBACPerRoute`, ...rules }
  }
  return { typed_per_filter_config: config }
}

/** A request near those rules. */
export function generateRequest(dice: Dice): PlainRequest {
  const headers: Record<string, string | string[]> = {}
  for (const name of names) {
    if (dice.chance(0.5)) headers[name] = dice.pick(values)
    else if (dice.chance(0.1)) headers[name] = [dice.pick(values), dice.pick(values)]
  }
  headers['x-draw'] = String(dice.below(40)) // else splits are up to chance
  if (dice.chance(0.5)) headers['x-cluster'] = dice.pick(['c0', 'c2', 'missing'])
  if (dice.chance(0.1)) headers['x-envoy-fault-abort-request'] = '429'
  if (dice.chance(0.1))
    headers['content-type'] = dice.pick(['application/grpc', 'application/grpc+proto', 'text/plain'])
  return {
    method: dice.pick(['GET', 'GET', 'POST', 'PUT', 'DELETE']),
    path: dice.pick(paths) + dice.pick(queries),
    authority: dice.pick(authorities),
    headers,
  }
}
