import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type SimAnswer, simFetch, simHttpApp } from './sim-http.ts'
import { type SimMesh, startSimMesh } from './sim-mesh.ts'

const workload = (name: string, more: string): string => `
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: ${name}, namespace: shop, labels: { app: ${name}, version: v1 } }
spec:
${more}
---`
const service = (name: string): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec:
  selector: { app: ${name} }
  ports: [{ name: http, port: 80, targetPort: 8080 }]
---`

const fixed = `${workload('gateway', '  proxy: gateway\n  address: 127.0.0.1\n  serviceAccount: gateway')}
${workload('web', '  command: [web]\n  ports: [{ name: http, port: 8080 }]\n  serviceAccount: web')}
${workload('catalog', '  command: [catalog]\n  ports: [{ name: http, port: 8080 }]\n  serviceAccount: catalog')}
${service('web')}
${service('catalog')}
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: shop, namespace: shop }
spec:
  selector: { app: gateway }
  servers: [{ port: { number: 8080, name: http, protocol: HTTP }, hosts: ["*"] }]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: STRICT } }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: catalog, namespace: shop }
spec:
  selector: { matchLabels: { app: catalog } }
  action: ALLOW
  rules: [{ from: [{ source: { principals: ["cluster.local/ns/shop/sa/web"] } }] }]
---`

const route = (more: string): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web, namespace: shop }
spec:
  hosts: ["*"]
  gateways: [shop]
  http:
${more}
    - route: [{ destination: { host: web, port: { number: 80 } } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: straight, namespace: shop }
spec:
  hosts: [catalog.example]
  gateways: [shop]
  http:
    - route: [{ destination: { host: catalog, port: { number: 80 } } }]
`

/** web asks catalog, by its real name through its own proxy, and says what it got. */
async function startApps(mesh: SimMesh): Promise<{ seen: string[] }> {
  const seen: string[] = []
  const { world } = mesh
  const web = mesh.instance('web-0')
  const catalog = mesh.instance('catalog-0')
  const webApp = world.runtimeOf('web-app')
  await simHttpApp(webApp, { host: web.appAddress, port: 8080 }, async () => {
    const at = { host: web.address, port: 15001, localAddress: web.appAddress }
    const books = await simFetch(webApp, at, 'http://catalog/books', { host: 'catalog' })
    return { status: 200, body: `shop with ${books.status} ${books.body}` }
  })
  await simHttpApp(world.runtimeOf('catalog-app'), { host: catalog.appAddress, port: 8080 }, async (request) => {
    seen.push(`${request.method} ${request.target} ${request.headers.get('host')}`)
    return { status: 200, body: 'books' }
  })
  return { seen }
}

async function ask(mesh: SimMesh, host = 'shop.example', headers: Record<string, string> = {}): Promise<SimAnswer> {
  const asked = simFetch(mesh.world.runtimeOf('reader'), { host: '127.0.0.1', port: 8080 }, '/', { host, ...headers })
  let outcome: { answer?: SimAnswer; error?: unknown } = {}
  asked.then(
    (answer) => {
      outcome = { answer }
    },
    (error: unknown) => {
      outcome = { error }
    },
  )
  await mesh.world.clock.advanceUntil(() => outcome.answer !== undefined || outcome.error !== undefined, 20_000)
  if (outcome.answer === undefined) throw outcome.error ?? new Error('no answer within 20 s')
  return outcome.answer
}

async function live(seed: number, more = ''): Promise<SimMesh & { seen: string[] }> {
  const mesh = await startSimMesh(seed, fixed + more + route(''))
  const { seen } = await startApps(mesh)
  const ready = (): boolean => [...mesh.proxies.values()].every((proxy) => proxy.readiness() === 'LIVE')
  assert.ok(await mesh.world.clock.advanceUntil(ready, 10_000), 'every proxy is live')
  return { ...mesh, seen }
}

