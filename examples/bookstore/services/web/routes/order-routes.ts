// What was ordered, where it is, and the electronic editions.
import { HttpError, type Route } from '../../platform/http-service.ts'
import { relayStream } from '../../platform/relay-stream.ts'
import { orderPage, ordersPage } from '../pages/order-page.ts'
import { getOrder, getOrders, upstreamUrl } from '../shop-api.ts'
import { pageReply } from './page-reply.ts'
import { loginFirst, type WebRoute } from './web-route.ts'

const refreshSeconds = 2

/** Routes of a customer's orders. */
export function orderRoutes(route: WebRoute): readonly Route[] {
  return [
    route('GET', '/orders', async ({ visitor }) => {
      if (visitor.name === undefined) return loginFirst('/orders')
      return pageReply({ title: 'My orders', visitor, body: ordersPage(await getOrders(visitor.passOn)) })
    }),
    route('GET', '/orders/:id', async ({ call, visitor }) => {
      if (visitor.name === undefined) return loginFirst(call.url.pathname)
      const { order, shipment } = await getOrder(call.params['id'] ?? '', visitor.passOn)
      const refresh = shipment.delivered ? {} : { refreshSeconds }
      return pageReply({ title: `Order ${order.id}`, visitor, body: orderPage(order, shipment), ...refresh })
    }),
    route('GET', '/orders/:id/editions/:isbn', async ({ call, visitor }) => {
      if (visitor.name === undefined) return loginFirst(call.url.pathname)
      const { id = '', isbn = '' } = call.params
      if (!/^\d{13}$/.test(isbn)) throw new HttpError(404, 'there is no such book')
      const url = upstreamUrl('delivery', 'editions', id, isbn)
      await relayStream(
        url,
        { ...call, passOn: visitor.passOn },
        { 'content-disposition': `attachment; filename="${isbn}.txt"` },
      )
      return undefined
    }),
  ]
}
