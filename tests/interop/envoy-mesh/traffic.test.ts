// What VirtualServices and DestinationRules ask for, done by real Envoys.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { until } from '@weft/testkit/until'
import { skipWithoutEnvoy } from '../envoy-on-path.ts'
import { startedMesh } from './mesh-suites.ts'
import { served, service, workload } from './mesh-texts.ts'

const base = [
  workload('web', { labels: 'app: web, istio-locality: north.a.1' }),
  workload('catalog', { labels: 'app: catalog, version: v1, istio-locality: north.a.2', more: 'replicas: 3' }),
  workload('far', { labels: 'app: catalog, version: v2, istio-locality: south.a.1', serviceAccount: 'catalog' }),
  service('catalog'),
  served('shadow'),
].join('')

const rules = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: catalog, namespace: shop }
spec:
  hosts: [catalog]
  http:
    - match: [{ uri: { prefix: /pages } }]
      corsPolicy:
        allowOrigins: [{ exact: "https://shop.example" }]
        allowMethods: [GET, POST]
        exposeHeaders: [x-count]
        maxAge: 1h
        allowCredentials: true
      route: [{ destination: { host: catalog } }]
    - match: [{ uri: { prefix: /copied } }]
      mirror: { host: shadow }
      route: [{ destination: { host: catalog } }]
    - match: [{ uri: { prefix: /half } }]
      mirrors: [{ destination: { host: shadow }, percentage: { value: 50 } }]
      route: [{ destination: { host: catalog } }]
    - route: [{ destination: { host: catalog } }]
`

describe('traffic rules on real Envoys', { skip: skipWithoutEnvoy }, () => {
  const mesh = startedMesh({ base }, rules)

  test('a preflight of an allowed origin is answered by the sidecar, another goes on', async () => {
    const ask = { 'access-control-request-method': 'GET' }
    const seen = mesh.seen.length
    const yes = await mesh.call('web-0', 'http://catalog/pages', { origin: 'https://shop.example', ...ask }, 'OPTIONS')
    assert.equal(yes.status, 200)
    assert.equal(yes.headers['access-control-allow-origin'], 'https://shop.example')
    assert.equal(yes.headers['access-control-allow-methods'], 'GET,POST')
    assert.equal(yes.headers['access-control-max-age'], '3600')
    assert.equal(mesh.seen.length, seen, 'no application was asked')
    const no = await mesh.call('web-0', 'http://catalog/pages', { origin: 'https://evil.example', ...ask }, 'OPTIONS')
    assert.equal(no.headers['access-control-allow-origin'], undefined)
    assert.equal(mesh.seen.length, seen + 1)
    const page = await mesh.call('web-0', 'http://catalog/pages', { origin: 'https://shop.example' })
    assert.equal(page.headers['access-control-expose-headers'], 'x-count')
    assert.equal(page.headers['access-control-allow-credentials'], 'true')
  })

  test('copies go to the mirror with the same host, and their share is kept', async () => {
    const copies = (path: string): number => mesh.seen.filter((s) => s.instance === 'shadow-0' && s.url === path).length
    const answer = await mesh.call('web-0', 'http://catalog/copied')
    assert.notEqual(answer.body, 'shadow-0')
    await until(() => copies('/copied') === 1)
    assert.equal(mesh.seen.find((s) => s.instance === 'shadow-0')?.headers.host, 'catalog')
    for (let index = 0; index < 100; index++) await mesh.call('web-0', 'http://catalog/half')
    await until(() => copies('/half') > 20)
    assert.ok(copies('/half') < 80, `${copies('/half')} of 100`)
  })

  /** How many answers each instance gave. */
  async function answers(
    count: number,
    headers: (index: number) => Record<string, string>,
  ): Promise<Map<string, number>> {
    const given = new Map<string, number>()
    for (let index = 0; index < count; index++) {
      const { status, body } = await mesh.call('web-0', 'http://catalog/', headers(index))
      assert.equal(status, 200, body)
      given.set(body, (given.get(body) ?? 0) + 1)
    }
    return given
  }

  function balance(loadBalancer: string, more = ''): string {
    return `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: catalog, namespace: shop }
spec: { host: catalog, trafficPolicy: { loadBalancer: ${loadBalancer} ${more} } }
`
  }

  for (const algorithm of ['ringHash: { minimumRingSize: 1024 }', 'maglev: { tableSize: 65537 }']) {
    test(`what has the same header goes to the same endpoint: ${algorithm}`, async () => {
      mesh.edit(balance(`{ consistentHash: { httpHeaderName: x-user, ${algorithm} } }`))
      await until(async () => (await answers(12, () => ({ 'x-user': 'ann' }))).size === 1)
      const users = await answers(60, (index) => ({ 'x-user': `user-${index}` }))
      assert.ok(users.size > 1, 'different users reach different endpoints')
    })
  }

  test('a cookie that is not there is made, and leads back to the same endpoint', async () => {
    mesh.edit(balance('{ consistentHash: { httpCookie: { name: seat, path: /, ttl: 60s } } }'))
    let cookie = ''
    let first = ''
    await until(async () => {
      const answer = await mesh.call('web-0', 'http://catalog/')
      cookie = answer.headers['set-cookie']?.[0]?.split(';')[0] ?? ''
      first = answer.body
      return cookie.startsWith('seat=')
    })
    assert.deepEqual([...(await answers(12, () => ({ cookie }))).keys()], [first])
  })

  test('shares by locality are kept, and the nearest locality comes first when failing endpoints are found out', async () => {
    mesh.edit(balance('{ localityLbSetting: { distribute: [{ from: north/*, to: { "south/*": 100 } }] } }'))
    await until(async () => [...(await answers(8, () => ({}))).keys()].join() === 'far-0')
    mesh.edit(balance('{ localityLbSetting: { enabled: true } }', ', outlierDetection: { consecutive5xxErrors: 3 }'))
    await until(async () => !(await answers(12, () => ({}))).has('far-0'))
  })

  test('zone aware balancing keeps to the zone of the client, and to nothing where there are too few endpoints', async () => {
    mesh.edit(balance('{ zoneAwareLbSetting: { enabled: true } }'))
    await until(async () => (await answers(40, () => ({}))).has('far-0'))
    mesh.edit(balance('{ zoneAwareLbSetting: { enabled: true, minClusterSize: 2 } }'))
    await until(async () => !(await answers(40, () => ({}))).has('far-0'))
  })
})
