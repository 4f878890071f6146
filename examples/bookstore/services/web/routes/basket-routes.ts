// The basket, and making an order of it.
import { randomUUID } from 'node:crypto'
import { HttpError, type Reply, type Route } from '../../platform/http-service.ts'
import { basketPage, type FilledLine } from '../pages/basket-page.ts'
import { checkoutPage } from '../pages/checkout-page.ts'
import { ask, findBooks, getBasket, getProfile, upstreamUrl, type BasketLine, type Order } from '../shop-api.ts'
import type { Visitor } from '../visitor.ts'
import { basketCookies, formFields, pageReply, seeOther } from './page-reply.ts'
import { loginFirst, type WebCall, type WebRoute } from './web-route.ts'

/** Routes from the basket to the order. */
export function basketRoutes(route: WebRoute): readonly Route[] {
  return [
    route('GET', '/basket', async ({ visitor }) =>
      pageReply({ title: 'Basket', visitor, body: basketPage(await filledLines(visitor)) }),
    ),
    route('POST', '/basket/add', async ({ call, visitor }) => {
      const form = await formFields(call)
      return changeLine(visitor, form.get('isbn') ?? '', { add: Number(form.get('quantity') ?? 1) })
    }),
    route('POST', '/basket/set', async ({ call, visitor }) => {
      const form = await formFields(call)
      return changeLine(visitor, form.get('isbn') ?? '', { quantity: Number(form.get('quantity') ?? Number.NaN) })
    }),
    route('GET', '/checkout', openCheckout),
    route('POST', '/checkout', submitCheckout),
  ]
}

async function changeLine(
  visitor: Visitor,
  isbn: string,
  change: { add: number } | { quantity: number },
): Promise<Reply> {
  const url = upstreamUrl('orders', 'baskets', visitor.basketId, 'lines', isbn)
  const { json } = await ask(url, { method: 'PUT', json: change, headers: visitor.passOn })
  return seeOther('/basket', basketCookies(visitor, (json as { lines: BasketLine[] }).lines))
}

async function openCheckout({ visitor }: WebCall): Promise<Reply> {
  if (visitor.name === undefined) return loginFirst('/checkout')
  const [lines, profile] = await Promise.all([filledLines(visitor), getProfile(visitor.name, visitor.passOn)])
  if (lines.length === 0) return seeOther('/basket')
  const body = checkoutPage({ lines, address: profile.addresses[0] ?? {}, key: randomUUID() })
  return pageReply({ title: 'Checkout', visitor, body })
}

async function submitCheckout({ call, visitor }: WebCall): Promise<Reply> {
  if (visitor.name === undefined) return loginFirst('/checkout')
  const form = await formFields(call)
  const text = (name: string): string => form.get(name) ?? ''
  const address = {
    recipient: text('recipient'),
    street: text('street'),
    postcode: text('postcode'),
    city: text('city'),
  }
  const order = { basket: visitor.basketId, address, card: { number: text('number'), expires: text('expires') } }
  const headers = { ...visitor.passOn, 'idempotency-key': text('key') }
  try {
    const { json } = await ask(upstreamUrl('orders', 'orders'), { method: 'POST', json: order, headers })
    await keepAddress(visitor, visitor.name, address)
    return seeOther(`/orders/${(json as Order).id}`, basketCookies(visitor, []))
  } catch (error) {
    if (!(error instanceof HttpError) || ![402, 409, 422].includes(error.status)) throw error
    const body = checkoutPage({ lines: await filledLines(visitor), address, key: text('key'), problem: error.message })
    return pageReply({ title: 'Checkout', visitor, body, status: error.status })
  }
}

// The order is placed: that its address could not be kept for the next one is no reason to tell the customer it failed.
async function keepAddress(visitor: Visitor, name: string, address: unknown): Promise<void> {
  const url = upstreamUrl('customers', 'customers', name, 'addresses')
  await ask(url, { method: 'POST', json: address, headers: visitor.passOn }).catch(() => undefined)
}

async function filledLines(visitor: Visitor): Promise<readonly FilledLine[]> {
  const [lines, { value: books }] = await Promise.all([
    getBasket(visitor.basketId, visitor.passOn),
    findBooks({ q: '', subject: '' }, visitor.passOn),
  ])
  return lines.flatMap(({ isbn, quantity }) => {
    const book = books.find((candidate) => candidate.isbn === isbn)
    return book === undefined ? [] : [{ book, quantity }]
  })
}
