// Policies attached to Gateways by name, obeyed by real Envoys and by Weft's own proxy: each Gateway of a workload has its own.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '@weft/testkit/until'
import { onBothPlanes, startedMesh } from './mesh-suites.ts'
import { http } from './plain-clients.ts'
import { gatewayWorkload, served } from './mesh-texts.ts'

const base = `${served('catalog')}${gatewayWorkload('front', 'tier: edge')}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: shop }
spec: { gatewayClassName: weft, infrastructure: { labels: { tier: edge } }, listeners: [{ name: http, protocol: HTTP, port: 8080 }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: staff, namespace: shop }
spec: { gatewayClassName: weft, infrastructure: { labels: { tier: edge } }, listeners: [{ name: http, protocol: HTTP, port: 9090 }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: all, namespace: shop }
spec:
  parentRefs: [{ name: edge }, { name: staff }]
  rules:
    - matches: [{ path: { value: /few } }]
      filters: [{ type: ExtensionRef, extensionRef: { group: weft.dev, kind: RateLimit, name: few } }]
      backendRefs: [{ name: catalog, port: 80 }]
    - matches: [{ path: { value: /missing } }]
      filters: [{ type: ExtensionRef, extensionRef: { group: weft.dev, kind: RateLimit, name: missing } }]
      backendRefs: [{ name: catalog, port: 80 }]
    - backendRefs: [{ name: catalog, port: 80 }]
---
apiVersion: weft.dev/v1alpha1
kind: RateLimit
metadata: { name: few, namespace: shop }
spec: { limits: [{ requests: 2, per: Day }] }
`

function policy(name: string, namespace: string, target: string, rest: string): string {
  return `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  targetRefs: [{ group: gateway.networking.k8s.io, ${target} }]
  ${rest}
`
}

const policies = [
  policy('only-get', 'shop', 'kind: Gateway, name: edge', 'rules: [{ to: [{ operation: { methods: [GET] } }] }]'),
  policy(
    'no-admin',
    'istio-system',
    'kind: GatewayClass, name: weft',
    'action: DENY\n  rules: [{ to: [{ operation: { paths: [/admin] } }] }]',
  ),
  policy('elsewhere', 'shop', 'kind: Gateway, name: elsewhere', 'action: DENY\n  rules: [{}]'),
].join('\n---\n')

onBothPlanes('policies of Gateways on', (dataPlane) => {
  const mesh = startedMesh({ base, dataPlane }, policies)

  async function status(port: number, method: string, path: string): Promise<number> {
    return (await http({ ...mesh.at('front-0', port), path, method, headers: { host: 'shop.example' } })).status
  }

  test('a policy holds for the Gateway it names, and for no other of the same workload', async () => {
    await until(async () => (await status(8080, 'GET', '/')) === 200)
    assert.equal(await status(8080, 'POST', '/'), 403)
    assert.equal(await status(9090, 'POST', '/'), 200)
  })

  test('one of the root namespace that names a class holds for all its Gateways', async () => {
    assert.equal(await status(8080, 'GET', '/admin'), 403)
    assert.equal(await status(9090, 'GET', '/admin'), 403)
  })

  test('a RateLimit as a filter counts the requests of its rule, and a filter that is not there answers with 500', async () => {
    const answers = [await status(9090, 'GET', '/few'), await status(9090, 'GET', '/few')]
    assert.deepEqual([...answers, await status(9090, 'GET', '/few')], [200, 200, 429])
    assert.equal(await status(9090, 'GET', '/missing'), 500)
    assert.equal(await status(9090, 'GET', '/'), 200)
  })

  test('without its policy a Gateway takes everything again', async () => {
    mesh.edit(policies.replace('name: edge }', 'name: nothing }'))
    await until(async () => (await status(8080, 'POST', '/')) === 200)
    assert.equal(await status(9090, 'GET', '/admin'), 403)
  })
})
