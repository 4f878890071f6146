import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { normalizePath } from '@weft/engine'
import { requestFraming, responseFraming } from './framing.ts'
import { isPlainTarget, isPlainText } from './char-table.ts'
import { H1Head } from './h1-head.ts'
import { RecentTexts } from './recent-texts.ts'
import { dropHeader, setHeader } from '../head-edits.ts'
import { HeaderKind, headerKindOf } from '../header-kind.ts'

const limits = { maxBytes: 16_384, maxHeaders: 100 }

function parsed(text: string, isResponse = false): H1Head {
  const head = new H1Head(isResponse)
  const bytes = Buffer.from(text, 'latin1')
  assert.equal(head.parse(bytes, 0, bytes.length, limits), 'done', head.fault?.details)
  return head
}

const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,20}$/)
const value = fc.stringMatching(/^([\x21-\x7e\x80-\xff]([\t \x21-\x7e\x80-\xff]{0,30}[\x21-\x7e\x80-\xff])?)?$/)
const headers = fc.array(fc.tuple(token, value), { maxLength: 40 })

test('every well-formed head is read back, name by name and value by value, at any offset', () => {
  fc.assert(
    fc.property(headers, fc.nat(50), (list, offset) => {
      const text = `GET /a?b HTTP/1.1\r\n${list.map(([name, one]) => `${name}: ${one}\r\n`).join('')}\r\n`
      const bytes = Buffer.from('#'.repeat(offset) + text + 'rest', 'latin1')
      const head = new H1Head(false)
      assert.equal(head.parse(bytes, offset, bytes.length, limits), 'done')
      assert.equal(head.length, text.length)
      assert.equal(head.text, text)
      assert.deepEqual(
        Array.from({ length: head.count }, (_, at) => [head.nameAt(at), head.valueAt(at)]),
        list.map(([name, one]) => [name.toLowerCase(), one]),
      )
    }),
  )
})

test('the outcome depends on the bytes only, not on how they arrive', () => {
  const soup = fc.oneof(
    fc.constantFrom('\r\n', '\n', '\r', ' ', ':', 'Host', 'x', 'HTTP/1.1', 'GET', '/', '\t', '\0', 'é'),
    token,
  )
  fc.assert(
    fc.property(
      fc.array(soup, { maxLength: 30 }),
      fc.boolean(),
      fc.array(fc.nat(400), { maxLength: 6 }),
      (parts, good, cuts) => {
        const text = (good ? 'GET / HTTP/1.1\r\nHost: s\r\n' : '') + parts.join('')
        const bytes = Buffer.from(text, 'latin1')
        const small = { maxBytes: 120, maxHeaders: 4 }
        const whole = new H1Head(false)
        const outcome = whole.parse(bytes, 0, bytes.length, small)
        const piecewise = new H1Head(false)
        let last: string = 'more'
        for (const cut of [...cuts.filter((cut) => cut < bytes.length), bytes.length].sort((a, b) => a - b)) {
          last = piecewise.parse(bytes, 0, cut, small)
          if (last !== 'more') break
        }
        assert.equal(last, outcome)
        assert.deepEqual(piecewise.fault, whole.fault)
        if (outcome === 'done') assert.equal(piecewise.text, whole.text)
      },
    ),
    { numRuns: 2_000 },
  )
})

test('edits drop and add whole lines and leave the rest as it was', () => {
  const head = parsed('GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\na: 3\r\nC: 4\r\n\r\n')
  dropHeader(head, 'a')
  setHeader(head, 'b', 'new')
  setHeader(head, 'b', 'newer')
  assert.equal(head.lines(), 'C: 4\r\nb: newer\r\n')
  assert.equal(head.value('a'), undefined)
  assert.equal(head.value('b'), 'newer')
})

test('repeated headers are one value joined by commas', () => {
  assert.equal(parsed('GET / HTTP/1.1\r\nX: 1\r\nx:2\r\nX:\t3 \r\n\r\n').value('x'), '1,2,3')
})

