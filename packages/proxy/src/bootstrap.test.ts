import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseBootstrap } from './bootstrap.ts'

const good = {
  node: { id: 'sidecar~127.66.0.1~web-0.bookstore~bookstore.svc.cluster.local', cluster: 'web', metadata: {} },
  instance: 'web-0',
  address: '127.66.0.1',
  ads: { host: '127.0.0.1', port: 15012, serverSpiffeId: 'spiffe://cluster.local/ns/weft-system/sa/weft-control' },
  sds: { path: '/run/sds.sock' },
  admin: { address: '127.66.0.1', port: 15000 },
  metricsPort: 15020,
  drainMs: 5_000,
  accessLog: true,
}

test('a bootstrap is taken as it is written', () => {
  assert.deepEqual(parseBootstrap(JSON.stringify(good)), { ok: true, value: good })
})

test('a mistake in a bootstrap is named by its field', () => {
  const errorOf = (value: unknown): string => {
    const parsed = parseBootstrap(typeof value === 'string' ? value : JSON.stringify(value))
    return parsed.ok ? '' : parsed.error
  }
  assert.match(errorOf('{'), /^bootstrap is not JSON: /)
  assert.equal(errorOf({ ...good, ads: { ...good.ads, port: 70_000 } }), 'bootstrap: ads.port must be a port')
  assert.equal(errorOf({ ...good, node: undefined }), 'bootstrap: node must be an object')
  assert.equal(errorOf({ ...good, drainMs: -1 }), 'bootstrap: drainMs must be milliseconds')
  assert.equal(errorOf({ ...good, metricsPort: '15020' }), 'bootstrap: metricsPort must be a port')
})
