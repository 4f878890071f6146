// The services without a mesh: the whole journey of a customer, and how the shop bears the loss of a part.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { checks, openCheckContext, type CheckContext } from './check.ts'
import { startPlainShop, type PlainShop } from './plain-shop.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'bookstore-test-'))
let shop: PlainShop
let context: CheckContext

describe('the bookstore without a mesh', () => {
  before(async () => {
    shop = await startPlainShop({ dataDir, env: { DELIVERY_STAGE_MS: '100' } })
    context = openCheckContext(shop.shopUrl)
  })
  after(async () => {
    context.close()
    await shop.stop()
    rmSync(dataDir, { recursive: true, force: true })
  })

  for (const check of checks.filter((candidate) => candidate.needs === 'shop')) {
    test(`${check.name}: ${check.expected}`, async () => {
      const { seen, ok } = await check.run(context)
      assert.ok(ok, seen)
    })
  }

  test('a reader cannot name himself by a header', async () => {
    const { status } = await context.request('/api/orders/L000', { headers: { 'x-user': 'jason' } })
    assert.equal(status, 401)
  })

  test('a forged session is nobody’s', async () => {
    const session = `${Buffer.from('jason').toString('base64url')}.9999999999.${'A'.repeat(43)}`
    const { status, headers } = await context.request('/orders', { headers: { cookie: `session=${session}` } })
    assert.deepEqual([status, headers.location], [303, '/login?next=%2Forders'])
  })

  test('what a reader types is shown as text, never as markup', async () => {
    const { text } = await context.request(`/?q=${encodeURIComponent('"><script>alert(1)</script>')}`)
    assert.ok(text.includes('&quot;&gt;&lt;script&gt;'))
    assert.ok(!text.includes('<script'))
  })

  test('logging in never leads to another site', async () => {
    for (const next of ['//evil.example/', '/\\evil.example/', 'https://evil.example/']) {
      const form = { name: `n${Math.floor(performance.now() * 1000)}`, password: 'long enough', next }
      const { headers } = await context.request('/register', { form })
      assert.equal(headers.location, '/')
    }
  })

  test('the style sheet is not sent again to who has it', async () => {
    const first = await context.request('/assets/style.css')
    const etag = first.headers.etag ?? ''
    const again = await context.request('/assets/style.css', { headers: { 'if-none-match': etag } })
    assert.deepEqual([first.status, again.status, again.body.length], [200, 304, 0])
  })

  test('HEAD answers the head of GET', async () => {
    const get = await context.request('/')
    const head = await context.request('/', { method: 'HEAD' })
    assert.deepEqual([head.status, head.headers['content-length'], head.body.length], [200, String(get.body.length), 0])
  })

  test('without payments an order fails with 503 and a page, no row, and the basket kept', async () => {
    const broken = await startPlainShop({ dataDir: join(dataDir, 'broken') })
    const visit = openCheckContext(broken.shopUrl)
    try {
      const form = { name: 'carol', password: 'carol-secret' }
      await visit.request('/register', { form, visitor: 'carol' })
      const payments = broken.processes.get('payments')
      const ended = new Promise((resolve) => payments?.once('exit', resolve))
      payments?.kill('SIGKILL')
      await ended
      await visit.request('/basket/add', { form: { isbn: '9781950000012', quantity: '1' }, visitor: 'carol' })
      const order = {
        key: 'k1',
        recipient: 'C',
        street: 'S 1',
        postcode: '1',
        city: 'T',
        number: '4242424242424242',
        expires: '12/39',
      }
      const { status, text } = await visit.request('/checkout', { form: order, visitor: 'carol' })
      assert.equal(status, 503)
      assert.ok(text.includes('A part of the shop is resting'))
      const { text: basket } = await visit.request('/basket', { visitor: 'carol' })
      assert.ok(basket.includes('The Lighthouse Ledger'), 'the basket is kept')
      assert.deepEqual(JSON.parse((await visit.request('/test/orders')).text), { orders: 0, ids: 0 })
    } finally {
      visit.close()
      await broken.stop()
    }
  })
})

test('every service ends by itself on SIGTERM, with code 0', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'bookstore-test-'))
  const own = await startPlainShop({ dataDir: directory })
  await fetch(own.shopUrl).then((response) => response.text())
  await own.stop()
  rmSync(directory, { recursive: true, force: true })
  assert.deepEqual(
    [...own.processes].map(([name, child]) => [name, child.exitCode, child.signalCode]),
    [...own.processes.keys()].map((name) => [name, 0, null]),
  )
})