test('a request crosses gateway, web and catalog over mutual TLS, by the real names, in one process', async () => {
  const mesh = await live(1)
  const answer = await ask(mesh)
  assert.deepEqual([answer.status, answer.body], [200, 'shop with 200 books'])
  assert.deepEqual(mesh.seen, ['GET /books catalog'])
  const metrics = mesh.proxies.get('catalog-0')?.metrics.render() ?? ''
  const line = metrics.split('\n').find((each) => each.startsWith('istio_requests_total{')) ?? ''
  assert.match(line, /reporter="destination".*source_workload="web".*destination_workload="catalog"/)
  assert.match(line, /source_principal="spiffe:\/\/cluster.local\/ns\/shop\/sa\/web"/)
  assert.match(line, /connection_security_policy="mutual_tls".*response_code="200"/)
  assert.doesNotMatch(line, /unknown/)
  await mesh.stop()
})

test('a known identity that no policy allows gets 403', async () => {
  const mesh = await live(1)
  const answer = await ask(mesh, 'catalog.example')
  assert.equal(answer.status, 403)
  assert.deepEqual(mesh.seen, [])
  await mesh.stop()
})

test('an edited file changes the answers, a mistake in it changes nothing', async () => {
  const mesh = await live(1)
  const abort = `    - match: [{ headers: { x-test: { exact: broken } } }]
      fault: { abort: { httpStatus: 503, percentage: { value: 100 } } }
      route: [{ destination: { host: web, port: { number: 80 } } }]`
  await mesh.write(fixed + route(abort))
  assert.equal((await ask(mesh, 'shop.example', { 'x-test': 'broken' })).status, 503)
  assert.equal((await ask(mesh)).status, 200)
  await mesh.write(fixed + route('    - match: [{ uri: { exct: /x } }]'))
  assert.equal((await ask(mesh, 'shop.example', { 'x-test': 'broken' })).status, 503)
  await mesh.stop()
})

const unread = (selector: string): string => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: readers, namespace: shop }
spec:
  selector: ${selector}
  action: ALLOW
  rules: [{ from: [{ source: { requestPrincipals: ["*"] } }] }]
---`

test('a policy found at the start that cannot be enforced denies what it selects, on the wire', async () => {
  const mesh = await live(1, unread('{ matchLabels: { app: catalog } }'))
  assert.equal((await ask(mesh)).body, 'shop with 403 RBAC: access denied')
  assert.deepEqual(mesh.seen, [])
  await mesh.write(fixed + route(''))
  assert.equal((await ask(mesh)).body, 'shop with 200 books', 'once it is taken away')
  await mesh.stop()
})

test('with a selector that cannot be read it denies its whole namespace', async () => {
  const mesh = await live(1, unread('{ matchLabel: { app: catalog } }'))
  assert.equal((await ask(mesh)).status, 403)
  await mesh.stop()
})

test('one that was refused while running has no effect, neither before nor after a restart of the control plane', async () => {
  const mesh = await live(1)
  await mesh.write(fixed + unread('{ matchLabels: { app: catalog } }') + route(''))
  assert.equal((await ask(mesh)).body, 'shop with 200 books')
  mesh.killControl()
  await mesh.startControl()
  await mesh.world.clock.advance(5_000)
  assert.equal((await ask(mesh)).body, 'shop with 200 books')
  await mesh.stop()
})

test('rotations and a killed control plane fail no request', async () => {
  const mesh = await live(3)
  for (let round = 0; round < 8; round++) {
    if (round === 2) mesh.killControl()
    if (round === 6) await mesh.startControl()
    mesh.issueAll(60_000)
    assert.equal((await ask(mesh)).body, 'shop with 200 books', `round ${round}`)
    await mesh.world.clock.advance(5_000)
  }
  await mesh.stop()
})

test('one seed gives byte-equal logs of control plane and proxies; another seed gives others', async () => {
  const run = async (seed: number): Promise<string> => {
    const mesh = await live(seed)
    for (let request = 0; request < 5; request++) await ask(mesh)
    await mesh.write(
      fixed + route('    - match: [{ uri: { prefix: /new } }]\n      route: [{ destination: { host: web } }]'),
    )
    mesh.issueAll()
    for (let request = 0; request < 5; request++) await ask(mesh)
    await mesh.stop()
    return mesh.world.log.text()
  }
  const first = await run(11)
  assert.ok(first.split('\n').length > 50, 'the log tells what happened')
  assert.equal(await run(11), first)
  assert.notEqual(await run(12), first)
})
