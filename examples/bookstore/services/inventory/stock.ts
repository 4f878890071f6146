// How many printed copies there are. Titles in print are printed again when they run out; one is out of print.
import type { DatabaseSync } from 'node:sqlite'
import { inTransaction } from '../platform/open-database.ts'

export const stockSchema = `
  create table if not exists stock (isbn text primary key, copies int not null) strict;
  create table if not exists reservation (key text primary key, isbn text not null, copies int not null) strict;
`

export type StockAnswer = { readonly kind: 'ok' | 'short'; readonly left: number }

export interface Stock {
  left(isbn: string): number
  /** Takes copies; the same key takes them once only. */
  reserve(isbn: string, copies: number, key: string): StockAnswer
  /** Gives back what the key took. */
  release(key: string): void
}

const firstPrinting = 500
const reprintBelow = 50
const outOfPrint = new Map([['9781950000128', 3]])

/** The stock over a database with `stockSchema`; `onChange` is told the title whose copies became more or fewer. */
export function makeStock(database: DatabaseSync, onChange: (isbn: string) => void = () => undefined): Stock {
  const ensure = database.prepare('insert or ignore into stock values (?, ?)')
  const get = database.prepare('select copies from stock where isbn = ?')
  const add = database.prepare('update stock set copies = copies + ? where isbn = ?')
  const taken = database.prepare('select isbn, copies from reservation where key = ?')
  const take = database.prepare('insert into reservation values (?, ?, ?)')
  const forget = database.prepare('delete from reservation where key = ?')
  const left = (isbn: string): number => {
    ensure.run(isbn, outOfPrint.get(isbn) ?? firstPrinting)
    return (get.get(isbn) as { copies: number }).copies
  }
  const reserve = (isbn: string, copies: number, key: string): StockAnswer => {
    const before = left(isbn)
    if (taken.get(key) !== undefined) return { kind: 'ok', left: before }
    if (before < copies) return { kind: 'short', left: before }
    take.run(key, isbn, copies)
    add.run(-copies, isbn)
    if (before - copies < reprintBelow && !outOfPrint.has(isbn)) add.run(firstPrinting, isbn)
    return { kind: 'ok', left: left(isbn) }
  }
  const release = (key: string): string | undefined => {
    const row = taken.get(key) as { isbn: string; copies: number } | undefined
    if (row === undefined) return undefined
    add.run(row.copies, row.isbn)
    forget.run(key)
    return row.isbn
  }
  return {
    left,
    reserve(isbn, copies, key) {
      const before = left(isbn)
      const answer = inTransaction(database, () => reserve(isbn, copies, key))
      if (answer.left !== before) onChange(isbn)
      return answer
    },
    release(key) {
      const isbn = inTransaction(database, () => release(key))
      if (isbn !== undefined) onChange(isbn)
    },
  }
}
