// Looking around: the shelves, a book, favourites.
import type { Route } from '../../platform/http-service.ts'
import { html } from '../html.ts'
import { bookPage } from '../pages/book-page.ts'
import { bookCard, homePage } from '../pages/home-page.ts'
import { ask, findBooks, getBook, getProfile, stockOf, upstreamUrl } from '../shop-api.ts'
import type { Visitor } from '../visitor.ts'
import { formFields, pageReply, seeOther } from './page-reply.ts'
import { loginFirst, type WebRoute } from './web-route.ts'

/** Routes for everyone who looks at books. */
export function browseRoutes(route: WebRoute): readonly Route[] {
  return [
    route('GET', '/', async ({ call, visitor }) => {
      const query = { q: call.url.searchParams.get('q') ?? '', subject: call.url.searchParams.get('subject') ?? '' }
      const { value, version } = await findBooks(query, visitor.passOn)
      return pageReply({
        title: 'Books',
        visitor,
        body: homePage(value, query),
        catalogVersion: version,
        search: query.q,
      })
    }),
    route('GET', '/books/:isbn', async ({ call, visitor }) => {
      const isbn = call.params['isbn'] ?? ''
      const [{ value: book, version }, copies, favourite] = await Promise.all([
        getBook(isbn, visitor.passOn),
        stockOf(isbn, visitor.passOn),
        isFavourite(visitor, isbn),
      ])
      return pageReply({
        title: book.title,
        visitor,
        body: bookPage({ book, copies, favourite }),
        catalogVersion: version,
      })
    }),
    route('GET', '/favourites', async ({ visitor }) => {
      if (visitor.name === undefined) return loginFirst('/favourites')
      const [{ favourites }, { value: books }] = await Promise.all([
        getProfile(visitor.name, visitor.passOn),
        findBooks({ q: '', subject: '' }, visitor.passOn),
      ])
      const kept = books.filter((book) => favourites.includes(book.isbn))
      const empty = html`<p class="empty">None yet. <a href="/">Find one?</a></p>`
      const body = html`<h1>Favourites</h1>${kept.length === 0 ? empty : html`<ul class="shelf">${kept.map(bookCard)}</ul>`}`
      return pageReply({ title: 'Favourites', visitor, body })
    }),
    route('POST', '/favourites', async ({ call, visitor }) => {
      const form = await formFields(call)
      const isbn = form.get('isbn') ?? ''
      if (visitor.name === undefined) return loginFirst(`/books/${encodeURIComponent(isbn)}`)
      const method = form.get('wanted') === 'no' ? 'DELETE' : 'PUT'
      await ask(upstreamUrl('customers', 'customers', visitor.name, 'favourites', isbn), {
        method,
        headers: visitor.passOn,
      })
      return seeOther(`/books/${encodeURIComponent(isbn)}`)
    }),
  ]
}

// The page is worth showing without the heart, too.
async function isFavourite(visitor: Visitor, isbn: string): Promise<boolean | undefined> {
  if (visitor.name === undefined) return undefined
  try {
    return (await getProfile(visitor.name, visitor.passOn)).favourites.includes(isbn)
  } catch {
    return undefined
  }
}
