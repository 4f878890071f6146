// Customers, their addresses and favourites.
import { openDatabase } from '../platform/open-database.ts'

export interface Address {
  readonly recipient: string
  readonly street: string
  readonly postcode: string
  readonly city: string
}

export interface Profile {
  readonly name: string
  readonly addresses: readonly Address[]
  readonly favourites: readonly string[]
}

export interface CustomerStore {
  /** False if the name is taken. */
  add(name: string, passwordHash: string): boolean
  passwordHash(name: string): string | undefined
  profile(name: string): Profile | undefined
  addAddress(name: string, address: Address): void
  setFavourite(name: string, isbn: string, wanted: boolean): void
  close(): void
}

const schema = `
  create table if not exists customer (name text primary key, password text not null, since text not null) strict;
  create table if not exists address (customer text not null, recipient text not null, street text not null,
    postcode text not null, city text not null, unique (customer, recipient, street, postcode, city)) strict;
  create table if not exists favourite (customer text not null, isbn text not null, primary key (customer, isbn)) strict;
`

/** Opens the store in DATA_DIR. */
export function openCustomerStore(): CustomerStore {
  const database = openDatabase('customers', schema)
  const insert = database.prepare('insert or ignore into customer values (?, ?, ?)')
  const hash = database.prepare('select password from customer where name = ?')
  const addresses = database.prepare(
    'select recipient, street, postcode, city from address where customer = ? order by rowid desc limit 10',
  )
  const favourites = database.prepare('select isbn from favourite where customer = ? order by rowid')
  const insertAddress = database.prepare('insert or ignore into address values (?, ?, ?, ?, ?)')
  const like = database.prepare('insert or ignore into favourite values (?, ?)')
  const unlike = database.prepare('delete from favourite where customer = ? and isbn = ?')
  const passwordHash = (name: string): string | undefined =>
    (hash.get(name) as { password: string } | undefined)?.password
  return {
    add: (name, password) => insert.run(name, password, new Date().toISOString()).changes === 1,
    passwordHash,
    profile(name) {
      if (passwordHash(name) === undefined) return undefined
      const liked = favourites.all(name) as { isbn: string }[]
      return { name, addresses: addresses.all(name) as unknown as Address[], favourites: liked.map((row) => row.isbn) }
    },
    addAddress: (name, address) =>
      void insertAddress.run(name, address.recipient, address.street, address.postcode, address.city),
    setFavourite: (name, isbn, wanted) => void (wanted ? like : unlike).run(name, isbn),
    close: () => database.close(),
  }
}
