// What MeshConfig says where nothing else does, over sockets, on real Envoys and on Weft's proxies.
import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { onBothPlanes, startedMesh } from './mesh-suites.ts'
import { meshConfig, service, workload } from './mesh-texts.ts'

const rules = `${meshConfig(`
defaultHttpRetryPolicy: { attempts: 2, retryOn: 5xx }
trustDomainAliases: [old.example]
`)}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ruled, namespace: shop }
spec:
  hosts: [ruled]
  http:
    - { match: [{ uri: { prefix: /never } }], retries: { attempts: 0 }, route: [{ destination: { host: ruled } }] }
    - { route: [{ destination: { host: ruled } }] }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: callers, namespace: shop }
spec:
  selector: { matchLabels: { app: app } }
  rules: [{ from: [{ source: { principals: [old.example/ns/shop/sa/web] } }] }]
`
const base = `${workload('web')}${workload('other')}${workload('app')}${service('plain', { app: 'app' })}${service('ruled', { app: 'app' })}`

onBothPlanes('defaults of a mesh on', (dataPlane) => {
  let tries = 0
  const mesh = startedMesh(
    {
      base,
      dataPlane,
      app(request, response, instance) {
        tries += 1
        response.statusCode = Number(request.headers['x-fail'] ?? 0) >= tries ? 503 : 200
        response.end(instance)
      },
    },
    rules,
  )
  beforeEach(() => {
    tries = 0
  })

  async function call(url: string, fail: number): Promise<readonly [status: number, tries: number]> {
    tries = 0
    const { status } = await mesh.call('web-0', url, { 'x-fail': String(fail) })
    return [status, tries]
  }

  test('what no rule says how to repeat is repeated as the mesh says', async () => {
    assert.deepEqual(await call('http://plain/', 2), [200, 3])
    assert.deepEqual(await call('http://plain/', 3), [503, 3])
    assert.deepEqual(await call('http://ruled/', 2), [200, 3])
    assert.deepEqual(await call('http://ruled/never', 1), [503, 1])
  })

  test('an identity of an alias of the trust domain means the same workload of this one, and no other', async () => {
    assert.equal((await mesh.call('web-0', 'http://plain/')).status, 200)
    assert.equal((await mesh.call('other-0', 'http://plain/')).status, 403)
  })
})
