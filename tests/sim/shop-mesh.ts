// A small shop in the simulated world: gateway -> web -> catalog, with the applications behind.
import assert from 'node:assert/strict'
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

/** Gateway, web and catalog under STRICT mTLS; only web may ask catalog. */
export const fixed = `${workload('gateway', '  proxy: gateway\n  address: 127.0.0.1\n  serviceAccount: gateway')}
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

/** The gateway's routes; `more` are rules in front. */
export const route = (more: string): string => `
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

/** A rule that answers requests with `x-test: broken` by this status. */
export const abort = (status: number): string => `    - match: [{ headers: { x-test: { exact: broken } } }]
      fault: { abort: { httpStatus: ${status}, percentage: { value: 100 } } }
      route: [{ destination: { host: web, port: { number: 80 } } }]`

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

/** Asks the gateway; virtual time passes until there is an answer. */
export async function ask(
  mesh: SimMesh,
  host = 'shop.example',
  headers: Record<string, string> = {},
): Promise<SimAnswer> {
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

/** A mesh whose proxies are all live, with its applications. */
export async function live(seed: number, more = ''): Promise<SimMesh & { seen: string[] }> {
  const mesh = await startSimMesh(seed, fixed + more + route(''))
  const { seen } = await startApps(mesh)
  const ready = (): boolean => [...mesh.proxies.values()].every((proxy) => proxy.readiness() === 'LIVE')
  assert.ok(await mesh.world.clock.advanceUntil(ready, 10_000), 'every proxy is live')
  return { ...mesh, seen }
}
