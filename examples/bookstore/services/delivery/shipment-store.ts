// Parcels, and who may read which electronic edition.
import { inTransaction, openDatabase } from '../platform/open-database.ts'

export interface Shipment {
  readonly orderId: string
  readonly customer: string
  readonly sentAtMs: number
  readonly address: string
}

export interface ShipmentStore {
  /** Sends a parcel and grants the editions; for an order known already nothing happens. */
  send(shipment: Shipment, isbns: readonly string[]): void
  get(orderId: string): Shipment | undefined
  mayRead(orderId: string, isbn: string): boolean
  close(): void
}

const schema = `
  create table if not exists shipment (orderId text primary key, customer text not null, sentAtMs int not null,
    address text not null) strict;
  create table if not exists licence (orderId text not null, isbn text not null, primary key (orderId, isbn)) strict;
`

/** Opens the store in DATA_DIR. */
export function openShipmentStore(): ShipmentStore {
  const database = openDatabase('delivery', schema)
  const insert = database.prepare('insert or ignore into shipment values (?, ?, ?, ?)')
  const grant = database.prepare('insert or ignore into licence values (?, ?)')
  const get = database.prepare('select * from shipment where orderId = ?')
  const licence = database.prepare('select 1 from licence where orderId = ? and isbn = ?')
  return {
    send(shipment, isbns) {
      inTransaction(database, () => {
        insert.run(shipment.orderId, shipment.customer, shipment.sentAtMs, shipment.address)
        for (const isbn of isbns) grant.run(shipment.orderId, isbn)
      })
    },
    get: (orderId) => get.get(orderId) as unknown as Shipment | undefined,
    mayRead: (orderId, isbn) => licence.get(orderId, isbn) !== undefined,
    close: () => database.close(),
  }
}
