import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildOffline } from '../../build-offline.ts'
import { resourceToJson } from '../../patches/resource-to-json.ts'

const base = `
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: caller, namespace: shop, labels: { app: caller } }
spec: { command: [caller], serviceAccount: caller, proxy: grpc, ports: [{ name: grpc, port: 9000 }] }
---
apiVersion: v1
kind: Service
metadata: { name: inventory, namespace: shop }
spec: { selector: { app: inventory }, ports: [{ name: grpc, port: 9000 }] }
---`

function told(type: string, name: string, more: string): { resource: unknown; problems: string } {
  const mesh = buildOffline([{ name: 'in.yaml', text: `${base}${more}` }], { flavor: 'envoy' })
  assert.deepEqual(
    mesh.problems.filter(({ severity }) => severity === 'error'),
    [],
  )
  const typeUrl = `type.googleapis.com/envoy.config.${type}`
  const found = mesh.resourcesFor('caller-0.shop')?.get(typeUrl).get(name)
  const problems = JSON.stringify(mesh.generatorProblems)
  return { resource: found === undefined ? undefined : resourceToJson(typeUrl, found.body), problems }
}

interface Route {
  readonly match: Record<string, unknown>
  readonly route: Record<string, unknown>
  readonly typed_per_filter_config?: Record<string, unknown>
}

function routes(http: string): { routes: readonly Route[]; problems: string } {
  const virtualService = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: inventory, namespace: shop }
spec: { hosts: [inventory], http: [${http}] }
`
  const { resource, problems } = told(
    'route.v3.RouteConfiguration',
    'inventory.shop.svc.cluster.local:9000',
    virtualService,
  )
  return { routes: (resource as { virtual_hosts: [{ routes: Route[] }] }).virtual_hosts[0].routes, problems }
}

const inventory = 'route: [{ destination: { host: inventory } }]'

test('a timeout is the longest life of a stream, and retries keep only what gRPC knows', () => {
  const { routes: made, problems } = routes(
    `{ ${inventory}, timeout: 2.5s, retries: { attempts: 2, perTryTimeout: 1s, backoff: 50ms, retryOn: "unavailable,5xx,connect-failure" } }`,
  )
  assert.deepEqual(made[0]?.route, {
    cluster: 'outbound|9000||inventory.shop.svc.cluster.local',
    max_stream_duration: { max_stream_duration: '2.500s' },
    retry_policy: { retry_on: 'unavailable', num_retries: 2, retry_back_off: { base_interval: '0.050s' } },
  })
  assert.match(problems, /do not retry on 5xx/)
  assert.match(problems, /no timeout of a try/)
})

test('our default retries, which gRPC makes without being told, are not sent', () => {
  assert.deepEqual(routes(`{ ${inventory} }`).routes[0]?.route, {
    cluster: 'outbound|9000||inventory.shop.svc.cluster.local',
  })
})

test('conditions that are the same in every call are decided here', () => {
  const { routes: made } = routes(
    `{ match: [{ method: { exact: GET } }], ${inventory} }, { match: [{ method: { regex: "P.*" } }], ${inventory} }, { match: [{ queryParams: { a: { exact: b } } }], ${inventory} }`,
  )
  assert.deepEqual(
    made.map(({ match }) => match),
    [{ prefix: '/' }],
  )
})

test('a condition on what gRPC does not see leaves the rule out, and says so', () => {
  const { routes: made, problems } = routes(`{ match: [{ authority: { exact: x } }], ${inventory} }, { ${inventory} }`)
  assert.equal(made.length, 1)
  assert.match(problems, /know nothing of :authority: the route is left out/)
})

test('where nothing can be sent, a call fails at once instead of holding up the channel', () => {
  for (const rule of ['redirect: { uri: /x }', 'route: [{ destination: { host: nobody } }]']) {
    const [made] = routes(`{ ${rule} }`).routes
    assert.equal(made?.route['cluster'], 'BlackHoleCluster', rule)
    assert.match(JSON.stringify(made?.typed_per_filter_config), /"grpc_status":14/)
  }
})

test('a share that nobody can serve is lost alone', () => {
  const [made] = routes(
    `{ route: [{ destination: { host: inventory }, weight: 60 }, { destination: { host: nobody }, weight: 40 }] }`,
  ).routes
  assert.ok(made !== undefined)
  const { clusters } = made.route['weighted_clusters'] as {
    clusters: { name: string; typed_per_filter_config?: unknown }[]
  }
  assert.deepEqual(
    clusters.map(({ name, typed_per_filter_config: fault }) => [name.split('|')[0], fault !== undefined]),
    [
      ['outbound', false],
      ['BlackHoleCluster', true],
    ],
  )
})

function cluster(policy: string): { resource: unknown; problems: string } {
  const rule = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: inventory, namespace: shop }
spec: { host: inventory, trafficPolicy: ${policy} }
`
  return told('cluster.v3.Cluster', 'outbound|9000||inventory.shop.svc.cluster.local', rule)
}

