import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { ChunkedDecoder } from './chunked-decoder.ts'

/** Decodes text cut at the given places; what came out, where it stopped, and the fault. */
function decode(text: string, cuts: readonly number[]): { body: string; used: number; fault: string | undefined } {
  const decoder = new ChunkedDecoder()
  const bytes = Buffer.from(text, 'latin1')
  let body = ''
  let used = 0
  let from = 0
  for (const cut of [...cuts.filter((one) => one < bytes.length), bytes.length].sort((a, b) => a - b)) {
    const at = decoder.decode(bytes, from, cut, (chunk, start, end) => {
      body += chunk.toString('latin1', start, end)
    })
    used = at
    from = cut
    if (decoder.fault !== undefined || decoder.done) break
  }
  return { body, used, fault: decoder.fault }
}

test('any body in any chunks and cuts comes out whole, and what follows is left alone', () => {
  const chunk = fc.stringMatching(/^[\x00-\xff]{1,40}$/)
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 10 }), fc.array(fc.nat(500), { maxLength: 8 }), (chunks, cuts) => {
      const text = `${chunks.map((one) => `${one.length.toString(16)}\r\n${one}\r\n`).join('')}0\r\n\r\n`
      const { body, used, fault } = decode(`${text}GET /`, cuts)
      assert.equal(fault, undefined)
      assert.equal(body, chunks.join(''))
      assert.equal(used, text.length)
    }),
    { numRuns: 500 },
  )
})

test('noise is judged alike however it is cut', () => {
  const part = fc.constantFrom('0', '1', 'a', '\r\n', '\r', '\n', ';', ' ', 'x: y', '1\r\nz\r\n', '0\r\n\r\n')
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), fc.array(fc.nat(60), { maxLength: 6 }), (parts, cuts) => {
      assert.deepEqual(decode(parts.join(''), cuts), decode(parts.join(''), []))
    }),
    { numRuns: 2_000 },
  )
})
