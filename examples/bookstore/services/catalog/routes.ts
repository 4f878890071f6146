// What the catalog answers. Version 2 adds readers' reviews.
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { HttpError, type Call, type Reply, type Route } from '../platform/http-service.ts'
import { reviewsOf, type Book } from './books.ts'
import type { CatalogStore } from './catalog-store.ts'
import { editionBytes, editionChecksum, editionChunks } from './edition.ts'

/** The catalog's routes; `version` is `v1` or `v2`. */
export function catalogRoutes(store: CatalogStore, version: string): readonly Route[] {
  const headers = { 'x-catalog-version': version }
  const find = (call: Call): Book => {
    const book = store.get(call.params['isbn'] ?? '')
    if (book === undefined) throw new HttpError(404, 'there is no such book')
    return book
  }
  const list = (call: Call): Reply => {
    const query = { text: call.url.searchParams.get('q') ?? '', subject: call.url.searchParams.get('subject') ?? '' }
    return { status: 200, headers, json: { books: store.find(query) } }
  }
  const one = (call: Call): Reply => {
    const book = find(call)
    return { status: 200, headers, json: version === 'v1' ? book : { ...book, reviews: reviewsOf(book.isbn) } }
  }
  return [
    { method: 'GET', path: '/books', handle: list },
    { method: 'GET', path: '/books/:isbn', handle: one },
    { method: 'GET', path: '/books/:isbn/edition', handle: (call) => sendEdition(call, find(call), version) },
  ]
}

async function sendEdition(call: Call, book: Book, version: string): Promise<undefined> {
  const { response } = call
  response.writeHead(200, {
    'content-type': 'text/plain; charset=us-ascii',
    'content-length': String(editionBytes(book)),
    'x-content-sha256': editionChecksum(book),
    'x-catalog-version': version,
  })
  if (call.request.method === 'HEAD') {
    response.end()
    return
  }
  // A reader who goes away in the middle is no error of ours.
  await pipeline(Readable.from(editionChunks(book)), response).catch(() => response.destroy())
}
