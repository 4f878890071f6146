import { cover } from '../cover.ts'
import { html, type Html } from '../html.ts'
import type { Book } from '../shop-api.ts'
import { price } from './layout.ts'

const subjects = ['Novel', 'History', 'Science', 'Nature', 'Essays', 'Cooking'] as const

/** The books found, as shelves of covers. */
export function homePage(books: readonly Book[], query: { q: string; subject: string }): Html {
  const plain = query.q === '' && query.subject === ''
  return html`${plain ? hero() : html`<h1>${heading(query)}</h1>`}
<nav class="chips" aria-label="Subjects"><a href="/"${current(query.subject === '')}>All</a>${subjects.map(
    (subject) => html`<a href="/?subject=${subject}"${current(subject === query.subject)}>${subject}</a>`,
  )}</nav>
${books.length === 0 ? html`<p class="empty">No book of ours fits. Try another word.</p>` : html`<ul class="shelf">${books.map(bookCard)}</ul>`}`
}

/** One book on a shelf. */
export function bookCard(book: Book): Html {
  return html`<li><a class="card" href="/books/${book.isbn}">${cover(book)}
<span class="title">${book.title}</span><span class="author">${book.author}</span><span class="price">${price(book.priceCents)}</span></a></li>`
}

function hero(): Html {
  return html`<section class="hero"><h1>Books worth keeping</h1>
<p>Twelve titles, printed on good paper and delivered to your door. Every order includes the electronic edition, yours to read at once.</p></section>`
}

function heading(query: { q: string; subject: string }): string {
  return query.q === '' ? query.subject : `“${query.q}”`
}

function current(is: boolean): Html | undefined {
  return is ? html` aria-current="page"` : undefined
}
