import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { TARGET, VALUE } from '../h1/char-table.ts'
import { decodedBytes, decodedLimit, decodeHuffman, decodedClasses, encodeHuffman, huffmanLength } from './huffman.ts'
import { decodeFields, encodeFields, encodeLines, FieldList, hpackPair, type PlainField } from './hpack-under-test.ts'
import { HpackDecoder } from './hpack-decoder.ts'
import { HpackEncoder } from './hpack-encoder.ts'

const cases = Number(process.env['WEFT_FUZZ_CASES'] ?? 3_000)
const runs = { numRuns: cases }

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const pairs = (fields: PlainField[] | string): unknown =>
  typeof fields === 'string' ? fields : fields.map(({ name, value }) => [name, value])

const latin1 = (maxLength: number): fc.Arbitrary<string> =>
  fc
    .array(fc.oneof(fc.nat({ max: 255 }), fc.integer({ min: 32, max: 126 })), { maxLength })
    .map((codes) => String.fromCharCode(...codes))

test('every text comes back from the Huffman code, and its length is known beforehand', () => {
  fc.assert(
    fc.property(latin1(60), (text) => {
      const coded = Buffer.alloc(60 * 4)
      const end = encodeHuffman(text, coded, 0)
      assert.equal(end, huffmanLength(text))
      const back = Buffer.alloc(decodedLimit(end) + 1)
      const decoded = decodeHuffman(coded, 0, end, back)
      assert.equal(back.latin1Slice(0, decodedBytes(decoded)), text)
      assert.equal((decodedClasses(decoded) & VALUE) === 0, /[^\t\x20-\x7e\x80-\xff]/.test(text))
      assert.equal((decodedClasses(decoded) & TARGET) === 0, /[^\x21-\x7e]/.test(text))
    }),
    runs,
  )
})

test('a Huffman code with EOS, with a byte of padding or with zeros as padding is malformed', () => {
  const target = Buffer.alloc(100)
  for (const bad of ['ffffffff', 'fffffffc', '1fff', '18', 'ff', 'f8ff']) {
    const bytes = hex(bad)
    assert.equal(decodeHuffman(bytes, 0, bytes.length, target), -1, bad)
  }
  assert.equal(decodeHuffman(hex('1f'), 0, 1, target), 1)
})

test('the examples of RFC 7541 C.4 and C.6 decode, one block after the other', () => {
  const requests = new HpackDecoder()
  const first = [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
  ]
  assert.deepEqual(pairs(decodeFields(requests, hex('8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff'))), first)
  assert.deepEqual(pairs(decodeFields(requests, hex('8286 84be 5886 a8eb 1064 9cbf'))), [
    ...first,
    ['cache-control', 'no-cache'],
  ])
  assert.deepEqual(pairs(decodeFields(requests, hex('8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf'))), [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/index.html'],
    [':authority', 'www.example.com'],
    ['custom-key', 'custom-value'],
  ])
})

const names = [':path', ':status', 'host', 'cookie', 'x-a', 'x-request-id', 'content-type', 'authorization', 'é']
const field = fc.record({
  name: fc.oneof(fc.constantFrom(...names), latin1(20)),
  value: fc.oneof(fc.constantFrom('', '/', '200', 'a', 'b', 'x'.repeat(300), 'y'.repeat(1_500)), latin1(40)),
  neverIndexed: fc.boolean(),
})
const trimmed = (value: string): string => value.replace(/^[ \t]+|[ \t]+$/g, '')

test('whatever is encoded is decoded again, through changes of the table size', () => {
  const step = fc.oneof(fc.array(field, { maxLength: 8 }), fc.constantFrom(0, 64, 200, 1_000, 4_096, 65_536))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const { encoder, decoder } = hpackPair()
      for (const each of steps) {
        if (typeof each === 'number') {
          encoder.setLimit(each)
          decoder.setLimit(Math.min(4_096, each))
          continue
        }
        const fields = decodeFields(decoder, encodeFields(encoder, each))
        assert.deepEqual(
          pairs(fields),
          each.map(({ name, value }) => [name, trimmed(value)]),
        )
        for (const [index, { name, neverIndexed }] of each.entries()) {
          const secret = neverIndexed || name === 'cookie' || name === 'authorization'
          if (secret) assert.equal((fields as PlainField[])[index]?.neverIndexed, true)
        }
      }
    }),
    runs,
  )
})

