import assert from 'node:assert/strict'
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { AnalyzeReport } from './analyze.ts'
import { type Run, weft as runWeft } from '../weft-under-test.ts'

const dir = mkdtempSync(join(tmpdir(), 'weft-analyze-'))
after(() => rmSync(dir, { recursive: true }))

const weft = (...args: readonly string[]): Run => runWeft(['analyze', ...args])

test('weft analyze prints place, field and mend, as text and as JSON, and exits 1 on errors', () => {
  mkdirSync(join(dir, 'bad/mesh'), { recursive: true })
  const routes = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: a }
spec: { hosts: [a], http: [{ timout: 1s, route: [{ destination: { host: a } }] }] }
`
  writeFileSync(join(dir, 'bad/mesh/routes.yaml'), routes)
  writeFileSync(
    join(dir, 'bad/mesh/rule.yaml'),
    routes.replace(/Virtual.*/, 'DestinationRule').replace(/spec.*/, 'spec: { host: b }'),
  )
  const text = weft(join(dir, 'bad'))
  assert.equal(text.status, 1, text.stderr)
  assert.match(
    text.stdout,
    /^mesh\/routes\.yaml:4:30: error: VirtualService default\/a: spec\.http\[0\]\.timout: .*`timeout`/,
  )
  assert.match(
    text.stdout,
    /mesh\/rule\.yaml:4:9: warning: DestinationRule default\/a: spec\.host: no Service is called b\.default.* \[IST0174\]/,
  )
  assert.equal(text.stdout.includes('\u001b'), false, 'no colours when standard output is no terminal')
  const json = weft(join(dir, 'bad'), '-o', 'json')
  const report = JSON.parse(json.stdout) as AnalyzeReport
  assert.deepEqual(
    [json.status, report.objects, report.problems.map(({ code }) => code)],
    [1, 1, ['unknown-field', 'IST0101', 'IST0101', 'IST0174']],
  )
})

test('weft analyze tells the Workloads for whose instances a machine has no address', () => {
  mkdirSync(join(dir, 'many'))
  const workload = (_: unknown, at: number): string =>
    `apiVersion: weft.dev/v1alpha1\nkind: Workload\nmetadata: { name: w${1000 + at} }\nspec: { command: [node], proxy: none, replicas: 100 }\n`
  writeFileSync(join(dir, 'many/a.yaml'), Array.from({ length: 651 }, workload).join('---\n'))
  const { status, stdout, stderr } = weft(join(dir, 'many'))
  assert.equal(status, 1, stderr)
  assert.match(
    stdout,
    /^a\.yaml:3254:\d+: error: Workload default\/w1650: spec\.replicas: 76 of its 100 instances have no address: a machine has addresses for 65024 instances/,
  )
})

test('weft analyze exits 0 on a clean directory and 2 on a wrong command line', () => {
  mkdirSync(join(dir, 'good'))
  writeFileSync(
    join(dir, 'good/a.yaml'),
    'apiVersion: weft.dev/v1alpha1\nkind: Workload\nmetadata: { name: a }\nspec: { command: [node] }\n',
  )
  const good = weft(join(dir, 'good'))
  assert.deepEqual([good.status, good.stdout.split(' in ')[0]], [0, '1 object'], good.stderr)
  assert.equal(weft(join(dir, 'nowhere')).status, 2)
  assert.equal(weft(join(dir, 'good'), '-o', 'xml').status, 2)
  assert.equal(weft().status, 2)
  assert.equal(weft(join(dir, 'good'), '-S', 'nonsense').status, 2)
})

test('thresholds decide what is printed and what fails; suppressed findings do neither', () => {
  const file = join(dir, 'service.yaml')
  writeFileSync(file, 'apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec: { ports: [{ port: 80 }] }\n')
  const plain = weft(file)
  assert.deepEqual([plain.status, plain.stdout.includes('[IST0118]')], [0, true], plain.stdout)
  assert.equal(weft(file, '--failure-threshold', 'info').status, 1)
  assert.equal(weft(file, '--failure-threshold', 'info', '-S', 'IST0118=Service a.default').status, 0)
  assert.equal(weft(file, '--output-threshold', 'warning').stdout.includes('IST0118'), false)
})

test('a certificate that has expired, or is not of its key, is told', async () => {
  const { generateKeyPairSync } = await import('node:crypto')
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'c' },
    stringData: { 'tls.crt': broken, 'tls.key': key },
  }
  const workload = {
    apiVersion: 'weft.dev/v1alpha1',
    kind: 'Workload',
    metadata: { name: 'gw', labels: { app: 'gw' } },
    spec: { proxy: 'gateway' },
  }
  const server = {
    port: { number: 443, name: 'https', protocol: 'HTTPS' },
    tls: { mode: 'SIMPLE', credentialName: 'c' },
    hosts: ['a.b'],
  }
  const gateway = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: { name: 'g' },
    spec: { selector: { app: 'gw' }, servers: [server] },
  }
  const file = join(dir, 'secret.yaml')
  writeFileSync(file, [secret, workload, gateway].map((each) => JSON.stringify(each)).join('\n---\n'))
  assert.match(weft(file).stdout, /Secret default\/c holds a certificate that cannot be read.*\[IST0161\]/)
})

test('what the status of Gateway API objects says is wrong is found without asking for the status, and can be suppressed', () => {
  const file = join(dir, 'route.yaml')
  const route = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: a }
spec: { parentRefs: [{ name: nowhere }], rules: [{ backendRefs: [{ name: gone, port: 80 }] }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: a }
spec: { gatewayClassName: weft, listeners: [{ name: a, port: 80, protocol: HTTPS, tls: { certificateRefs: [{ name: gone }] } }] }
`
  writeFileSync(file, route)
  const found = weft(file, '--failure-threshold', 'warning')
  assert.equal(found.status, 1)
  assert.match(
    found.stdout,
    /route\.yaml:4:22: warning: HTTPRoute default\/a: spec\.parentRefs\[0\]: there is no Gateway default\/nowhere/,
  )
  assert.match(
    found.stdout,
    /route\.yaml:9:45: warning: Gateway default\/a: spec\.listeners\[0\]: is not served .*\[IST0171\]/,
  )
  const annotated = route.replace(
    '{ name: a }',
    '{ name: a, annotations: { galley.istio.io/analyze-suppress: IST0101 } }',
  )
  writeFileSync(file, annotated)
  assert.doesNotMatch(weft(file).stdout, /nowhere/)
  assert.doesNotMatch(weft(file, '-S', 'IST0171=Gateway a.default').stdout, /is not served/)
})
