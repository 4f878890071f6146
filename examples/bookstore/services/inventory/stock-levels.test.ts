import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { makeStockClient, type StockClient } from '../orders/stock-client.ts'
import { startLevelServer, type LevelServer } from './stock-levels.ts'
import { makeStock, stockSchema, type Stock } from './stock.ts'

const isbn = '9781950000012'
const other = '9781950000029'

describe('stock levels over gRPC', () => {
  let stock: Stock
  let server: LevelServer
  let client: StockClient

  before(async () => {
    const database = new DatabaseSync(':memory:')
    database.exec(stockSchema)
    stock = makeStock(database, (changed) => server.changed(changed))
    server = await startLevelServer(stock, '127.0.0.1', 0)
    client = makeStockClient(server.address)
  })
  after(async () => {
    client.close()
    await server.close()
  })

  test('the level of a title, and the request’s id in the trailers', async () => {
    const call = await client.levelCall(isbn, { 'x-request-id': 'id-1' })
    assert.deepEqual(call, {
      code: 'OK',
      details: 'OK',
      levels: [{ isbn, copies: 500 }],
      trailers: { 'x-request-id': 'id-1' },
    })
  })

  test('what is no ISBN is refused by status, and asked over HTTP by 422', async () => {
    assert.equal((await client.levelCall('x', {})).code, 'INVALID_ARGUMENT')
    assert.equal((await client.watchCall(['x'], 1, {})).code, 'INVALID_ARGUMENT')
    assert.equal((await client.watchCall([], 1, {})).code, 'INVALID_ARGUMENT')
    await assert.rejects(client.level('x', {}), { status: 422 })
  })

  test('a stream tells the level now and every change after it, of the titles asked for only', async () => {
    const watched = client.watchCall([isbn], 3, {})
    for (let tries = 0; tries < 50; tries++) await new Promise(setImmediate)
    stock.reserve(other, 1, 'k0')
    stock.reserve(isbn, 2, 'k1')
    stock.reserve(isbn, 2, 'k1')
    await new Promise((resolve) => setTimeout(resolve, 50))
    stock.release('k1')
    const { code, levels } = await watched
    assert.equal(code, 'CANCELLED')
    assert.deepEqual(
      levels.map(({ copies }) => copies),
      [500, 498, 500],
    )
  })

  test('streams end with UNAVAILABLE when the service ends', async () => {
    const own = await startLevelServer(stock, '127.0.0.1', 0)
    const caller = makeStockClient(own.address)
    const watched = caller.watchCall([isbn], 9, {})
    await caller.level(isbn, {})
    await own.close()
    assert.equal((await watched).code, 'UNAVAILABLE')
    caller.close()
  })
})