test('header lines of HTTP/1.1 and the same fields as text are one to the table', () => {
  const line = fc.record({
    name: fc.oneof(fc.constantFrom('host', 'cookie', 'X-A', 'accept'), fc.stringMatching(/^[A-Za-z0-9-]{1,40}$/)),
    value: fc.oneof(fc.constantFrom('', '/', 'a', 'x'.repeat(25), `${'x'.repeat(24)}y`, 'y'.repeat(1_500)), latin1(40)),
  })
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.array(line, { maxLength: 8 })), { maxLength: 8 }), (steps) => {
      const { encoder, decoder } = hpackPair()
      const texts = new HpackEncoder()
      for (const [asLines, lines] of steps) {
        const fields = lines.map(({ name, value }) => ({ name: name.toLowerCase(), value }))
        const block = asLines ? encodeLines(encoder, lines) : encodeFields(encoder, fields)
        assert.deepEqual(block, encodeFields(texts, fields))
        assert.deepEqual(
          pairs(decodeFields(decoder, block)),
          fields.map(({ name, value }) => [name, trimmed(value)]),
        )
      }
    }),
    runs,
  )
})

test('any bytes are decoded to fields or refused, never more', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), (blocks) => {
      const decoder = new HpackDecoder()
      for (const block of blocks) if (typeof decodeFields(decoder, Buffer.from(block)) === 'string') return
    }),
    runs,
  )
})

test('numbers, indexes and strings beyond their bounds are refused', () => {
  const refused: Record<string, RegExp> = {
    '80': /index 0/,
    be: /not in the table/,
    'ff ff ff ff ff ff 7f': /number too large/,
    'ff 80 80 80 80 80 80': /number too large/,
    ff: /within a number/,
    '40 05 61': /beyond the end/,
    '00 7f ff ff ff 7f': /beyond the end|too large/,
    '41': /within a field/,
    '3f ff 1f': /more than the 4096/,
    '82 20': /inside of a block/,
    '00 82 00 00 00': /Huffman/,
  }
  for (const [block, reason] of Object.entries(refused)) {
    assert.match(decodeFields(new HpackDecoder(), hex(block)) as string, reason, block)
  }
})

test('a limit that was lowered must be acknowledged by a size update in the next block', () => {
  const decoder = new HpackDecoder()
  decoder.setLimit(100)
  assert.match(decodeFields(decoder, hex('82')) as string, /no table size update/)
  const other = new HpackDecoder()
  other.setLimit(100)
  assert.deepEqual(pairs(decodeFields(other, hex('3f 45 82'))), [[':method', 'GET']])
})

test('a sink that takes no more leaves the table in step', () => {
  const { encoder, decoder } = hpackPair()
  const fields = Array.from({ length: 5 }, (_, index) => ({ name: `x-${index}`, value: `value ${index}` }))
  encodeFields(encoder, fields)
  const block = encodeFields(encoder, [...fields, { name: 'cookie', value: 'secret' }, { name: 'x-z', value: '1' }])
  const full = new FieldList()
  full.full = true
  assert.equal(new HpackDecoder().decode(block, 0, block.length, full), undefined)
  assert.equal(decoder.decode(block, 0, block.length, full), undefined)
  assert.deepEqual(full.fields, [])
  const next = encodeFields(encoder, fields)
  assert.ok(next.length <= 5, 'all are indexed')
  assert.deepEqual(
    pairs(decodeFields(decoder, next)),
    fields.map(({ name, value }) => [name, value]),
  )
})

test('what comes once is not indexed, what repeats is, and secrets never are', () => {
  const encoder = new HpackEncoder()
  const unique = (id: number): { name: string; value: string }[] => [
    { name: 'user-agent', value: 'a browser with a long name' },
    { name: 'x-request-id', value: `request ${id}` },
    { name: 'authorization', value: 'Bearer of a token' },
  ]
  const sizes = [1, 2, 3, 4].map((id) => encodeFields(encoder, unique(id)).length)
  assert.equal(sizes[2], sizes[3])
  assert.ok((sizes[2] as number) <= (sizes[0] as number) - 26, String(sizes))
  const [, second] = [encodeFields(encoder, unique(5)), encodeFields(encoder, unique(6))]
  assert.ok(second?.includes('Bearer of a token'), 'a literal each time')
})

test('values with forbidden bytes and names with upper-case letters are marked', () => {
  const flags: number[] = []
  const roles: number[] = []
  const decoder = new HpackDecoder()
  const sink = {
    full: false,
    onField(name: { readonly role: number }, _value: string, each: number) {
      roles.push(name.role)
      flags.push(each)
    },
  }
  const bad = ['a\nb', 'a\rb', 'a\0b', '\x7f', 'fine', '\tfine ', 'é']
  const block = encodeFields(
    new HpackEncoder(),
    bad.map((value) => ({ name: 'x-a', value })),
  )
  assert.equal(decoder.decode(block, 0, block.length, sink), undefined)
  assert.deepEqual(flags, [5, 5, 5, 5, 0, 4, 4])
  const named = encodeFields(
    new HpackEncoder(),
    ['X-A', 'a b', 'a:b', '', ':', 'x-ok'].map((name) => ({ name, value: '' })),
  )
  roles.length = 0
  assert.equal(decoder.decode(named, 0, named.length, sink), undefined)
  assert.deepEqual(roles, [13, 13, 13, 13, 6, 7])
})
