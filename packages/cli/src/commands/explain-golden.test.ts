// What people read: the explanations of the bookstore, offline, to the letter. UPDATE_GOLDEN=1 rewrites the texts.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Explanation } from '@weft/engine'
import { type Run, weft as runWeft } from '../weft-under-test.ts'

const golden = join(import.meta.dirname, '../../golden')

const weft = (...args: readonly string[]): Run => runWeft(['explain', ...args])

const offline = ['-f', 'examples/bookstore']
const cases: Readonly<Record<string, readonly string[]>> = {
  'jason-sees-v2': ['--from', 'web', 'GET', 'http://catalog/books', '-H', 'x-user: jason'],
  'a-reader-in-the-split': ['--from', 'web', 'GET', 'http://catalog/books', '--draw', '95'],
  'an-aborted-call': ['--from', 'web', 'GET', 'http://orders/orders', '-H', 'x-test: broken'],
  'a-denied-caller': ['--from', 'web', 'GET', 'http://payments/healthz'],
  'a-tcp-connection': ['--from', 'orders', 'tcp://inventory:7000'],
  'a-denied-tcp-connection': ['--from', 'web', 'tcp://inventory.bookstore.svc.cluster.local:7000'],
  'inside-a-tunnel': ['--from', 'web', 'CONNECT', 'http://catalog/books', '-H', 'x-user: jason'],
  'bytes-in-a-tunnel': ['--from', 'orders', 'CONNECT', 'inventory:7000'],
  'an-encrypted-tunnel': ['--from', 'web', 'CONNECT', 'https://catalog:80/books'],
  'an-unknown-host': ['--from', 'web', 'GET', 'http://catlog/books'],
}

for (const [name, args] of Object.entries(cases)) {
  test(`weft explain of the bookstore: ${name.replaceAll('-', ' ')}`, () => {
    const run = weft(...args, ...offline)
    assert.deepEqual([run.status, run.stderr], [0, ''])
    const file = join(golden, `${name}.txt`)
    if (process.env['UPDATE_GOLDEN'] === '1' && process.env['CI'] === undefined) writeFileSync(file, run.stdout)
    assert.equal(run.stdout, readFileSync(file, 'utf8'))
  })
}

test('as JSON it holds every step with the place of every origin', () => {
  const run = weft(...(cases['jason-sees-v2'] ?? []), ...offline, '-o', 'json')
  const said = JSON.parse(run.stdout) as Explanation & { places: Record<string, { file: string; line: number }> }
  assert.deepEqual([run.status, said.status, said.route], [0, 200, 'jason-tests-v2'])
  const decisions = new Set(said.steps.map(({ decision }) => decision))
  for (const decision of ['listener', 'identity', 'authorization', 'route', 'cluster', 'endpoint'] as const) {
    assert.ok(decisions.has(decision), decision)
  }
  const origins = said.steps.flatMap((step) => Object.values(step.origins))
  assert.ok(origins.length > 10)
  for (const origin of origins) assert.ok((said.places[origin]?.line ?? 0) > 0, origin)
})

test('without a mesh that answers it says so, and how to ask offline', () => {
  const silent = weft('--from', 'web', 'GET', 'http://catalog/', '--api', 'http://127.0.0.1:1')
  assert.equal(silent.status, 1)
  assert.match(silent.stderr, /no control plane answers at http:\/\/127\.0\.0\.1:1: .*\nOffline: add -f DIR/)
})
