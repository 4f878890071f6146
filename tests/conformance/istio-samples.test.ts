// Istio's bookinfo sample, played: every routing file is applied to services that say who they are, and what it promises is what
// callers see, through real Envoys and through Weft's proxies. WEFT_TEST_DATA names the directory of the files; without it the
// tests are skipped.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { EnvoyMesh } from '../interop/envoy-mesh/envoy-mesh.ts'
import { onBothPlanes } from '../interop/envoy-mesh/mesh-suites.ts'
import { type Answer, http } from '../interop/envoy-mesh/plain-clients.ts'

const data = join(
  process.env['WEFT_TEST_DATA'] ?? resolve(import.meta.dirname, '../../../shared/data'),
  'istio-samples',
)
const bookinfo = join(data, 'bookinfo')
const skipWithoutData = existsSync(bookinfo) ? false : `no test data in ${bookinfo}`

const read = (...files: readonly string[]): string =>
  files.map((file) => readFileSync(join(bookinfo, file), 'utf8')).join('\n---\n')

const workload = (app: string, version: string, proxy: string): string => `
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: ${app}-${version}, namespace: default, labels: { app: ${app}, version: ${version} } }
spec: { command: [${app}], proxy: ${proxy}, serviceAccount: bookinfo-${app}, ports: [{ name: http, port: 9080 }] }
`

/** Who calls has a sidecar, and so has one server: what the others do is the same without. */
const base = [
  workload('productpage', 'v1', 'sidecar'),
  workload('details', 'v1', 'sidecar'),
  workload('details', 'v2', 'none'),
  ...['v1', 'v2', 'v3'].map((version) => workload('reviews', version, 'none')),
  ...['v1', 'v2', 'v2-mysql', 'v2-mysql-vm'].map((version) => workload('ratings', version, 'none')),
  `
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: ingress, namespace: default, labels: { istio: ingressgateway } }
spec: { proxy: gateway, serviceAccount: ingress }
`,
].join('---')

/** Shares of the versions that answer, in percent. */
type Shares = Readonly<Record<string, number>>

/** What a file promises: for requests to a service as a user, which versions answer, or a status. */
interface Promised {
  readonly service: string
  readonly user?: string
  readonly answers?: Shares
  readonly status?: number
  readonly atLeastMs?: number
}

const rules = 'networking/destination-rule-all.yaml'
const versions = 'platform/kube/bookinfo-versions.yaml'
const only = (service: string, version: string, user?: string): Promised => ({
  service,
  answers: { [`${service}-${version}`]: 100 },
  ...(user === undefined ? {} : { user }),
})
const split = (shares: Shares): Promised => ({ service: 'reviews', answers: shares })
const allV1 = ['productpage', 'reviews', 'ratings', 'details'].map((service) => only(service, 'v1'))

const istio: Readonly<Record<string, readonly Promised[]>> = {
  'virtual-service-all-v1.yaml': allV1,
  'virtual-service-reviews-50-v3.yaml': [split({ 'reviews-v1': 50, 'reviews-v3': 50 })],
  'virtual-service-reviews-test-v2.yaml': [only('reviews', 'v2', 'jason'), only('reviews', 'v1', 'anna')],
  'virtual-service-reviews-80-20.yaml': [split({ 'reviews-v1': 80, 'reviews-v2': 20 })],
  'virtual-service-reviews-jason-v2-v3.yaml': [only('reviews', 'v2', 'jason'), only('reviews', 'v3')],
  'virtual-service-reviews-90-10.yaml': [split({ 'reviews-v1': 90, 'reviews-v2': 10 })],
  'virtual-service-reviews-v3.yaml': [only('reviews', 'v3')],
  'virtual-service-reviews-v2-v3.yaml': [split({ 'reviews-v2': 50, 'reviews-v3': 50 })],
  'virtual-service-ratings-test-abort.yaml': [
    { service: 'ratings', user: 'jason', status: 500 },
    only('ratings', 'v1'),
  ],
  'virtual-service-ratings-test-delay.yaml': [
    { service: 'ratings', user: 'jason', status: 200, atLeastMs: 7_000 },
    only('ratings', 'v1'),
  ],
  'virtual-service-ratings-db.yaml': [only('reviews', 'v3'), only('ratings', 'v2')],
  'virtual-service-ratings-mysql.yaml': [only('reviews', 'v3'), only('ratings', 'v2-mysql')],
  'virtual-service-ratings-mysql-vm.yaml': [only('reviews', 'v3'), only('ratings', 'v2-mysql-vm')],
  'virtual-service-details-v2.yaml': [only('details', 'v2')],
}

const gatewayApi: Readonly<Record<string, readonly Promised[]>> = {
  'route-all-v1.yaml': allV1,
  'route-reviews-50-v3.yaml': [split({ 'reviews-v1': 50, 'reviews-v3': 50 })],
  'route-reviews-v1.yaml': [only('reviews', 'v1')],
  'route-reviews-90-10.yaml': [split({ 'reviews-v1': 90, 'reviews-v2': 10 })],
  'route-reviews-v3.yaml': [only('reviews', 'v3')],
}

