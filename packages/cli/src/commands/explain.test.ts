// `weft explain` as a process, offline on the bookstore.
import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Run, weft as runWeft } from '../weft-under-test.ts'

const weft = (...args: readonly string[]): Run => runWeft(['explain', ...args])

const bookstore = ['-f', 'examples/bookstore'] as const

test('a request is explained step by step, with the line of YAML behind each', () => {
  const { status, stdout } = weft('--from', 'web', 'GET', 'http://catalog/books', '-H', 'x-user: jason', ...bookstore)
  assert.equal(status, 0)
  assert.match(stdout, /route +jason-tests-v2 .*examples\/bookstore\/mesh\/catalog-routing\.yaml:\d+/)
  assert.match(stdout, /endpoint +127\.66\.\d+\.\d+:8080 \(least-request, mutual TLS\)/)
  assert.match(stdout, /the peer is spiffe:\/\/cluster\.local\/ns\/bookstore\/sa\/web .*STRICT.*security\.yaml:\d+/)
  assert.match(stdout, /allowed: ALLOW policy .*security\.yaml:\d+/)
  assert.match(stdout, /=> 200: handed to the application behind catalog-v2-0\.bookstore/)
  assert.doesNotMatch(stdout, /\x1b\[/, 'no colours into a pipe')
})

test('a rule that lost says why, and what would make it win', () => {
  const { stdout } = weft('--from', 'web', 'GET', 'http://catalog/books', '--draw', '95', ...bookstore)
  assert.match(stdout, /not jason-tests-v2: header x-user is exactly "jason", seen nothing/)
  assert.match(stdout, /it would be with header x-user "jason"/)
  assert.match(stdout, /outbound\|80\|v2\|catalog.* weight 10 of 100 \(10 %\), random draw 95/)
})

test('a caller that no policy names is refused by the far end', () => {
  const { status, stdout } = weft('--from', 'inventory', 'POST', 'http://orders/orders', '-o', 'json', ...bookstore)
  assert.equal(status, 0)
  const explained = JSON.parse(stdout) as {
    status: number
    reason: string
    places: Record<string, { file: string; line: number }>
  }
  assert.equal(explained.status, 403)
  assert.match(explained.reason, /^orders-0\.bookstore: denied/)
  assert.ok(Object.values(explained.places).every(({ file, line }) => file.endsWith('.yaml') && line > 0))
})

test('unknown workloads and wrong usage have their own exit codes', () => {
  const unknown = weft('--from', 'nobody', 'GET', 'http://catalog/', ...bookstore)
  assert.equal(unknown.status, 1)
  assert.match(unknown.stderr, /no workload nobody has a proxy; there are .*catalog-v1/)
  assert.equal(weft('--from', 'web', 'GET', 'catalog', ...bookstore).status, 2)
  assert.equal(weft('GET', 'http://catalog/', ...bookstore).status, 2)
  assert.equal(weft('--from', 'web', 'GET', 'http://catalog/', '-f', 'no-such-dir').status, 1)
})

test('a TLS connection is explained by the server name that it asks for', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-explain-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const golden = join(import.meta.dirname, '../../../control/golden/gateway-api/mesh-names/in.yaml')
  copyFileSync(golden, join(dir, 'mesh.yaml'))
  const asked = (to: string, ...more: readonly string[]): string => weft('--from', 'web', to, ...more, '-f', dir).stdout
  assert.match(asked('tls://vault:8443', '--sni', 'two.example'), /outbound\|8443\|\|vault-green/)
  assert.match(asked('tls://vault:8443', '--sni', 'any.many.example'), /outbound\|8443\|\|vault-blue/)
  assert.match(asked('tls://vault.shop:8443'), /^tls:\/\/vault\.shop:8443 from web-0\.shop[^]*BlackHoleCluster/)
  assert.match(asked('tls://mixed:9000', '--sni', ''), /outbound\|8443\|\|vault-green/)
  assert.match(asked('tcp://mixed:9000'), /outbound\|8443\|\|vault-green/)
  const wrong = weft('--from', 'web', 'tcp://vault:8443', '--sni', 'two.example', '-f', dir)
  assert.equal(wrong.status, 2)
  assert.match(wrong.stderr, /--sni goes with tls:/)
})

test('a host that only the request names is told with its cluster, and not looked up', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-explain-'))
  t.after(() => rmSync(dir, { recursive: true }))
  copyFileSync(join(import.meta.dirname, '../../../control/golden/entries/dynamic/in.yaml'), join(dir, 'mesh.yaml'))
  const asked = (url: string): string => weft('--from', 'web', 'GET', url, '-f', dir).stdout
  assert.match(asked('http://a.many.example/'), /cluster +outbound\|80\|\|\*\.many\.example/)
  assert.match(asked('http://a.many.example/'), /endpoint +host a\.many\.example:443 .*TLS.*which is not done here/)
  assert.match(asked('http://a.many.example/'), /=> 200: sent to a\.many\.example:443, once its address is found/)
  assert.match(asked('http://front.example/named'), /=> 200: sent to two\.many\.example:443/)
  assert.match(asked('http://front.example/'), /=> 404 \(NR\)/)
})
