import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { isMemberOf, parseSpiffeId, parseTrustDomain, pathProblem } from './spiffe-id.ts'
import { agentId, workloadId, workloadOf } from './workload-id.ts'

const root = join(import.meta.dirname, '../../..')
const file = join(resolve(root, process.env['WEFT_TEST_DATA'] ?? '../shared/data'), 'spiffe/cases.yaml')
const skip = existsSync(file) ? false : `no ${file}`

interface Cases {
  ids: { id: string; ok: boolean; trustDomain?: string; path?: string; name: string }[]
  trustDomains: { in: string; ok: boolean; trustDomain?: string }[]
  paths: { path: string; ok: boolean }[]
  membership: { id: string; trustDomain: string; member: boolean }[]
}

test('every row of the published SPIFFE id table is judged as marked', { skip }, (t) => {
  const cases = parse(readFileSync(file, 'utf8')) as Cases
  for (const row of cases.ids) {
    const got = parseSpiffeId(row.id)
    assert.equal(got.ok, row.ok, `${row.name}: ${JSON.stringify(row.id)}`)
    if (got.ok) assert.deepEqual([got.value.trustDomain, got.value.path], [row.trustDomain, row.path], row.name)
  }
  for (const row of cases.trustDomains) {
    const got = parseTrustDomain(row.in)
    assert.equal(got.ok, row.ok, JSON.stringify(row.in))
    if (got.ok) assert.equal(got.value, row.trustDomain)
  }
  for (const row of cases.paths) assert.equal(pathProblem(row.path) === undefined, row.ok, row.path)
  for (const row of cases.membership) {
    const id = parseSpiffeId(row.id)
    assert.ok(id.ok)
    assert.equal(isMemberOf(id.value, row.trustDomain), row.member, row.id)
  }
  const rows = cases.ids.length + cases.trustDomains.length + cases.paths.length
  assert.ok(rows > 800)
  t.diagnostic(`${rows + cases.membership.length} rows`)
})

test('a newline after the last character is not overlooked', () => {
  assert.equal(parseSpiffeId('spiffe://cluster.local/ns/a\n').ok, false)
  assert.equal(parseSpiffeId('spiffe://cluster.local\n/ns/a').ok, false)
})

test('an id of 2,048 bytes passes and one of 2,049 does not', () => {
  const head = 'spiffe://cluster.local/'
  assert.ok(parseSpiffeId(head + 'a'.repeat(2048 - head.length)).ok)
  assert.equal(parseSpiffeId(head + 'a'.repeat(2049 - head.length)).ok, false)
})

test('namespace and service account come back from an id of the mesh and from no other', () => {
  const id = parseSpiffeId(workloadId({ namespace: 'bookstore', serviceAccount: 'web' }))
  assert.ok(id.ok)
  assert.deepEqual(workloadOf(id.value), { namespace: 'bookstore', serviceAccount: 'web' })
  for (const other of ['spiffe://x', 'spiffe://x/ns/a', 'spiffe://x/ns/a/sa/b/c', 'spiffe://x/sa/a/ns/b']) {
    const parsed = parseSpiffeId(other)
    assert.ok(parsed.ok)
    assert.equal(workloadOf(parsed.value), undefined, other)
  }
  assert.ok(parseSpiffeId(agentId()).ok)
})
