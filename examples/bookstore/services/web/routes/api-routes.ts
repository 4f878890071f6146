// The same shop for programs: JSON in, JSON out, the session in the same cookie.
import { HttpError, type Reply, type Route } from '../../platform/http-service.ts'
import { parseFields } from '../../platform/json-fields.ts'
import { ask, findBooks, getBook, getOrder, upstreamUrl } from '../shop-api.ts'
import type { WebCall, WebRoute } from './web-route.ts'

/** `/api/books`, `/api/books/:isbn`, `/api/orders` (POST, with an Idempotency-Key), `/api/orders/:id`. */
export function apiRoutes(route: WebRoute): readonly Route[] {
  return [
    route('GET', '/api/books', async ({ call, visitor }) => {
      const query = { q: call.url.searchParams.get('q') ?? '', subject: call.url.searchParams.get('subject') ?? '' }
      const { value, version } = await findBooks(query, visitor.passOn)
      return { status: 200, headers: { 'x-catalog-version': version }, json: { books: value } }
    }),
    route('GET', '/api/books/:isbn', async ({ call, visitor }) => {
      const { value, version } = await getBook(call.params['isbn'] ?? '', visitor.passOn)
      return { status: 200, headers: { 'x-catalog-version': version }, json: value }
    }),
    route('POST', '/api/orders', placeOrder),
    route('GET', '/api/orders/:id', async ({ call, visitor }) => {
      if (visitor.name === undefined) throw new HttpError(401, 'please log in')
      return { status: 200, json: await getOrder(call.params['id'] ?? '', visitor.passOn) }
    }),
  ]
}

async function placeOrder({ call, visitor }: WebCall): Promise<Reply> {
  if (visitor.name === undefined) throw new HttpError(401, 'please log in')
  const key = call.request.headers['idempotency-key']
  if (typeof key !== 'string') throw new HttpError(400, 'an Idempotency-Key is needed')
  const { lines, address, card } = parseFields(await call.body())
  const headers = { ...visitor.passOn, 'idempotency-key': key }
  const { json } = await ask(upstreamUrl('orders', 'orders'), {
    method: 'POST',
    json: { lines, address, card },
    headers,
  })
  return { status: 201, json }
}

/**
 * What tests ask of the services behind: `/test/flaky` and `/test/calls` of customers; of orders `/test/orders`, `/test/stock/:isbn` and, how
 * calls of inventory ended, `/test/level/:isbn` and `/test/watch/:isbn`.
 */
export function testRoutes(route: WebRoute): readonly Route[] {
  const relay = (path: string, service: 'customers' | 'orders', ...parts: string[]): Route =>
    route('GET', path, async ({ call, visitor }) => {
      const { status, json } = await ask(`${upstreamUrl(service, ...parts)}${call.url.search}`, {
        headers: visitor.passOn,
      })
      return { status, json }
    })
  const ofBook = (what: string): Route =>
    route('GET', `/test/${what}/:isbn`, async ({ call, visitor }) => {
      const url = `${upstreamUrl('orders', 'test', what, call.params['isbn'] ?? '')}${call.url.search}`
      const { status, json } = await ask(url, { headers: visitor.passOn, timeoutMs: 20_000 })
      return { status, json }
    })
  return [
    relay('/test/flaky', 'customers', 'test', 'flaky'),
    relay('/test/calls', 'customers', 'test', 'calls'),
    relay('/test/orders', 'orders', 'test', 'orders'),
    route('GET', '/test/stock/:isbn', async ({ call, visitor }) => {
      const { json } = await ask(upstreamUrl('orders', 'stock', call.params['isbn'] ?? ''), { headers: visitor.passOn })
      return { status: 200, json }
    }),
    ofBook('level'),
    ofBook('watch'),
  ]
}
