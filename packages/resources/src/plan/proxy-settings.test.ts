import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ofKind } from '../kinds.ts'
import { loadFiles } from '../parse/load-files.ts'
import { meshWorkloads } from './mesh-workloads.ts'
import { proxySettings, type ProxySettings } from './proxy-settings.ts'

const workload = (spec = ''): string => `
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: catalog, namespace: shop, labels: { app: catalog } }
spec: { command: [catalog], serviceAccount: catalog, ports: [{ name: http, port: 8080 }]${spec} }
`

function settings(configs: readonly string[], spec = ''): ProxySettings {
  const text = [workload(spec), ...configs].join('---\n')
  const { objects, problems } = loadFiles([{ name: 'in.yaml', text }])
  assert.deepEqual(
    problems.filter(({ severity }) => severity === 'error'),
    [],
  )
  const [one] = meshWorkloads(objects)
  assert.ok(one !== undefined)
  return proxySettings(one, ofKind(objects, 'ProxyConfig'))
}

const config = (name: string, spec: string, created = ''): string => `
apiVersion: networking.istio.io/v1
kind: ProxyConfig
metadata: { name: ${name.split('/')[1]}, namespace: ${name.split('/')[0]}${created} }
spec: { ${spec} }
`
const mesh = config('istio-system/mesh', 'concurrency: 2, environmentVariables: { A: mesh, B: mesh, C: mesh }')
const space = config('shop/space', 'concurrency: 3, environmentVariables: { A: space, B: space }')
const own = config('shop/own', 'selector: { matchLabels: { app: catalog } }, environmentVariables: { A: own }')

test('the nearest ProxyConfig says how many processes there are, and each variable comes from the nearest that has it', () => {
  assert.deepEqual(settings([mesh]), { concurrency: 2, environment: { A: 'mesh', B: 'mesh', C: 'mesh' } })
  const all = { concurrency: 3, environment: { A: 'own', B: 'space', C: 'mesh' } }
  assert.deepEqual(settings([mesh, space, own]), all)
  assert.deepEqual(settings([own, space, mesh]), all)
  assert.deepEqual(settings([]), { environment: {} })
})

test('what a Workload says of itself goes before every ProxyConfig, and no proxy has more than 64', () => {
  assert.equal(settings([mesh, own], ', concurrency: 5').concurrency, 5)
  assert.equal(settings([config('shop/a', 'concurrency: 1000')]).concurrency, 64)
  assert.equal(settings([config('shop/a', 'concurrency: 0')]).concurrency, 0)
})

test('a selector holds for its own namespace, that of the root namespace too, and other namespaces are not meant', () => {
  const elsewhere = config('istio-system/labelled', 'selector: { matchLabels: { app: catalog } }, concurrency: 9')
  const other = config('shop/other', 'selector: { matchLabels: { app: orders } }, concurrency: 9')
  assert.equal(settings([elsewhere, other, config('blog/space', 'concurrency: 9')]).concurrency, undefined)
})

test('of two for the same workloads the older one holds, then the one whose name comes first', () => {
  const aged = (name: string, value: number, created: string): string =>
    config(name, `concurrency: ${value}`, created === '' ? '' : `, creationTimestamp: '${created}'`)
  assert.equal(
    settings([aged('shop/a', 2, '2026-01-02T00:00:00Z'), aged('shop/b', 3, '2026-01-01T00:00:00Z')]).concurrency,
    3,
  )
  assert.equal(settings([aged('shop/a', 2, ''), aged('shop/b', 3, '2026-01-01T00:00:00Z')]).concurrency, 3)
  assert.equal(settings([aged('shop/b', 3, ''), aged('shop/a', 2, '')]).concurrency, 2)
})