/** Files that are no routes of their own, played in tests of their own; the last two reach outside or need certificates. */
const others = [
  'destination-rule-all.yaml',
  'destination-rule-all-mtls.yaml',
  'destination-rule-reviews.yaml',
  'fault-injection-details-v1.yaml',
  'bookinfo-gateway.yaml',
  'certmanager-gateway.yaml',
  'egress-rule-google-apis.yaml',
]

const asks = 120
/** Five standard deviations of the share: one run in a million is further off. */
const slack = (percent: number): number => 5 * Math.sqrt((percent / 100) * (1 - percent / 100) * asks)

test('every routing file of bookinfo is played', { skip: skipWithoutData }, () => {
  assert.deepEqual(readdirSync(join(bookinfo, 'networking')).sort(), [...Object.keys(istio), ...others].sort())
  const routes = readdirSync(join(bookinfo, 'gateway-api')).filter((file) => file.startsWith('route-'))
  assert.deepEqual(routes.sort(), Object.keys(gatewayApi).sort())
})

onBothPlanes(
  'bookinfo, carried by',
  (dataPlane) => {
    let mesh: EnvoyMesh
    before(async () => {
      mesh = new EnvoyMesh({
        base: `${base}\n---\n${read('platform/kube/bookinfo.yaml', versions, 'networking/bookinfo-gateway.yaml')}`,
        dataPlane,
        outside: true,
      })
      await mesh.start(read(rules))
    })
    after(() => mesh.close())

    const ask = (service: string, user?: string): Promise<Answer> =>
      mesh.call('productpage-v1-0', `http://${service}:9080/`, user === undefined ? {} : { 'end-user': user })

    const keeps = async ({ service, user, answers, status = 200, atLeastMs = 0 }: Promised): Promise<void> => {
      const begun = performance.now()
      const first = await ask(service, user)
      assert.equal(first.status, status, `${service} for ${user}`)
      assert.ok(performance.now() - begun >= atLeastMs, `${service} answers ${user} too early`)
      if (answers === undefined) return
      const counts: Record<string, number> = {}
      const count = Object.keys(answers).length === 1 ? 10 : asks
      for (let n = 0; n < count; n++) {
        const { body } = await ask(service, user)
        const version = body.replace(/-0$/, '')
        counts[version] = (counts[version] ?? 0) + 1
      }
      assert.deepEqual(Object.keys(counts).sort(), Object.keys(answers).sort(), `${service} for ${user}`)
      for (const [version, percent] of Object.entries(answers)) {
        const off = Math.abs((counts[version] ?? 0) - (percent / 100) * count)
        assert.ok(off <= slack(percent), `${version}: ${counts[version]} of ${count}, not ${percent} %`)
      }
    }

    /** Applies objects in place of those before, and waits until everything is as promised. */
    const plays = async (text: string, promised: readonly Promised[]): Promise<void> => {
      mesh.edit(text)
      await mesh.settled()
      await eventually(async () => {
        for (const one of promised) await keeps(one)
      })
    }

    for (const [file, promised] of Object.entries(istio)) {
      test(`${file} does what it promises`, () => plays(read(rules, `networking/${file}`), promised))
    }

    for (const [file, promised] of Object.entries(gatewayApi)) {
      test(`gateway-api/${file} does what it promises`, () => plays(read(`gateway-api/${file}`), promised))
    }

    test('fault-injection-details-v1.yaml makes details fail with 555', () =>
      plays(read('networking/fault-injection-details-v1.yaml'), [
        { service: 'details', status: 555 },
        { service: 'ratings' },
      ]))

    test('destination-rule-reviews.yaml and destination-rule-all-mtls.yaml change nothing about who answers', async () => {
      const routes = 'networking/virtual-service-reviews-test-v2.yaml'
      await plays(
        read('networking/destination-rule-reviews.yaml', routes),
        istio['virtual-service-reviews-test-v2.yaml'] ?? [],
      )
      await plays(read(rules, 'networking/virtual-service-details-v2.yaml'), [only('details', 'v2')])
      // Only who has a sidecar takes mutual TLS.
      await plays(read('networking/destination-rule-all-mtls.yaml', 'networking/virtual-service-all-v1.yaml'), [
        only('details', 'v1'),
      ])
    })

    test('bookinfo-gateway.yaml lets the pages of productpage in, and nothing else', async () => {
      mesh.edit(read(rules))
      const { address } = mesh.instance('ingress-0')
      const status = async (path: string): Promise<string> => {
        const answer = await http({ host: address, port: 8080, path })
        return `${answer.status} ${answer.body}`
      }
      const pages = ['/productpage', '/static/jquery.js', '/login', '/logout', '/api/v1/products/0/reviews']
      await eventually(async () => {
        for (const path of pages) assert.equal(await status(path), '200 productpage-v1-0', path)
        for (const path of ['/', '/productpage/', '/admin']) assert.equal(await status(path), '404 ', path)
      })
    })
  },
  { skip: skipWithoutData },
)

/** The check, again and again until it holds; what it said last when it does not in time. */
async function eventually(check: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + 60_000
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await sleep(100)
    }
  }
}
