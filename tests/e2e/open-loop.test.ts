// The load of the zero-failure suite, against the bare services: it must itself be without failure, and must see one.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startPlainShop } from '../../examples/bookstore/plain-shop.ts'
import { pause } from './mesh-under-test.ts'
import { customerCookie, startOpenLoop } from './open-loop.ts'

test('open-loop load meets no failure at the bare services, and each 201 is one row', async (t: TestContext) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'bookstore-load-'))
  const shop = await startPlainShop({ dataDir })
  try {
    const { shopUrl } = shop
    const load = startOpenLoop({
      shopUrl,
      requestsPerSecond: Number(process.env['RATE'] ?? 60),
      cookie: await customerCookie(shopUrl),
    })
    await pause(3_000)
    const result = await load.stop()
    t.diagnostic(JSON.stringify({ ...result, failures: result.failures.length }))
    assert.deepEqual(result.failures, [])
    const rows = (await (await fetch(`${shopUrl}/test/orders`)).json()) as { orders: number; ids: number }
    assert.deepEqual(rows, { orders: result.ordersAnswered2xx, ids: result.ordersAnswered2xx })
    assert.ok(result.ordersAnswered2xx > 10)
    assert.ok(Math.abs(result.newConnections - result.sent / 2) <= 1)
  } finally {
    await shop.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
})

test('open-loop load that is told to hold its rate stays at the one it has risen to', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'bookstore-load-'))
  const shop = await startPlainShop({ dataDir })
  try {
    const { shopUrl } = shop
    const cookie = await customerCookie(shopUrl)
    const load = startOpenLoop({ shopUrl, requestsPerSecond: 300, rampSeconds: 10, cookie })
    await pause(1_000)
    const rate = load.hold()
    assert.ok(rate >= 50 && rate < 250, `${rate}/s`)
    const before = { atMs: performance.now(), sent: load.sentSoFar }
    await pause(3_000)
    const seconds = (performance.now() - before.atMs) / 1000
    const result = await load.stop()
    assert.deepEqual(result.failures, [])
    const seen = (result.sent - before.sent) / seconds
    assert.ok(Math.abs(seen - rate) < rate / 5, `${seen}/s instead of ${rate}/s`)
  } finally {
    await shop.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
})

test('open-loop load sees when a service is gone', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'bookstore-load-'))
  const shop = await startPlainShop({ dataDir })
  try {
    const { shopUrl } = shop
    const load = startOpenLoop({ shopUrl, requestsPerSecond: 40, cookie: await customerCookie(shopUrl) })
    await pause(500)
    shop.processes.get('catalog')?.kill('SIGKILL')
    await pause(1_000)
    const { failures } = await load.stop()
    assert.ok(
      failures.some((failure) => /503/.test(failure)),
      failures.slice(0, 3).join('\n'),
    )
  } finally {
    await shop.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
})
