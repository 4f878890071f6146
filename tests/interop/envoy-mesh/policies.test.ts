// Policies of our own over sockets, on real Envoys and on Weft's proxies: retries, time limits, hedging, counted requests.
import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { beforeEach, test } from 'node:test'
import { until } from '@weft/testkit/until'
import { onBothPlanes, startedMesh } from './mesh-suites.ts'
import { type Answer, http } from './plain-clients.ts'
import { gatewayWorkload, served, service, workload } from './mesh-texts.ts'

const policies = `
apiVersion: weft.dev/v1alpha1
kind: RetryPolicy
metadata: { name: flaky, namespace: shop }
spec:
  targetRefs: [{ name: flaky }]
  attempts: 3
  retryOn: [5xx]
  statusCodes: [409]
  backoff: { base: 5ms, max: 10ms }
  idempotency: { methods: [GET], keyHeader: idempotency-key }
---
apiVersion: weft.dev/v1alpha1
kind: TimeoutPolicy
metadata: { name: slow, namespace: shop }
spec: { targetRefs: [{ name: slow }], request: 300ms }
---
apiVersion: weft.dev/v1alpha1
kind: RateLimit
metadata: { name: limited, namespace: shop }
spec:
  targetRefs: [{ name: limited }]
  status: 503
  headers: [{ name: x-why, value: 100% full }]
  limits:
    - { requests: 2, per: Hour, when: { path: /few } }
    - { requests: 1, per: Hour, by: { header: x-user }, when: { path: /each, method: GET, headers: [{ name: x-plan, value: free }] } }
    - { requests: 1, per: Hour, by: { clientAddress: true }, when: { path: /address } }
---
apiVersion: weft.dev/v1alpha1
kind: RateLimit
metadata: { name: rule, namespace: shop }
spec:
  targetRefs: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, name: front, sectionName: counted }]
  limits: [{ requests: 1, per: Second, burst: 3 }]
`
const front = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: shop }
spec: { gatewayClassName: weft, listeners: [{ name: http, protocol: HTTP, port: 8080 }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: front, namespace: shop }
spec:
  parentRefs: [{ name: edge }]
  rules:
    - name: counted
      matches: [{ path: { value: /one } }, { path: { value: /two } }]
      backendRefs: [{ name: flaky, port: 80 }]
    - backendRefs: [{ name: flaky, port: 80 }]
${gatewayWorkload('edge', 'gateway.networking.k8s.io/gateway-name: edge')}`
const hedging = `
apiVersion: weft.dev/v1alpha1
kind: HedgingPolicy
metadata: { name: hedged, namespace: shop }
spec: { targetRefs: [{ name: hedged }], after: 100ms }
`
const services = [service('flaky', { app: 'app' }), service('slow', { app: 'app' }), service('hedged', { app: 'app' })]
const base = `${workload('web')}${workload('app')}${served('limited')}${services.join('')}---${front}---${policies}---${hedging}`

onBothPlanes('policies of our own on', (dataPlane) => {
  let tries: IncomingMessage[] = []
  const mesh = startedMesh({
    base,
    dataPlane,
    app(request, response, instance) {
      tries.push(request)
      const { 'x-fail': fail, 'x-slow': slow } = request.headers
      if (Number(fail ?? 0) >= tries.length) {
        response.statusCode = Number(request.headers['x-status'] ?? 503)
        response.end('failed')
      } else setTimeout(() => response.end(instance), tries.length === 1 ? Number(slow ?? 0) : 0)
    },
  })
  beforeEach(() => {
    tries = []
  })

  function gateway(path: string): Promise<Answer> {
    return http({ ...mesh.at('edge-0', 8080), path, headers: { host: 'shop.example' } })
  }

  test('a RetryPolicy repeats what fails, as often as it says', async () => {
    assert.equal((await mesh.call('web-0', 'http://flaky/', { 'x-fail': '3' })).status, 200)
    assert.equal(tries.length, 4)
    tries = []
    assert.equal((await mesh.call('web-0', 'http://flaky/', { 'x-fail': '9' })).status, 503)
    assert.equal(tries.length, 4)
    tries = []
    assert.equal((await mesh.call('web-0', 'http://flaky/', { 'x-fail': '1', 'x-status': '409' })).status, 200)
    assert.equal(tries.length, 2)
  })

  test('only requests that may be repeated are, by their method or by their key', async () => {
    assert.equal((await mesh.call('web-0', 'http://flaky/', { 'x-fail': '1' }, 'POST')).status, 503)
    assert.equal(tries.length, 1)
    tries = []
    const keyed = await mesh.call('web-0', 'http://flaky/', { 'x-fail': '1', 'idempotency-key': 'a' }, 'POST')
    assert.deepEqual([keyed.status, tries.length], [200, 2])
  })

  test('Services without a policy are not retried, and a gateway obeys that of a backend', async () => {
    assert.equal((await mesh.call('web-0', 'http://slow/', { 'x-fail': '1' })).status, 503)
    tries = []
    assert.equal((await gateway('/')).status, 200)
    tries = []
    const answer = await http({ ...mesh.at('edge-0', 8080), path: '/', headers: { host: 'a.example', 'x-fail': '2' } })
    assert.deepEqual([answer.status, tries.length], [200, 3])
  })

  test('a TimeoutPolicy ends what takes too long', async () => {
    const startedAt = Date.now()
    assert.equal((await mesh.call('web-0', 'http://slow/', { 'x-slow': '3000' })).status, 504)
    assert.ok(Date.now() - startedAt < 2500)
  })

  test('a HedgingPolicy sends another request beside a slow one', async () => {
    const startedAt = Date.now()
    assert.equal((await mesh.call('web-0', 'http://hedged/', { 'x-slow': '3000' })).status, 200)
    assert.ok(Date.now() - startedAt < 2500)
    assert.equal(tries.length, 2)
  })

  test('a RateLimit of a Service is kept where requests come in, and the answer is the one it asks for', async () => {
    const statuses: number[] = []
    for (let index = 0; index < 4; index++) statuses.push((await mesh.call('web-0', 'http://limited/few')).status)
    assert.deepEqual(statuses, [200, 200, 503, 503])
    assert.equal(tries.length, 2)
    assert.equal((await mesh.call('web-0', 'http://limited/few')).headers['x-why'], '100% full')
    assert.equal((await mesh.call('web-0', 'http://limited/others')).status, 200)
  })

  test('values of a header are counted apart, if all conditions hold', async () => {
    const call = async (user: string | undefined, plan = 'free', method = 'GET'): Promise<number> => {
      const headers = { 'x-plan': plan, ...(user === undefined ? {} : { 'x-user': user }) }
      return (await mesh.call('web-0', 'http://limited/each', headers, method)).status
    }
    assert.deepEqual([await call('ann'), await call('ann')], [200, 503])
    assert.deepEqual([await call('bob'), await call('bob')], [200, 503])
    assert.deepEqual([await call('ann', 'paid'), await call('ann', 'free', 'POST')], [200, 200])
    assert.deepEqual([await call(undefined), await call(undefined)], [200, 200])
  })

  test('callers are counted apart by their address', async () => {
    const call = async (from: string): Promise<number> => (await mesh.call(from, 'http://limited/address')).status
    assert.deepEqual([await call('web-0'), await call('web-0'), await call('app-0')], [200, 503, 200])
  })

  test('the matches of a rule share its limit, which fills again', async () => {
    const statuses = []
    for (const path of ['/one', '/two', '/one', '/two', '/one']) statuses.push((await gateway(path)).status)
    assert.deepEqual(statuses, [200, 200, 200, 429, 429])
    assert.equal((await gateway('/three')).status, 200)
    await until(async () => (await gateway('/one')).status === 200, 'the bucket of a second fills again')
  })
})
