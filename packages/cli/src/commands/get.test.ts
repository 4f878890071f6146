import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { parse } from 'yaml'

const main = join(import.meta.dirname, '../main.ts')
const run = promisify(execFile)
let dir = ''

const mesh = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: shop }
spec: { gatewayClassName: weft, listeners: [{ name: http, protocol: HTTP, port: 8080 }] }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: old, namespace: shop }
spec: { selector: { a: b }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: books, namespace: shop }
spec: { parentRefs: [{ name: edge }], rules: [{ backendRefs: [{ name: catalog, port: 80 }] }] }
`

before(() => {
  dir = mkdtempSync(join(tmpdir(), 'weft-get-'))
  writeFileSync(join(dir, 'mesh.yaml'), mesh)
})
after(() => rmSync(dir, { recursive: true }))

async function get(...args: string[]): Promise<{ code: number; out: string; error: string }> {
  try {
    const { stdout, stderr } = await run(process.execPath, [main, 'get', ...args, '-f', dir])
    return { code: 0, out: stdout, error: stderr }
  } catch (failed) {
    const { code, stdout, stderr } = failed as { code: number; stdout: string; stderr: string }
    return { code, out: stdout, error: stderr }
  }
}

test('a kind is a table with its status, by any of its names', async () => {
  const { out } = await get('gateways.gateway.networking.k8s.io')
  const [head, row] = out.split('\n').map((line) => line.split('\t').slice(0, 5))
  assert.deepEqual(head, ['NAMESPACE', 'NAME', 'CLASS', 'ADDRESS', 'PROGRAMMED'])
  assert.deepEqual(row, ['shop', 'edge', 'weft', '127.66.0.1', 'True'])
  const both = await get('gateways')
  assert.match(both.out, /old\tnetworking.istio.io\/Gateway/)
})

test('YAML of one object has defaults and status filled in', async () => {
  const { out } = await get('httproute', 'books', '-n', 'shop', '-o', 'yaml')
  const object = parse(out) as {
    spec: { rules: [{ matches: unknown }] }
    status: { parents: [{ conditions: { reason: string }[] }] }
  }
  assert.deepEqual(object.spec.rules[0].matches, [{ path: { type: 'PathPrefix', value: '/' } }])
  assert.deepEqual(
    object.status.parents[0].conditions.map(({ reason }) => reason),
    ['Accepted', 'BackendNotFound'],
  )
})

test('JSON of several objects is a List; a name that is not there exits with 1, a kind that is none with 2', async () => {
  const list = JSON.parse((await get('httproutes', '-o', 'json')).out) as { kind: string; items: unknown[] }
  assert.deepEqual([list.kind, list.items.length], ['List', 1])
  const missing = await get('httproute', 'magazines', '-n', 'shop')
  assert.deepEqual([missing.code, missing.error], [1, 'there is no HTTPRoute magazines in namespace shop\n'])
  assert.equal((await get('books')).code, 2)
})