test('balancing is one of the two that every gRPC library knows', () => {
  const policyOf = (text: string): unknown => (cluster(text).resource as { lb_policy?: string }).lb_policy
  assert.equal(policyOf('{ loadBalancer: { simple: RANDOM } }'), undefined, 'ROUND_ROBIN, the default of the field')
  assert.equal(policyOf('{ loadBalancer: { simple: LEAST_REQUEST } }'), undefined)
  assert.equal(policyOf('{ loadBalancer: { consistentHash: { httpHeaderName: who } } }'), 'RING_HASH')
})

test('limits and ejection are told in the terms of gRPC', () => {
  const { resource } = cluster(
    '{ connectionPool: { http: { http2MaxRequests: 7 } }, outlierDetection: { consecutive5xxErrors: 3, interval: 5s } }',
  )
  const { circuit_breakers: breakers, outlier_detection: detection } = resource as Record<
    string,
    Record<string, unknown>
  >
  assert.deepEqual(breakers, { thresholds: [{ max_requests: 7 }] })
  assert.equal(detection?.['failure_percentage_request_volume'], 3)
  assert.equal(detection?.['enforcing_success_rate'], 0)
  assert.equal(detection?.['interval'], '5s')
})

test('TLS that gRPC cannot be told of is never replaced by plaintext', () => {
  for (const mode of ['SIMPLE', 'ISTIO_MUTUAL']) {
    const { resource, problems } = cluster(`{ tls: { mode: ${mode} } }`)
    assert.match(JSON.stringify(resource), /"service_name":"BlackHoleCluster"/, mode)
    assert.match(problems, /gRPC clients fail calls to outbound/, mode)
  }
})

test('a server whose workload takes mutual TLS only is not told to serve without certificates', () => {
  const listener = 'xds.istio.io/grpc/lds/inbound/0.0.0.0:9000'
  assert.notEqual(told('listener.v3.Listener', listener, '').resource, undefined)
  const strict = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: all, namespace: shop }
spec: { mtls: { mode: STRICT } }
`
  const { resource, problems } = told('listener.v3.Listener', listener, strict)
  assert.equal(resource, undefined)
  assert.match(problems, /takes mutual TLS only, and the bootstrap of its server offers no certificates/)
})

test('a policy on what a gRPC server does not see denies every call', () => {
  const policy = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: sni, namespace: shop }
spec: { action: DENY, rules: [{ when: [{ key: connection.sni, values: [a.example] }] }] }
`
  const { resource, problems } = told('listener.v3.Listener', 'xds.istio.io/grpc/lds/inbound/[::]:9000', policy)
  assert.match(JSON.stringify(resource), /"rules":\{\}|"rules":\{"action":"ALLOW"\}/)
  assert.match(problems, /connection.sni/)
})
