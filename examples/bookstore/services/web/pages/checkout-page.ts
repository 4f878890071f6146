import { html, type Html } from '../html.ts'
import type { Address } from '../shop-api.ts'
import { totalCents, type FilledLine } from './basket-page.ts'
import { notice, price } from './layout.ts'

export interface CheckoutForm {
  readonly lines: readonly FilledLine[]
  readonly address: Partial<Address>
  /** Names this order, so that sending the form twice orders once. */
  readonly key: string
  readonly problem?: string
}

/** Address, card and what will be ordered. */
export function checkoutPage({ lines, address, key, problem }: CheckoutForm): Html {
  return html`<h1>Checkout</h1>${notice(problem)}
<form class="checkout" method="post" action="/checkout">
<input type="hidden" name="key" value="${key}">
<div class="stack">
<fieldset><legend>Where to?</legend>
${field('recipient', 'Recipient', address.recipient)}${field('street', 'Street and number', address.street)}
<div class="pair">${field('postcode', 'Postcode', address.postcode)}${field('city', 'Town', address.city)}</div></fieldset>
<fieldset><legend>Card</legend>
<label>Number <input name="number" inputmode="numeric" autocomplete="cc-number" required maxlength="23" placeholder="4242 4242 4242 4242"></label>
<div class="pair"><label>Good until <input name="expires" autocomplete="cc-exp" required placeholder="MM/YY" pattern="[0-9]{2}/[0-9]{2}"></label></div>
<p class="hint">An invented card company: 4242 4242 4242 4242 pays, 4000 0000 0000 0002 is declined.</p></fieldset>
</div>
<aside class="summary"><h2>Your order</h2><ul>${lines.map(
    ({ book, quantity }) =>
      html`<li><span>${quantity} × ${book.title}</span><span>${price(book.priceCents * quantity)}</span></li>`,
  )}</ul>
<p class="total"><span>Total</span><strong>${price(totalCents(lines))}</strong></p>
<button class="primary">Pay and order</button></aside>
</form>`
}

function field(name: keyof Address, label: string, value: string | undefined): Html {
  return html`<label>${label} <input name="${name}" value="${value ?? ''}" required maxlength="200"></label>`
}