test('kinds are found in any case and only for whole names', () => {
  const kind = (name: string): number => headerKindOf(Buffer.from(name), 0, name.length)
  assert.equal(kind('CONTENT-length'), HeaderKind.CONTENT_LENGTH)
  assert.equal(kind('content-lengthx'), HeaderKind.OTHER)
  assert.equal(kind('X-Envoy-Foo'), HeaderKind.X_ENVOY)
  assert.equal(kind('transfer-encodinG'), HeaderKind.TRANSFER_ENCODING)
  assert.equal(kind('transfer_encoding'), HeaderKind.OTHER)
})

test('a response without a length ends with its connection, unless it has no body', () => {
  const head = parsed('HTTP/1.1 200 OK\r\n\r\n', true)
  assert.deepEqual(responseFraming(head, 'GET'), { kind: 'until-close' })
  assert.deepEqual(responseFraming(head, 'HEAD'), { kind: 'none' })
  assert.deepEqual(responseFraming(parsed('HTTP/1.1 204 No\r\n\r\n', true), 'GET'), { kind: 'none' })
  assert.deepEqual(requestFraming(parsed('POST / HTTP/1.1\r\ncontent-length: 0012\r\n\r\n')), {
    kind: 'length',
    bytes: 12,
  })
})

test('a plain target is one that no way of normalising changes or refuses', () => {
  const piece = fc.constantFrom(
    '/',
    '/',
    '.',
    '..',
    '%2f',
    '%',
    '?',
    '#',
    ';',
    'a',
    'B',
    '9',
    '-',
    '~',
    '\\',
    '\x80',
    '"',
    ':@[]',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const target = `/${pieces.join('')}`
      const bytes = Buffer.from(`x${target}y`, 'latin1')
      // What came over HTTP/2 is a text.
      assert.equal(isPlainText(target), isPlainTarget(bytes, 1, bytes.length - 1), target)
      if (!isPlainTarget(bytes, 1, bytes.length - 1)) return
      for (const normalize of [true, false]) {
        for (const mergeSlashes of [true, false]) {
          for (const escapedSlashes of ['keep', 'reject', 'redirect', 'unescape'] as const) {
            const how = { normalize, mergeSlashes, escapedSlashes } as Parameters<typeof normalizePath>[1]
            assert.deepEqual(normalizePath(target, how), { kind: 'path', path: target }, target)
          }
        }
      }
    }),
    { numRuns: 2_000 },
  )
  const plain = Buffer.from('/books/1?q=a%20b', 'latin1')
  assert.ok(isPlainTarget(plain, 0, plain.length))
})

test('a text that was seen lately is the very text of its bytes, whatever else took its place meanwhile', () => {
  const texts = new RecentTexts()
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-c]{0,3}[\x80-\xff]?$/), { maxLength: 30 }), (list) => {
      for (const text of list) {
        const bytes = Buffer.from(`#${text}#`, 'latin1')
        assert.equal(texts.of(bytes, 1, bytes.length - 1), text)
      }
    }),
  )
})

test('a request goes on as it came, its host in place, when the host is the one received', () => {
  const head = parsed('GET /a HTTP/1.1\r\nA: 1\r\nHost: shop\r\nB: 2\r\n\r\n')
  head.drop(1)
  dropHeader(head, 'b')
  assert.ok(head.saysHost('shop'))
  assert.ok(!head.saysHost('shops') && !head.saysHost('Shop'))
  let text = ''
  const sink = {
    text: (more: string) => void (text += more),
    field: (name: string, one: string) => void (text += `${name}: ${one}\r\n`),
    line: (name: string, one: string) => void (text += `${name}: ${one}\r\n`),
    range: (bytes: Buffer, start: number, end: number) => void (text += bytes.latin1Slice(start, end)),
  }
  head.writeAsReceived(sink, true)
  assert.equal(text, 'GET /a HTTP/1.1\r\nA: 1\r\nHost: shop\r\n')
  text = ''
  head.writeAsReceived(sink, false)
  assert.equal(text, 'GET /a HTTP/1.1\r\nA: 1\r\n')
})
