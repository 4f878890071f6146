// Everything web asks other services, typed.
import { callByHttp, type HttpAnswer, type HttpCall } from '../platform/call-by-http.ts'
import { HttpError } from '../platform/http-service.ts'
import { serviceUrl } from '../platform/environment.ts'

export interface Book {
  readonly isbn: string
  readonly title: string
  readonly author: string
  readonly subject: string
  readonly year: number
  readonly pages: number
  readonly priceCents: number
  readonly blurb: string
}

export interface Review {
  readonly reader: string
  readonly stars: number
  readonly text: string
}

export interface BookPage extends Book {
  /** From catalog v2 on. */
  readonly reviews?: readonly Review[]
}

export interface Address {
  readonly recipient: string
  readonly street: string
  readonly postcode: string
  readonly city: string
}

export interface Profile {
  readonly name: string
  readonly addresses: readonly Address[]
  readonly favourites: readonly string[]
}

export interface BasketLine {
  readonly isbn: string
  readonly quantity: number
}

export interface Order {
  readonly id: string
  readonly placedAt: string
  readonly totalCents: number
  readonly card: string
  readonly lines: readonly (BasketLine & { readonly title: string; readonly priceCents: number })[]
}

export interface Shipment {
  readonly address: string
  readonly stage: string
  readonly delivered: boolean
  readonly stages: readonly { readonly name: string; readonly reached: boolean; readonly at: string }[]
}

export type PassOn = Readonly<Record<string, string>>

const urls = {
  catalog: serviceUrl('catalog'),
  customers: serviceUrl('customers'),
  orders: serviceUrl('orders'),
  delivery: serviceUrl('delivery'),
}

/** The URL of a path of a service; `parts` are escaped. */
export function upstreamUrl(service: keyof typeof urls, ...parts: readonly string[]): string {
  return [urls[service], ...parts.map(encodeURIComponent)].join('/')
}

/** Calls a service; any answer that is not a 2xx rejects with an `HttpError` of that status and the service's reason. */
export async function ask(url: string, call: HttpCall): Promise<HttpAnswer> {
  const answer = await callByHttp(url, call)
  if (answer.status < 300) return answer
  const reason = (answer.json as { error?: string } | null)?.error ?? `${url} answered ${answer.status}`
  throw new HttpError(answer.status, reason)
}

/** A value and the version of the catalog that gave it. */
export interface Versioned<T> {
  readonly value: T
  readonly version: string
}

/** The books that fit; empty texts fit all. */
export async function findBooks(
  query: { q: string; subject: string },
  headers: PassOn,
): Promise<Versioned<readonly Book[]>> {
  const answer = await ask(`${upstreamUrl('catalog', 'books')}?${new URLSearchParams(query).toString()}`, { headers })
  return versioned((answer.json as { books: Book[] }).books, answer)
}

/** One book; 404 if there is none. */
export async function getBook(isbn: string, headers: PassOn): Promise<Versioned<BookPage>> {
  const answer = await ask(upstreamUrl('catalog', 'books', isbn), { headers })
  return versioned(answer.json as BookPage, answer)
}

/** Printed copies left, or undefined if nobody can say now: a page is worth showing without it. */
export async function stockOf(isbn: string, headers: PassOn): Promise<number | undefined> {
  try {
    const answer = await ask(upstreamUrl('orders', 'stock', isbn), { headers, timeoutMs: 3_000 })
    return (answer.json as { copies: number }).copies
  } catch {
    return undefined
  }
}

/** A customer's addresses and favourites. */
export async function getProfile(name: string, headers: PassOn): Promise<Profile> {
  return (await ask(upstreamUrl('customers', 'customers', name), { headers })).json as Profile
}

/** What lies in a basket. */
export async function getBasket(id: string, headers: PassOn): Promise<readonly BasketLine[]> {
  return ((await ask(upstreamUrl('orders', 'baskets', id), { headers })).json as { lines: BasketLine[] }).lines
}

/** The orders of the customer named in `x-user`, newest first. */
export async function getOrders(headers: PassOn): Promise<readonly Order[]> {
  return ((await ask(upstreamUrl('orders', 'orders'), { headers })).json as { orders: Order[] }).orders
}

/** One order of the customer named in `x-user`, and where its parcel is. */
export async function getOrder(id: string, headers: PassOn): Promise<{ order: Order; shipment: Shipment }> {
  const [order, shipment] = await Promise.all([
    ask(upstreamUrl('orders', 'orders', id), { headers }),
    ask(upstreamUrl('delivery', 'shipments', id), { headers }),
  ])
  return { order: order.json as Order, shipment: shipment.json as Shipment }
}

function versioned<T>(value: T, answer: HttpAnswer): Versioned<T> {
  const { 'x-catalog-version': version } = answer.headers
  return { value, version: typeof version === 'string' ? version : 'unknown' }
}
