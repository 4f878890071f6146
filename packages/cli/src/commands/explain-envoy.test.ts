// `weft explain` of Envoys with filters and conditions that are not computed, offline.
import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Explanation } from '@weft/engine'
import { type Run, weft, workloadAndService as workload } from '../weft-under-test.ts'

const policy = (name: string, spec: string): string => `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ${name}, namespace: shop }
spec: { selector: { matchLabels: { app: catalog } }, ${spec} }
---
`
const patch = (place: string): string => `apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: patch, namespace: shop }
spec:
  workloadSelector: { labels: { app: catalog } }
  configPatches: [${place}]
---
`
const authorizer = `apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data:
  mesh: |
    extensionProviders:
      - { name: judge, envoyExtAuthzHttp: { service: judge.shop.svc.cluster.local, port: 80 } }
---
`

interface Asking {
  explain(...args: readonly string[]): Run
  outcome(...args: readonly string[]): string
  json(...args: readonly string[]): Explanation
}

function meshOf(t: TestContext, ...objects: readonly string[]): Asking {
  const dir = mkdtempSync(join(tmpdir(), 'weft-explain-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const names = ['web', 'orders', 'catalog', 'judge']
  writeFileSync(join(dir, 'mesh.yaml'), `${names.map(workload).join('')}${objects.join('')}`)
  const explain = (...args: readonly string[]): Run => weft(['explain', '--from', 'web', ...args, '-f', dir])
  const done = (...args: readonly string[]): string => {
    const { status, stdout, stderr } = explain(...args, '--proxy', 'envoy')
    assert.deepEqual([status, stderr], [0, ''])
    return stdout
  }
  return {
    explain,
    outcome: (...args) =>
      done(...args)
        .split('\n')
        .find((line) => line.startsWith('=>')) ?? '',
    json: (...args) => JSON.parse(done(...args, '-o', 'json')) as Explanation,
  }
}

const tokens = 'from: [{ source: { requestPrincipals: ["*"] } }]'

test('an ALLOW policy about tokens is open, unless another one allows the request whatever the token', (t) => {
  const mesh = meshOf(
    t,
    policy('readers', `rules: [{ ${tokens} }]`),
    policy('orders', 'rules: [{ from: [{ source: { principals: [cluster.local/ns/shop/sa/orders] } }] }]'),
  )
  assert.match(
    mesh.outcome('GET', 'http://catalog/'),
    /^=> 200 if ns\[shop\]-policy\[readers\]-rule\[0\] \(\S+mesh\.yaml:\d+\) lets it on: handed to/,
  )
  assert.match(mesh.outcome('--from', 'orders', 'GET', 'http://catalog/'), /^=> 200: handed to/)
})

test('a policy about tokens and something else that the request is not is decided', (t) => {
  const write = 'to: [{ operation: { methods: [POST] } }]'
  const allowing = meshOf(t, policy('writers', `rules: [{ ${tokens}, ${write} }]`))
  assert.match(allowing.outcome('GET', 'http://catalog/'), /^=> 403: .*no ALLOW policy matches/)
  const said = allowing.explain('GET', 'http://catalog/', '--proxy', 'envoy').stdout
  assert.match(said, /not ns\[shop\]-policy\[writers\]-rule\[0\]: method is exactly "POST", seen "GET"/)
  assert.doesNotMatch(said, /unreachable/)
  assert.match(allowing.outcome('POST', 'http://catalog/'), /^=> 200 if ns\[shop\]-policy\[writers\]/)
  const denying = meshOf(
    t,
    policy('strangers', `action: DENY, rules: [{ from: [{ source: { notRequestPrincipals: ["*"] } }], ${write} }]`),
  )
  assert.match(denying.outcome('GET', 'http://catalog/'), /^=> 200: handed to/)
  assert.match(denying.outcome('POST', 'http://catalog/'), /^=> 200 if ns\[shop\]-policy\[strangers\]/)
})

test('a request that is denied in any case is denied, whatever is open before', (t) => {
  const mesh = meshOf(
    t,
    policy('strangers', 'action: DENY, rules: [{ from: [{ source: { notRequestPrincipals: ["*"] } }] }]'),
    policy('nobody', 'action: DENY, rules: [{ to: [{ operation: { paths: [/admin] } }] }]'),
  )
  assert.match(mesh.outcome('GET', 'http://catalog/admin'), /^=> 403: .*denied by ns\[shop\]-policy\[nobody\]/)
  assert.match(mesh.outcome('GET', 'http://catalog/'), /^=> 200 if ns\[shop\]-policy\[strangers\]/)
})

test('an authorizer is asked about the requests that a CUSTOM policy is about, and about no others', (t) => {
  const custom = 'action: CUSTOM, provider: { name: judge }, rules: [{ to: [{ operation: { paths: [/judged] } }] }]'
  const mesh = meshOf(t, authorizer, policy('judged', custom))
  assert.match(
    mesh.outcome('GET', 'http://catalog/judged'),
    /^=> 200 if envoy\.filters\.http\.ext_authz \(\S+mesh\.yaml:\d+\) lets it on/,
  )
  assert.match(mesh.outcome('GET', 'http://catalog/'), /^=> 200: handed to/)
  const { undecided } = mesh.json('GET', 'http://catalog/judged')
  assert.deepEqual(undecided, [
    {
      proxy: 'catalog-0.shop',
      kind: 'filter',
      name: 'envoy.filters.http.ext_authz',
      why: 'envoy.filters.http.ext_authz: Envoy decides by the answer of an authorizer, for ns[shop]-policy[judged]-rule[0]; not computed here',
      origins: { origin: 'security.istio.io/AuthorizationPolicy/shop/judged#spec.rules[0]' },
    },
  ])
  assert.equal(mesh.json('GET', 'http://catalog/').undecided, undefined)
})

test('a network filter that is not known is named', (t) => {
  const limit = `{ name: limit, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit, stat_prefix: l, max_connections: 1 } }`
  const first = `{ applyTo: NETWORK_FILTER, match: { context: SIDECAR_INBOUND }, patch: { operation: INSERT_FIRST, value: ${limit} } }`
  const mesh = meshOf(t, patch(first))
  assert.match(mesh.outcome('GET', 'http://catalog/'), /^=> 200 if limit lets it on: handed to/)
})

test('of a listener that is not understood at all nothing is said but that', (t) => {
  const type = 'type.googleapis.com/envoy.extensions.filters.listener.original_src.v3.OriginalSrc'
  const source = `{ name: source, typed_config: { "@type": ${type} } }`
  const value = `{ operation: MERGE, value: { listener_filters: [${source}] } }`
  const mesh = meshOf(t, patch(`{ applyTo: LISTENER, match: { context: SIDECAR_INBOUND }, patch: ${value} }`))
  assert.match(
    mesh.outcome('GET', 'http://catalog/'),
    /^=> it cannot be told: catalog-0\.shop is an Envoy .*LDS inbound_\S+_8080 \(.*"source".* is not known\)/,
  )
  const { outcome, status, flag } = mesh.json('GET', 'http://catalog/')
  assert.deepEqual([outcome, status, flag], ['unknown', 0, undefined])
})

test('at a gateway nothing is said of a port whose listener is not understood, and other ports are explained', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-explain-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const golden = '../../../control/golden/gateway-api/optional-client-certificates/in.yaml'
  copyFileSync(join(import.meta.dirname, golden), join(dir, 'mesh.yaml'))
  const asked = (url: string): string =>
    weft(['explain', '--from', 'edge-weft', 'GET', url, '-f', dir, '--proxy', 'envoy']).stdout
  assert.match(asked('https://shop.example:8443/'), /=> it cannot be told: .*LDS gateway_\S+_8443 .*ACCEPT_UNTRUSTED/)
  assert.match(asked('https://shop.example/'), /=> it cannot be told/)
  assert.match(asked('https://shop.example:8444/'), /=> 404 \(NR\)/)
})

test('a rate limit is named, since no configuration tells how many requests came before', (t) => {
  const limit = `apiVersion: weft.dev/v1alpha1
kind: RateLimit
metadata: { name: few, namespace: shop }
spec: { targetRefs: [{ group: "", kind: Service, name: catalog }], limits: [{ requests: 1, per: Minute }] }
---
`
  assert.match(
    meshOf(t, limit).outcome('GET', 'http://catalog/'),
    /^=> 200 if envoy\.filters\.http\.local_ratelimit\S* lets it on/,
  )
})

test("without --proxy the mesh has Weft's own proxies, which is said where it matters; with a running mesh it is not asked", (t) => {
  const mesh = meshOf(t, policy('readers', `rules: [{ ${tokens} }]`))
  const { status, stdout, stderr } = mesh.explain('GET', 'http://catalog/')
  assert.equal(status, 0)
  assert.doesNotMatch(stdout, / if /)
  assert.match(stderr, /explained for Weft's own proxies, .* add --proxy envoy/)
  assert.equal(meshOf(t).explain('GET', 'http://catalog/').stderr, '')
  const running = weft(['explain', '--from', 'web', 'GET', 'http://catalog/', '--proxy', 'envoy'])
  assert.equal(running.status, 2)
  assert.match(running.stderr, /--proxy goes with -f DIR/)
})
