import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { type Run, weft as runWeft } from '../weft-under-test.ts'

const weft = (...args: readonly string[]): Run => runWeft(['translate', ...args])

interface Translated {
  readonly type: string
  readonly name: string
  readonly from: readonly {
    readonly origin: string
    readonly position?: { readonly file: string; readonly line: number }
  }[]
  readonly resource: { readonly name?: string; readonly cluster_name?: string }
}

test('weft translate prints what a proxy gets, with the YAML behind it', () => {
  const run = weft('examples/bookstore', '--proxy', 'web', '-o', 'json')
  assert.deepEqual([run.status, run.stderr], [0, ''])
  const resources = JSON.parse(run.stdout) as readonly Translated[]
  assert.deepEqual([...new Set(resources.map(({ type }) => type))], ['listeners', 'routes', 'clusters', 'endpoints'])
  for (const { name, resource } of resources) assert.equal(resource.name ?? resource.cluster_name, name)
  const cluster = resources.find(({ name }) => name === 'outbound|80|v2|catalog.bookstore.svc.cluster.local')
  const rule = cluster?.from.find(({ origin }) => origin.includes('/DestinationRule/bookstore/catalog#spec.subsets'))
  assert.deepEqual([rule?.position?.file, (rule?.position?.line ?? 0) > 0], ['mesh/catalog-routing.yaml', true])
})

test('as YAML it is one document for each resource, of one type and name if asked', () => {
  const run = weft('examples/bookstore', '--proxy', 'web-0.bookstore', '--type', 'clusters', '--name', '|v1|')
  const documents = parseAllDocuments(run.stdout)
  assert.ok(Array.isArray(documents))
  const names = documents.map((document) => (document.toJS() as Translated['resource']).name)
  assert.deepEqual(names, ['outbound|80|v1|catalog.bookstore.svc.cluster.local'])
  assert.match(
    run.stdout,
    /^# clusters: outbound\|80\|v1\|catalog\S+ \([0-9a-f]+\)\n# from mesh\/services\.yaml:\d+ core\/Service/,
  )
})

test('it is made for the interception that is asked for', () => {
  const names = (interception: string): string[] => {
    const args = ['--proxy', 'web', '--type', 'listeners', '--interception', interception, '-o', 'json']
    return (JSON.parse(weft('examples/bookstore', ...args).stdout) as Translated[]).map(({ name }) => name)
  }
  assert.equal(names('explicit').includes('virtualOutbound'), false)
  assert.notDeepEqual(names('redirect'), names('explicit'))
})

test('a proxy that is not there is named with those that are; a wrong command line exits 2', () => {
  const nobody = weft('examples/bookstore', '--proxy', 'wob')
  assert.equal(nobody.status, 1)
  assert.match(nobody.stderr, /there is no proxy wob; there are: .*web-0\.bookstore/)
  assert.equal(weft('examples/bookstore').status, 2)
  assert.equal(weft('examples/bookstore', '--proxy', 'web', '--type', 'secrets').status, 2)
  assert.match(weft('--help').stdout, /weft translate examples\/bookstore --proxy web/)
})

test('what is left out is told, and makes it fail: it may have been a policy', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'translate-'))
  t.after(() => rmSync(dir, { recursive: true }))
  cpSync(join(import.meta.dirname, '../../../../examples/bookstore/mesh'), dir, { recursive: true })
  const policy =
    'apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: { name: p, namespace: bookstore }\n'
  writeFileSync(join(dir, 'policy.yaml'), `${policy}spec: { action: DANY }\n`)
  const run = weft(dir, '--proxy', 'web')
  assert.equal(run.status, 1)
  assert.match(run.stderr, /^1 errors leave objects out; weft validate /)
  assert.match(run.stdout, /^# listeners: /)
})

test('a table names each resource with the place of its YAML', () => {
  const run = weft('examples/bookstore', '--proxy', 'web', '--type', 'clusters', '--name', '|v1|', '-o', 'table')
  const [head, row, ...more] = run.stdout.split('\n')
  assert.equal(head, 'TYPE\tNAME\tVERSION\tFROM')
  assert.match(row ?? '', /^clusters\toutbound\|80\|v1\|catalog\S+\t[0-9a-f]+\tmesh\/services\.yaml:\d+, /)
  assert.deepEqual(more, [''])
})
