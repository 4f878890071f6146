// What delivery answers: parcels on their way, and electronic editions to those who bought them.
import { HttpError, type Call, type Reply, type Route } from '../platform/http-service.ts'
import { objectFrom, parseFields, textField } from '../platform/json-fields.ts'
import { relayStream } from '../platform/relay-stream.ts'
import { progressAt } from './shipment-progress.ts'
import type { Shipment, ShipmentStore } from './shipment-store.ts'

export interface DeliveryOptions {
  readonly catalogUrl: string
  /** How long a parcel stays in each stage. */
  readonly stageMs: number
}

const itemsMax = 100

/** The routes of delivery. */
export function deliveryRoutes(store: ShipmentStore, options: DeliveryOptions): readonly Route[] {
  const progress = (call: Call): Reply => {
    const { sentAtMs, address } = ownShipment(store, call)
    return { status: 200, json: { address, ...progressAt(sentAtMs, options.stageMs, Date.now()) } }
  }
  const edition = async (call: Call): Promise<undefined> => {
    const isbn = call.params['isbn'] ?? ''
    if (!store.mayRead(ownShipment(store, call).orderId, isbn))
      throw new HttpError(404, 'this book is not in the order')
    await relayStream(`${options.catalogUrl}/books/${encodeURIComponent(isbn)}/edition`, call)
  }
  return [
    { method: 'POST', path: '/shipments', handle: (call) => send(store, call) },
    { method: 'GET', path: '/shipments/:orderId', handle: progress },
    { method: 'GET', path: '/editions/:orderId/:isbn', handle: edition },
  ]
}

async function send(store: ShipmentStore, call: Call): Promise<Reply> {
  const fields = parseFields(await call.body())
  const address = objectFrom(fields['address'], 'address')
  const isbns = fields['isbns']
  if (!Array.isArray(isbns) || isbns.length > itemsMax || !isbns.every((isbn) => typeof isbn === 'string')) {
    throw new HttpError(422, 'isbns must be a list')
  }
  const lines = ['recipient', 'street', 'postcode', 'city'].map((name) => textField(address, name))
  const shipment: Shipment = {
    orderId: textField(fields, 'orderId'),
    customer: textField(fields, 'customer'),
    sentAtMs: Date.now(),
    address: `${lines[0]}, ${lines[1]}, ${lines[2]} ${lines[3]}`,
  }
  store.send(shipment, isbns as string[])
  return { status: 201, json: { orderId: shipment.orderId } }
}

// To anyone but its customer an order does not exist.
function ownShipment(store: ShipmentStore, call: Call): Shipment {
  const shipment = store.get(call.params['orderId'] ?? '')
  if (shipment === undefined || shipment.customer !== call.passOn['x-user'])
    throw new HttpError(404, 'there is no such order')
  return shipment
}
