// What orders answers.
import { HttpError, type Call, type Reply, type Route } from '../platform/http-service.ts'
import { countField, objectFrom, parseFields, textField, type Fields } from '../platform/json-fields.ts'
import type { BasketLine, Order, OrderStore } from './order-store.ts'
import { placeOrder, type OrderServices } from './place-order.ts'
import type { StockClient } from './stock-client.ts'

const quantityMax = 20
const linesMax = 30

/** The routes of orders. */
export function orderRoutes(services: OrderServices): readonly Route[] {
  const { store, stock } = services
  const running = new Map<string, Promise<Order>>()
  return [
    { method: 'GET', path: '/baskets/:id', handle: (call) => basket(store, call) },
    { method: 'PUT', path: '/baskets/:id/lines/:isbn', handle: (call) => setLine(store, call) },
    { method: 'POST', path: '/orders', handle: (call) => place(services, running, call) },
    {
      method: 'GET',
      path: '/orders',
      handle: (call) => ({ status: 200, json: { orders: store.ofCustomer(reader(call)) } }),
    },
    { method: 'GET', path: '/orders/:id', handle: (call) => ({ status: 200, json: ownOrder(store, call) }) },
    {
      method: 'GET',
      path: '/stock/:isbn',
      handle: async (call) => ({
        status: 200,
        json: { copies: await stock.level(call.params['isbn'] ?? '', call.passOn) },
      }),
    },
  ]
}

/**
 * `/test/orders`: how many rows there are, and how many different orders. `/test/level/:isbn`, `/test/watch/:isbn?count=N`: how a gRPC call of
 * inventory ended, all of it.
 */
export function testRoutes(store: OrderStore, stock: StockClient): readonly Route[] {
  return [
    { method: 'GET', path: '/test/orders', handle: () => ({ status: 200, json: store.count() }) },
    {
      method: 'GET',
      path: '/test/level/:isbn',
      handle: async ({ params, passOn }) => ({
        status: 200,
        json: await stock.levelCall(params['isbn'] ?? '', passOn),
      }),
    },
    {
      method: 'GET',
      path: '/test/watch/:isbn',
      async handle({ params, url, passOn }) {
        const count = Number(url.searchParams.get('count') ?? 1)
        return { status: 200, json: await stock.watchCall([params['isbn'] ?? ''], count, passOn) }
      },
    },
  ]
}

function basket(store: OrderStore, call: Call): Reply {
  return { status: 200, json: { lines: store.basket(call.params['id'] ?? '') } }
}

/** `{ quantity }` sets, `{ add }` adds to what is there. */
async function setLine(store: OrderStore, call: Call): Promise<Reply> {
  const { id = '', isbn = '' } = call.params
  const fields = parseFields(await call.body())
  const lines = store.basket(id)
  const there = lines.find((line) => line.isbn === isbn)?.quantity ?? 0
  if (there === 0 && lines.length >= linesMax) throw new HttpError(422, 'the basket is full')
  const wanted =
    'add' in fields ? there + countField(fields, 'add', 1, quantityMax) : countField(fields, 'quantity', 0, quantityMax)
  store.setQuantity(id, isbn, Math.min(wanted, quantityMax))
  return { status: 200, json: { lines: store.basket(id) } }
}

async function place(services: OrderServices, running: Map<string, Promise<Order>>, call: Call): Promise<Reply> {
  const fields = parseFields(await call.body())
  const key = call.request.headers['idempotency-key']
  if (typeof key !== 'string' || key === '' || key.length > 100)
    throw new HttpError(400, 'an Idempotency-Key is needed')
  const customer = reader(call)
  const basketId = typeof fields['basket'] === 'string' ? fields['basket'] : undefined
  const lines = basketId === undefined ? linesFrom(fields) : services.store.basket(basketId)
  const request = {
    key,
    customer,
    lines,
    address: objectFrom(fields['address'], 'address'),
    card: objectFrom(fields['card'], 'card'),
  }
  const runningKey = `${customer}\n${key}`
  // The same order asked twice at the same time (a double click, a retry) is one piece of work with one answer.
  const work = running.get(runningKey) ?? placeOrder(services, request, call.passOn)
  running.set(runningKey, work)
  try {
    const order = await work
    if (basketId !== undefined) services.store.emptyBasket(basketId)
    return { status: 201, json: order }
  } finally {
    running.delete(runningKey)
  }
}

function linesFrom(fields: Fields): readonly BasketLine[] {
  const given = fields['lines']
  if (!Array.isArray(given) || given.length === 0 || given.length > linesMax)
    throw new HttpError(422, 'lines must be a list of books')
  const lines = given.map((value) => {
    const line = objectFrom(value, 'a line')
    return { isbn: textField(line, 'isbn', 13), quantity: countField(line, 'quantity', 1, quantityMax) }
  })
  if (new Set(lines.map((line) => line.isbn)).size < lines.length)
    throw new HttpError(422, 'each book may stand in one line only')
  return lines
}

function reader(call: Call): string {
  const name = call.passOn['x-user']
  if (name === undefined) throw new HttpError(401, 'who asks?')
  return name
}

// To anyone but its customer an order does not exist.
function ownOrder(store: OrderStore, call: Call): Order {
  const order = store.get(call.params['id'] ?? '')
  if (order === undefined || order.customer !== reader(call)) throw new HttpError(404, 'there is no such order')
  return order
}
