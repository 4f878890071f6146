import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseRegistry, type WorkloadInstance } from '@weft/resources'
import { Registry } from './registry.ts'

const instance: WorkloadInstance = {
  name: 'web-0',
  workload: 'web',
  namespace: 'shop',
  labels: {},
  serviceAccount: 'web',
  proxy: 'sidecar',
  address: '127.66.0.1',
  appAddress: '127.67.0.1',
  ports: [],
  outboundTcp: {},
  ready: false,
  draining: false,
}

test('the file always holds what the control plane reads, and changes made at once are one write', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-registry-'))
  const file = join(dir, 'instances.json')
  const registry = new Registry(file, [instance], assert.fail)
  assert.equal(await registry.create(), undefined)
  const first = statSync(file).ino
  await Promise.all([registry.patch('shop/web-0', { ready: true }), registry.patch('shop/web-0', { draining: true })])
  const parsed = parseRegistry(readFileSync(file, 'utf8'))
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.error)
  assert.deepEqual(parsed.value.instances, [{ ...instance, ready: true, draining: true }])
  assert.notEqual(statSync(file).ino, first, 'replaced, not rewritten')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  rmSync(dir, { recursive: true })
})

test('a file that cannot be written is reported, and the instances in memory stay true', async () => {
  const problems: string[] = []
  const registry = new Registry('/nowhere/at-all/instances.json', [instance], (message) => void problems.push(message))
  assert.match((await registry.create()) ?? '', /ENOENT/)
  await registry.patch('shop/web-0', { ready: true })
  assert.match(problems[0] ?? '', /cannot write \/nowhere\/at-all\/instances\.json: .*goes on with the last one/)
  await registry.patch('shop/web-0', { draining: true })
  assert.equal(problems.length, 1, 'once is enough')
  assert.equal(registry.instances[0]?.ready, true)
  // Good again: nothing may be left that keeps the process alive.
  await registry.set([])
})
