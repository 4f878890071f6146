import { cover } from '../cover.ts'
import { html, type Html } from '../html.ts'
import type { Book } from '../shop-api.ts'
import { price } from './layout.ts'

export interface FilledLine {
  readonly book: Book
  readonly quantity: number
}

/** The price of all lines, in cents. */
export function totalCents(lines: readonly FilledLine[]): number {
  return lines.reduce((sum, line) => sum + line.book.priceCents * line.quantity, 0)
}

/** The basket, each line with its quantity to change. */
export function basketPage(lines: readonly FilledLine[]): Html {
  if (lines.length === 0)
    return html`<h1>Your basket</h1><p class="empty">It is empty still. <a href="/">Look around?</a></p>`
  return html`<h1>Your basket</h1>
<ul class="lines">${lines.map(lineItem)}</ul>
<div class="sum"><p>Total <strong>${price(totalCents(lines))}</strong></p><a class="button primary" href="/checkout">Check out</a></div>`
}

function lineItem({ book, quantity }: FilledLine): Html {
  return html`<li><a class="thumb" href="/books/${book.isbn}">${cover(book)}</a>
<div><a class="title" href="/books/${book.isbn}">${book.title}</a><span class="author">${book.author}</span></div>
<form method="post" action="/basket/set"><input type="hidden" name="isbn" value="${book.isbn}">
<label>Copies <input type="number" name="quantity" min="0" max="20" value="${quantity}"></label><button class="quiet">Change</button></form>
<form method="post" action="/basket/set"><input type="hidden" name="isbn" value="${book.isbn}"><input type="hidden" name="quantity" value="0"><button class="link">Remove</button></form>
<span class="price">${price(book.priceCents * quantity)}</span></li>`
}
