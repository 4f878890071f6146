import { cover } from '../cover.ts'
import { html, type Html } from '../html.ts'
import type { BookPage, Review } from '../shop-api.ts'
import { price } from './layout.ts'

export interface BookPageOptions {
  readonly book: BookPage
  /** Undefined if inventory does not answer. */
  readonly copies: number | undefined
  /** Undefined for a visitor who has not logged in. */
  readonly favourite: boolean | undefined
}

/** A book, its availability, and readers' reviews if the catalog knows them. */
export function bookPage({ book, copies, favourite }: BookPageOptions): Html {
  return html`<article class="book">
<div class="jacket">${cover(book)}</div>
<div class="about">
<p class="eyebrow"><a href="/?subject=${book.subject}">${book.subject}</a></p>
<h1>${book.title}</h1>
<p class="by">by ${book.author}</p>
<p class="blurb">${book.blurb}</p>
<p class="buy-price">${price(book.priceCents)} <small>printed, with the electronic edition</small></p>
${availability(copies)}
<div class="actions">
<form method="post" action="/basket/add"><input type="hidden" name="isbn" value="${book.isbn}">
<button class="primary"${copies === 0 ? html` disabled` : undefined}>Add to basket</button></form>
${favourite === undefined ? undefined : favouriteForm(book.isbn, favourite)}
</div>
<dl class="facts"><div><dt>Pages</dt><dd>${book.pages}</dd></div><div><dt>Published</dt><dd>${book.year}</dd></div><div><dt>ISBN</dt><dd>${book.isbn}</dd></div></dl>
</div>
</article>
${book.reviews === undefined ? undefined : reviewList(book.reviews)}`
}

function availability(copies: number | undefined): Html {
  if (copies === undefined) return html`<p class="stock">Availability is being checked.</p>`
  if (copies === 0) return html`<p class="stock out">Out of print.</p>`
  if (copies < 10) return html`<p class="stock low">Only ${copies} left.</p>`
  return html`<p class="stock in">In stock, sent today.</p>`
}

function favouriteForm(isbn: string, favourite: boolean): Html {
  return html`<form method="post" action="/favourites"><input type="hidden" name="isbn" value="${isbn}">
<input type="hidden" name="wanted" value="${favourite ? 'no' : 'yes'}">
<button class="quiet">${favourite ? '♥ A favourite' : '♡ Keep as favourite'}</button></form>`
}

function reviewList(reviews: readonly Review[]): Html {
  const mean = reviews.reduce((sum, review) => sum + review.stars, 0) / Math.max(1, reviews.length)
  return html`<section class="reviews"><h2>What readers say <span class="stars">${'★'.repeat(Math.round(mean))}</span> <small>${mean.toFixed(1)} of 5</small></h2>
<ul>${reviews.map(
    (
      review,
    ) => html`<li><p class="stars" aria-label="${review.stars} of 5 stars">${'★'.repeat(review.stars)}<span>${'★'.repeat(5 - review.stars)}</span></p>
<blockquote>${review.text}</blockquote><cite>${review.reader}</cite></li>`,
  )}</ul></section>`
}
