// Placing an order: prices, copies, money, parcel, then the row. Every step may be repeated under the same key without happening twice,
// so an order that broke off half-way is finished by asking again.
import { createHash } from 'node:crypto'
import { callByHttp } from '../platform/call-by-http.ts'
import { HttpError } from '../platform/http-service.ts'
import type { InventoryClient } from './inventory-client.ts'
import type { StockClient } from './stock-client.ts'
import type { BasketLine, Order, OrderLine, OrderStore } from './order-store.ts'

export interface OrderRequest {
  /** Chosen by the caller; the same key is the same order. */
  readonly key: string
  readonly customer: string
  readonly lines: readonly BasketLine[]
  readonly address: unknown
  readonly card: unknown
}

export interface OrderServices {
  readonly store: OrderStore
  readonly inventory: InventoryClient
  readonly stock: StockClient
  readonly catalogUrl: string
  readonly paymentsUrl: string
  readonly deliveryUrl: string
}

type PassOn = Readonly<Record<string, string>>

/** Places the order, or finds the one placed before under the same key. Rejects with an `HttpError`: 402 declined, 409 sold out, 422 wrong, 5xx. */
export async function placeOrder(services: OrderServices, request: OrderRequest, passOn: PassOn): Promise<Order> {
  const id = orderId(request)
  const before = services.store.get(id)
  if (before !== undefined) return before
  if (request.lines.length === 0) throw new HttpError(422, 'the basket is empty')
  const lines = await Promise.all(request.lines.map((line) => priceLine(services, line, passOn)))
  const totalCents = lines.reduce((sum, line) => sum + line.priceCents * line.quantity, 0)
  await reserveAll(services.inventory, id, lines)
  const lastDigits = await charge(services, { id, totalCents, card: request.card }, passOn).catch(
    async (error: unknown) => {
      // A refused card gives the copies back. After a failure nobody knows whether it was charged: the same key must find them again.
      if (error instanceof HttpError && error.status < 500) await releaseAll(services.inventory, id, lines)
      throw error
    },
  )
  const isbns = lines.map((line) => line.isbn)
  const parcel = { orderId: id, customer: request.customer, isbns, address: request.address }
  await call(`${services.deliveryUrl}/shipments`, parcel, passOn)
  const placedAt = new Date().toISOString()
  const order: Order = { id, customer: request.customer, placedAt, totalCents, card: `•••• ${lastDigits}`, lines }
  return services.store.add(order) ? order : (services.store.get(id) ?? order)
}

function orderId({ customer, key }: OrderRequest): string {
  return `L${createHash('sha256').update(`${customer}\n${key}`).digest('hex').slice(0, 12).toUpperCase()}`
}

async function priceLine(services: OrderServices, line: BasketLine, passOn: PassOn): Promise<OrderLine> {
  const url = `${services.catalogUrl}/books/${encodeURIComponent(line.isbn)}`
  const answer = await callByHttp(url, { headers: passOn })
  if (answer.status === 404) throw new HttpError(422, `there is no book ${line.isbn}`)
  if (answer.status !== 200) throw new HttpError(502, `${url} answered ${answer.status}`)
  const { title, priceCents } = answer.json as { title: string; priceCents: number }
  return { ...line, title, priceCents }
}

async function reserveAll(inventory: InventoryClient, id: string, lines: readonly OrderLine[]): Promise<void> {
  for (const line of lines) {
    if (await inventory.reserve(line.isbn, line.quantity, `${id}:${line.isbn}`)) continue
    await releaseAll(inventory, id, lines)
    throw new HttpError(409, `there are not enough copies of “${line.title}”`)
  }
}

async function releaseAll(inventory: InventoryClient, id: string, lines: readonly OrderLine[]): Promise<void> {
  for (const line of lines) await inventory.release(`${id}:${line.isbn}`)
}

interface Charge {
  readonly id: string
  readonly totalCents: number
  readonly card: unknown
}

async function charge(services: OrderServices, { id, totalCents, card }: Charge, passOn: PassOn): Promise<string> {
  const payment = { reference: id, amountCents: totalCents, card }
  const answer = await call(`${services.paymentsUrl}/authorisations`, payment, passOn)
  return (answer as { lastDigits: string }).lastDigits
}

async function call(url: string, json: unknown, passOn: PassOn): Promise<unknown> {
  const answer = await callByHttp(url, { method: 'POST', json, headers: passOn })
  if (answer.status === 201) return answer.json
  const { error } = answer.json as { error?: string }
  // What the customer can mend is told as it is; anything else is between the services.
  const mendable = answer.status === 402 || answer.status === 422
  throw new HttpError(mendable ? answer.status : 502, error ?? `${url} answered ${answer.status}`)
}
