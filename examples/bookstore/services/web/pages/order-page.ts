import { cover } from '../cover.ts'
import { html, type Html } from '../html.ts'
import type { Order, Shipment } from '../shop-api.ts'
import { price } from './layout.ts'

/** One order: where the parcel is, and the electronic editions. */
export function orderPage(order: Order, shipment: Shipment): Html {
  return html`<p class="eyebrow"><a href="/orders">My orders</a></p>
<h1>${shipment.delivered ? 'Delivered' : 'Thank you for your order'}</h1>
<p class="meta">Order <code>${order.id}</code> · ${day(order.placedAt)} · card ${order.card}</p>
<ol class="progress" data-stage="${shipment.stage}">${shipment.stages.map(
    (stage) => html`<li class="${stage.reached ? 'reached' : 'ahead'}"><span>${stage.name}</span></li>`,
  )}</ol>
<p class="meta">To ${shipment.address}</p>
<ul class="lines">${order.lines.map(
    (line) => html`<li><a class="thumb" href="/books/${line.isbn}">${cover({ ...line, author: '' })}</a>
<div><a class="title" href="/books/${line.isbn}">${line.title}</a><span class="author">${line.quantity} printed</span></div>
<a class="button quiet download" href="/orders/${order.id}/editions/${line.isbn}">Download the electronic edition</a>
<span class="price">${price(line.priceCents * line.quantity)}</span></li>`,
  )}</ul>
<div class="sum"><p>Total <strong>${price(order.totalCents)}</strong></p></div>`
}

/** A customer's orders, newest first. */
export function ordersPage(orders: readonly Order[]): Html {
  if (orders.length === 0) return html`<h1>My orders</h1><p class="empty">Nothing yet. <a href="/">Find a book?</a></p>`
  return html`<h1>My orders</h1><ul class="orders">${orders.map(
    (order) => html`<li><a href="/orders/${order.id}"><span class="when">${day(order.placedAt)}</span>
<span class="what">${order.lines.map((line) => line.title).join(', ')}</span><code>${order.id}</code><span class="price">${price(order.totalCents)}</span></a></li>`,
  )}</ul>`
}

function day(iso: string): string {
  return new Date(iso).toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' })
}
