// Electronic editions: several megabytes of text for each book, always the same bytes, made while they are sent.
import { createHash } from 'node:crypto'
import type { Book } from './books.ts'

const chunkBytes = 64 * 1024
const words =
  'the of and to a in was it that he she with as her his on at by had not be from which were this but all they one so said out up what into when them could then no who some there time very about over long after before only little upon again other where must water light morning letter road window harbour winter thread loom paper quiet hand'.split(
    ' ',
  )

/** Between 3 and 6 MiB, different for each book. */
export function editionBytes(book: Book): number {
  return 3 * 1024 * 1024 + ((Number(book.isbn.slice(-6)) * 7919) % (3 * 1024 * 1024))
}

/** The edition's text in chunks of 64 KiB (the last one is shorter). */
export function* editionChunks(book: Book): Generator<Buffer> {
  const next = wordSource(book.isbn)
  let left = editionBytes(book)
  let carried = `${book.title}\nby ${book.author}\n\nISBN ${book.isbn}\nElectronic edition, Loom Street Press, ${book.year}\n\n`
  while (left > 0) {
    const size = Math.min(left, chunkBytes)
    while (carried.length < size) carried += sentence(next)
    yield Buffer.from(carried.slice(0, size), 'latin1')
    carried = carried.slice(size)
    left -= size
  }
}

const checksums = new Map<string, string>()

/** SHA-256 of the edition, hexadecimal; worked out once per book and process. */
export function editionChecksum(book: Book): string {
  const known = checksums.get(book.isbn)
  if (known !== undefined) return known
  const hash = createHash('sha256')
  for (const chunk of editionChunks(book)) hash.update(chunk)
  const checksum = hash.digest('hex')
  checksums.set(book.isbn, checksum)
  return checksum
}

function sentence(next: () => number): string {
  const count = 5 + (next() % 14)
  let text = ''
  for (let index = 0; index < count; index++)
    text += `${index === 0 ? '' : ' '}${words[next() % words.length] ?? 'and'}`
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.${next() % 9 === 0 ? '\n\n' : ' '}`
}

// xorshift32: no randomness wanted, only variety.
function wordSource(isbn: string): () => number {
  let state = Number(isbn.slice(-9)) | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}
