// The catalog in a database of its own: in memory, since it is filled from the publisher's list at every start.
import { DatabaseSync } from 'node:sqlite'
import { books, type Book } from './books.ts'

export interface BookQuery {
  /** Words looked for in title, author and subject. */
  readonly text?: string | undefined
  readonly subject?: string | undefined
}

export interface CatalogStore {
  find(query: BookQuery): readonly Book[]
  get(isbn: string): Book | undefined
}

/** Opens the catalog and fills it. */
export function openCatalogStore(): CatalogStore {
  const database = new DatabaseSync(':memory:')
  database.exec(
    'create table book (isbn text primary key, title text, author text, subject text, year int, pages int, priceCents int, blurb text)',
  )
  const insert = database.prepare('insert into book values (?, ?, ?, ?, ?, ?, ?, ?)')
  for (const b of books) insert.run(b.isbn, b.title, b.author, b.subject, b.year, b.pages, b.priceCents, b.blurb)
  const find = database.prepare(
    `select * from book where (:text = '' or title || ' ' || author || ' ' || subject like '%' || :text || '%')
       and (:subject = '' or subject = :subject) order by rowid`,
  )
  const get = database.prepare('select * from book where isbn = ?')
  return {
    find: (query) => find.all({ text: query.text ?? '', subject: query.subject ?? '' }) as unknown as Book[],
    get: (isbn) => get.get(isbn) as unknown as Book | undefined,
  }
}
