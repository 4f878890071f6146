// Resources through bytes and lean readers: what is refused, by which field, and which defaults are filled in.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRegistry, fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf'
import { ClusterSchema } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { ClusterLoadAssignmentSchema } from '@weft/xds/es/envoy/config/endpoint/v3/endpoint'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import { RouteConfigurationSchema } from '@weft/xds/es/envoy/config/route/v3/route'
import { BufferSchema } from '@weft/xds/es/envoy/extensions/filters/http/buffer/v3/buffer'
import { RBACSchema } from '@weft/xds/es/envoy/extensions/filters/http/rbac/v3/rbac'
import { RouterSchema } from '@weft/xds/es/envoy/extensions/filters/http/router/v3/router'
import { TlsInspectorSchema } from '@weft/xds/es/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector'
import { HttpConnectionManagerSchema } from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import { TcpProxySchema } from '@weft/xds/es/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy'
import {
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/tls'
import { compileRegex } from '../regex/compile-regex.ts'
import { compileCluster } from './cluster.ts'
import { compileEndpoints } from './endpoints.ts'
import { compileListener } from './listener.ts'
import { compileRouteConfig } from './route-config.ts'

const registry = createRegistry(
  BufferSchema,
  RBACSchema,
  RouterSchema,
  TlsInspectorSchema,
  HttpConnectionManagerSchema,
  TcpProxySchema,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
)
const type = 'type.googleapis.com/envoy.extensions'
const router = { name: 'router', typed_config: { '@type': `${type}.filters.http.router.v3.Router` } }
const ads = { ads: {} }

function listener(json: JsonValue) {
  return compileListener(toBinary(ListenerSchema, fromJson(ListenerSchema, json, { registry })), {
    regex: compileRegex,
  })
}
function routes(json: JsonValue, regex = true) {
  const bytes = toBinary(RouteConfigurationSchema, fromJson(RouteConfigurationSchema, json, { registry }))
  return compileRouteConfig(bytes, regex ? { regex: compileRegex } : {})
}
function cluster(json: JsonValue) {
  return compileCluster(toBinary(ClusterSchema, fromJson(ClusterSchema, json, { registry })), { regex: compileRegex })
}

type JsonRecord = Record<string, JsonValue>

function httpListener(hcm: JsonRecord, more: JsonRecord = {}, chain: JsonRecord = {}): JsonValue {
  const typed = {
    '@type': `${type}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'x',
    http_filters: [router],
    rds: { route_config_name: 'r', config_source: ads },
    ...hcm,
  }
  return {
    name: 'l',
    address: { socket_address: { address: '127.0.0.1', port_value: 80 } },
    filter_chains: [{ filters: [{ name: 'hcm', typed_config: typed }], ...chain }],
    ...more,
  }
}

function rbac(policy: JsonRecord): JsonRecord {
  const rules = {
    action: 'ALLOW',
    policies: { p: { permissions: [{ any: true }], principals: [{ any: true }], ...policy } },
  }
  return { name: 'rbac', typed_config: { '@type': `${type}.filters.http.rbac.v3.RBAC`, rules } }
}

function tls(context: JsonRecord, more: JsonRecord = {}): JsonRecord {
  const typed_config = {
    '@type': `${type}.transport_sockets.tls.v3.DownstreamTlsContext`,
    common_tls_context: { tls_certificate_sds_secret_configs: [{ name: 'default' }], ...context },
    ...more,
  }
  return { transport_socket: { name: 'tls', typed_config } }
}

const refused: readonly (readonly [
  string,
  () => ReturnType<typeof listener | typeof routes | typeof cluster>,
  RegExp,
])[] = [
  [
    'a listener without chains',
    () => listener({ name: 'l', address: { socket_address: { address: '127.0.0.1', port_value: 1 } } }),
    /^filter_chains: is empty/,
  ],
  [
    'an unknown http filter',
    () =>
      listener(
        httpListener({
          http_filters: [
            { name: 'buffer', typed_config: { '@type': `${type}.filters.http.buffer.v3.Buffer` } },
            router,
          ],
        }),
      ),
    /^filter_chains\[0\]\.filters\[0\]\.typed_config\.http_filters\[0\]\.typed_config: the http filter "buffer"/,
  ],
  [
    'a manager without router',
    () => listener(httpListener({ http_filters: [] })),
    /http_filters: the last filter must be/,
  ],
  [
    'RBAC with a condition that is not read',
    () =>
      listener(
        httpListener({
          http_filters: [rbac({ principals: [{ metadata: { filter: 'x', path: [{ key: 'y' }] } }] }), router],
        }),
      ),
    /http_filters\[0\]\.typed_config: envoy\.config\.rbac\.v3\.Principal\.metadata is not supported/,
  ],
  [
    'RBAC with a CEL condition',
    () => listener(httpListener({ http_filters: [rbac({ condition: { id: '1' } }), router] })),
    /envoy\.config\.rbac\.v3\.Policy\.condition is not supported/,
  ],
  [
    'RBAC with a bad range',
    () =>
      listener(
        httpListener({
          http_filters: [rbac({ principals: [{ remote_ip: { address_prefix: 'here', prefix_len: 8 } }] }), router],
        }),
      ),
    /policies\["p"\]\.principals\[0\]\.remote_ip: here\/8 is not an address range/,
  ],
  [
    'two chains with the same match',
    () => {
      const json = httpListener({}) as { filter_chains: JsonValue[] }
      return listener({ ...json, filter_chains: [...json.filter_chains, ...json.filter_chains] })
    },
    /^filter_chains\[1\]\.filter_chain_match: equals that of filter_chains\[0\]/,
  ],
  [
    'a client certificate asked for without roots',
    () => listener(httpListener({}, {}, tls({}, { require_client_certificate: true }))),
    /require_client_certificate: names no roots/,
  ],
  [
    'a CRL without roots, which would not be looked at',
    () =>
      listener(
        httpListener({}, {}, tls({ validation_context: { crl: { inline_string: '-----BEGIN X509 CRL-----' } } })),
      ),
    /has a crl or hashes but no roots/,
  ],
  [
    'a hash that is none',
    () => listener(httpListener({}, {}, tls({ validation_context: { verify_certificate_spki: ['abc'] } }))),
    /verify_certificate_spki\[0\]: is not the base64 of a SHA-256/,
  ],
  [
    'a TLS field that is not read',
    () => listener(httpListener({}, {}, tls({ key_log: { path: '/tmp/keys' } }))),
    /CommonTlsContext\.key_log is not supported/,
  ],
  [
    'a server name with an inner wildcard',
    () => listener(httpListener({}, {}, { filter_chain_match: { server_names: ['a*.com'] } })),
    /server_names\[0\]: "a\*\.com"/,
  ],
  [
    'a domain claimed twice',
    () =>
      routes({
        name: 'r',
        virtual_hosts: [
          { name: 'a', domains: ['A.com'] },
          { name: 'b', domains: ['a.COM'] },
        ],
      }),
    /^virtual_hosts\[1\]\.domains: "a\.COM" is claimed by virtual host "a"/,
  ],
  [
    'weights that sum to nothing',
    () => routes(oneRoute({ route: { weighted_clusters: { clusters: [{ name: 'a', weight: 0 }] } } })),
    /^virtual_hosts\[0\]\.routes\[0\]\.route\.weighted_clusters: the sum of the weights/,
  ],
  ['a route without action', () => routes(oneRoute({})), /routes\[0\]: has no action/],
  [
    'a regular expression RE2 does not know',
    () => routes(oneRoute({ match: { safe_regex: { regex: '(?=a)' } }, route: { cluster: 'c' } })),
    /match\.safe_regex\.regex: "\(\?=a\)" is not an RE2 expression/,
  ],
  [
    'a route condition that is not read',
    () => routes(oneRoute({ match: { prefix: '/', tls_context: { presented: true } }, route: { cluster: 'c' } })),
    /RouteMatch\.tls_context is not supported/,
  ],
  [
    'a change of the host header',
    () =>
      routes(oneRoute({ route: { cluster: 'c' }, request_headers_to_add: [{ header: { key: 'Host', value: 'x' } }] })),
    /request_headers_to_add\[0\]: :-prefixed or host headers/,
  ],
  [
    'an unknown command operator',
    () =>
      routes(
        oneRoute({ route: { cluster: 'c' }, request_headers_to_add: [{ header: { key: 'x', value: '%NOPE%' } }] }),
      ),
    /%NOPE% is not known/,
  ],
  [
    'an LB policy we do not have',
    () => cluster({ name: 'c', lb_policy: 'LOAD_BALANCING_POLICY_CONFIG' }),
    /^lb_policy: LOAD_BALANCING_POLICY_CONFIG is not supported/,
  ],
  [
    'a table whose size is no prime number',
    () => cluster({ name: 'c', lb_policy: 'MAGLEV', maglev_lb_config: { table_size: '100' } }),
    /^maglev_lb_config\.table_size: 100 is not a prime number/,
  ],
  [
    'a ring larger than its limit',
    () => cluster({ name: 'c', lb_policy: 'RING_HASH', ring_hash_lb_config: { maximum_ring_size: '8388609' } }),
    /^ring_hash_lb_config\.maximum_ring_size: must be at most 8388608/,
  ],
  [
    'names to check without roots',
    () =>
      cluster({
        name: 'c',
        transport_socket: {
          name: 'tls',
          typed_config: {
            '@type': `${type}.transport_sockets.tls.v3.UpstreamTlsContext`,
            common_tls_context: {
              validation_context: {
                match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: 'spiffe://x' } }],
              },
            },
          },
        },
      }),
    /matches names but has no roots/,
  ],
]

function oneRoute(route: JsonRecord): JsonValue {
  return { name: 'r', virtual_hosts: [{ name: 'v', domains: ['*'], routes: [{ match: { prefix: '/' }, ...route }] }] }
}

for (const [name, compile, expected] of refused) {
  test(`refused with the field: ${name}`, () => {
    const result = compile()
    assert.ok(!result.ok, 'it was accepted')
    assert.match(`${result.error.field}: ${result.error.message}`, expected)
  })
}

test('an optional unknown filter and unread fields elsewhere are accepted and listed', () => {
  const result = listener(
    httpListener(
      {
        http_filters: [
          { name: 'buffer', is_optional: true, typed_config: { '@type': `${type}.filters.http.buffer.v3.Buffer` } },
          router,
        ],
      },
      { freebind: true },
    ),
  )
  assert.ok(result.ok)
  assert.ok(result.value.unlisted.includes('envoy.config.listener.v3.Listener.freebind'))
  assert.ok(result.value.unlisted.some((field) => field.includes('buffer')))
})

test('malformed bytes are a refusal, not a crash', () => {
  const result = compileRouteConfig(new Uint8Array([0x0a, 0xff, 0xff]), {})
  assert.ok(!result.ok)
  assert.match(result.error.message, /malformed bytes/)
})

test('without a regex compiler a regular expression asks for one', () => {
  const result = routes(oneRoute({ match: { safe_regex: { regex: '/a' } }, route: { cluster: 'c' } }), false)
  assert.ok(!result.ok)
  assert.equal(result.error.needsRegex, true)
  assert.ok(routes(oneRoute({ route: { cluster: 'c' } }), false).ok)
})

test("Envoy's defaults are filled in", () => {
  const compiled = cluster({ name: 'c', circuit_breakers: { thresholds: [{ priority: 'HIGH', max_requests: 7 }] } })
  assert.ok(compiled.ok)
  const { breakers, connectTimeoutMs, panicThresholdPercent, balancer } = compiled.value
  assert.equal(connectTimeoutMs, 5000)
  assert.equal(panicThresholdPercent, 50)
  assert.deepEqual(balancer, { policy: 'round-robin' })
  assert.deepEqual([breakers.default.maxRequests, breakers.default.maxRetries, breakers.high.maxRequests], [1024, 3, 7])
  const routed = routes(oneRoute({ route: { cluster: 'c', retry_policy: { retry_on: '5xx, nonsense' } } }))
  assert.ok(routed.ok)
  const action = routed.value.virtualHosts[0]?.routes[0]?.action
  assert.ok(action?.kind === 'route')
  assert.equal(action.timeoutMs, 15_000)
  assert.deepEqual([...(action.retryPolicy?.retryOn ?? [])], ['5xx'])
  assert.equal(action.retryPolicy?.numRetries, 1)
  assert.deepEqual(action.retryPolicy?.backOff, { baseMs: 25, maxMs: 250 })
  assert.deepEqual(routed.value.unlisted, ['envoy.config.route.v3.RetryPolicy.retry_on=nonsense'])
})

test("a virtual host's retry policy holds for routes without one", () => {
  const json = {
    name: 'r',
    virtual_hosts: [
      {
        name: 'v',
        domains: ['*'],
        retry_policy: { num_retries: 4 },
        routes: [{ match: { prefix: '/' }, route: { cluster: 'c' } }],
      },
    ],
  } // prettier-ignore
  const compiled = routes(json)
  assert.ok(compiled.ok)
  const action = compiled.value.virtualHosts[0]?.routes[0]?.action
  assert.equal(action?.kind === 'route' ? action.retryPolicy?.numRetries : undefined, 4)
})

test('origins and dependencies are read', () => {
  const compiled = listener(
    httpListener({}, { metadata: { filter_metadata: { weft: { origin: 'weft.dev/Workload/ns/w' } } } }, tls({})),
  )
  assert.ok(compiled.ok)
  assert.deepEqual(compiled.value.origins, { origin: 'weft.dev/Workload/ns/w' })
  assert.deepEqual(compiled.value.routeConfigNames, ['r'])
  assert.deepEqual(compiled.value.secretNames, ['default'])
})

test('endpoints keep address, health and metadata', () => {
  const json = {
    cluster_name: 'c',
    endpoints: [
      {
        priority: 1,
        lb_endpoints: [
          {
            endpoint: { address: { socket_address: { address: '::1', port_value: 80 } } },
            health_status: 'DRAINING',
            metadata: { filter_metadata: { x: { y: 1 } } },
          },
        ],
      },
    ],
  } // prettier-ignore
  const compiled = compileEndpoints(
    toBinary(ClusterLoadAssignmentSchema, fromJson(ClusterLoadAssignmentSchema, json, { registry })),
  )
  assert.ok(compiled.ok)
  const endpoint = compiled.value.localities[0]?.endpoints[0]
  assert.equal(endpoint?.key, '[::1]:80')
  assert.equal(endpoint?.health, 'draining')
  assert.deepEqual(endpoint?.metadata, { x: { y: 1 } })
})
