// Baskets and orders.
import { openDatabase } from '../platform/open-database.ts'

export interface BasketLine {
  readonly isbn: string
  readonly quantity: number
}

export interface OrderLine extends BasketLine {
  readonly title: string
  readonly priceCents: number
}

export interface Order {
  readonly id: string
  readonly customer: string
  readonly placedAt: string
  readonly totalCents: number
  readonly card: string
  readonly lines: readonly OrderLine[]
}

export interface OrderStore {
  basket(id: string): readonly BasketLine[]
  /** Zero takes the line out. */
  setQuantity(basketId: string, isbn: string, quantity: number): void
  emptyBasket(id: string): void
  /** Keeps an order; false if its id is there already. */
  add(order: Order): boolean
  get(id: string): Order | undefined
  ofCustomer(customer: string): readonly Order[]
  count(): { orders: number; ids: number }
  close(): void
}

const schema = `
  create table if not exists basket_line (basket text not null, isbn text not null, quantity int not null,
    primary key (basket, isbn)) strict;
  create table if not exists placed_order (number integer primary key, id text not null unique, customer text not null,
    placedAt text not null, totalCents int not null, card text not null, lines text not null) strict;
  create index if not exists order_customer on placed_order (customer);
`

/** Opens the store in DATA_DIR. */
export function openOrderStore(): OrderStore {
  const database = openDatabase('orders', schema)
  const lines = database.prepare('select isbn, quantity from basket_line where basket = ? order by rowid')
  const put = database.prepare(
    'insert into basket_line values (?, ?, ?) on conflict (basket, isbn) do update set quantity = excluded.quantity',
  )
  const drop = database.prepare('delete from basket_line where basket = ? and isbn = ?')
  const empty = database.prepare('delete from basket_line where basket = ?')
  const insert = database.prepare(
    'insert or ignore into placed_order (id, customer, placedAt, totalCents, card, lines) values (?, ?, ?, ?, ?, ?)',
  )
  const get = database.prepare('select * from placed_order where id = ?')
  const list = database.prepare('select * from placed_order where customer = ? order by number desc limit 50')
  const count = database.prepare('select count(*) as orders, count(distinct id) as ids from placed_order')
  return {
    basket: (id) => lines.all(id) as unknown as BasketLine[],
    setQuantity: (basketId, isbn, quantity) =>
      void (quantity === 0 ? drop.run(basketId, isbn) : put.run(basketId, isbn, quantity)),
    emptyBasket: (id) => void empty.run(id),
    add: (o) => insert.run(o.id, o.customer, o.placedAt, o.totalCents, o.card, JSON.stringify(o.lines)).changes === 1,
    get: (id) => orderFrom(get.get(id)),
    ofCustomer: (customer) =>
      list
        .all(customer)
        .map(orderFrom)
        .filter((order) => order !== undefined),
    count: () => count.get() as { orders: number; ids: number },
    close: () => database.close(),
  }
}

function orderFrom(row: Record<string, unknown> | undefined): Order | undefined {
  if (row === undefined) return undefined
  const { id, customer, placedAt, totalCents, card } = row as unknown as Order
  return { id, customer, placedAt, totalCents, card, lines: JSON.parse(String(row['lines'])) as OrderLine[] }
}
