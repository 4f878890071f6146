import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ProxyHeaderVerdict, readProxyHeader } from './read-proxy-header.ts'
import { type ProxiedEnds, writeProxyHeader } from './write-proxy-header.ts'

/** Generated cases per property; a long run sets WEFT_FUZZ_CASES. */
const runs = { numRuns: Number(process.env['WEFT_FUZZ_CASES'] ?? 5_000) }
const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

const line = (text: string): ProxyHeaderVerdict => readProxyHeader(Buffer.from(text, 'latin1'))
const binary = (head: string, body = ''): Buffer => {
  const bytes = Buffer.from(body, 'hex')
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([signature, Buffer.from(head, 'hex'), length, bytes])
}

test('the examples of the specification are read', () => {
  assert.deepEqual(line('PROXY TCP4 255.255.255.255 10.0.0.1 65535 443\r\nGET / HTTP/1.1'), {
    kind: 'header',
    version: 1,
    length: 47,
    ends: { source: { address: '255.255.255.255', port: 65535 }, destination: { address: '10.0.0.1', port: 443 } },
  })
  const unknown = 'PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n'
  assert.deepEqual(line(unknown), { kind: 'header', version: 1, length: unknown.length, ends: undefined })
  assert.deepEqual(readProxyHeader(binary('2111', '7f0000017f00000230390050')), {
    kind: 'header',
    version: 2,
    length: 28,
    ends: { source: { address: '127.0.0.1', port: 12345 }, destination: { address: '127.0.0.2', port: 80 } },
  })
})

test('LOCAL, unknown families and Unix sockets keep the ends of the connection itself', () => {
  for (const bytes of [
    binary('2000'),
    binary('2011', '7f0000017f00000230390050'),
    binary('2000', 'ffffff'),
    binary('2100'),
    binary('2100', '0300010a'),
    binary('2131', '00'.repeat(216)),
  ]) {
    const verdict = readProxyHeader(Buffer.concat([bytes, Buffer.from('rest')]))
    assert.deepEqual(verdict, { kind: 'header', version: 2, length: bytes.length, ends: undefined })
  }
})

test('additional fields are skipped, and broken ones refuse the header', () => {
  const ends = '7f0000017f00000230390050'
  assert.equal(readProxyHeader(binary('2111', `${ends}030004aabbccdd040000`)).kind, 'header')
  for (const fields of ['03', '0300', '030004aabbcc', '030000ff']) {
    assert.equal(readProxyHeader(binary('2111', ends + fields)).kind, 'malformed', fields)
  }
})

test('what breaks the rules is refused', () => {
  for (const text of [
    'PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n',
    'PROXY TCP4 1.2.3.4  5.6.7.8 1 2\r\n',
    'PROXY TCP4 1.2.3.256 5.6.7.8 1 2\r\n',
    'PROXY TCP4 ::1 ::1 1 2\r\n',
    'PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n',
    'PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n',
    'PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n',
    'PROXY \r\n',
    `PROXY TCP4 ${'1'.repeat(200)}`,
  ]) {
    assert.equal(line(text).kind, 'malformed', JSON.stringify(text))
  }
  for (const [head, body] of [
    ['1111', ''],
    ['2211', ''],
    ['2112', '7f0000017f00000230390050'],
    ['2141', ''],
    ['2111', '7f0000017f000002'],
  ] as const) {
    assert.equal(readProxyHeader(binary(head, body)).kind, 'malformed', head)
  }
})

test('other protocols are told apart with their first odd byte', () => {
  for (const [bytes, kind] of [
    ['', 'incomplete'],
    ['P', 'incomplete'],
    ['PO', 'none'],
    ['PROXY', 'incomplete'],
    ['PROXY\t', 'none'],
    ['\r\n', 'incomplete'],
    ['\r\nG', 'none'],
    ['\x16', 'none'],
    ['GET / HTTP/1.1\r\n', 'none'],
    ['PRI * HTTP/2.0', 'none'],
  ] as const) {
    assert.equal(line(bytes).kind, kind, JSON.stringify(bytes))
  }
})

const port = fc.integer({ min: 0, max: 65535 })
const endsOf = (address: fc.Arbitrary<string>): fc.Arbitrary<ProxiedEnds> => {
  const end = fc.record({ address, port })
  return fc.record({ source: end, destination: end })
}
const anyEnds = fc.oneof(endsOf(fc.ipV4()), endsOf(fc.ipV6()))

/** The one text of an address, as URLs write it. */
const canonical = (address: string): string =>
  address.includes(':') ? new URL(`http://[${address}]/`).hostname.slice(1, -1) : address

test('every header that is written is read back, whatever follows it', () => {
  fc.assert(
    fc.property(anyEnds, fc.constantFrom(1 as const, 2 as const), fc.uint8Array(), (ends, version, rest) => {
      const header = writeProxyHeader(version, ends)
      const verdict = readProxyHeader(Buffer.concat([header, rest]))
      assert.equal(verdict.kind, 'header')
      if (verdict.kind !== 'header' || verdict.ends === undefined) return assert.fail('no ends')
      assert.deepEqual([verdict.version, verdict.length], [version, header.length])
      for (const side of ['source', 'destination'] as const) {
        assert.equal(canonical(verdict.ends[side].address), canonical(ends[side].address))
        assert.equal(verdict.ends[side].port, ends[side].port)
        if (version === 2) assert.equal(verdict.ends[side].address, canonical(ends[side].address))
      }
    }),
    runs,
  )
})

test('the longest way to write an address still fits the line of version 1', () => {
  const end = { address: 'ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255', port: 65535 }
  const header = writeProxyHeader(1, { source: end, destination: end })
  const short = { ...end, address: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' }
  const read = { kind: 'header', version: 1, length: header.length, ends: { source: short, destination: short } }
  assert.deepEqual(readProxyHeader(header), read)
})

test('ends that no header can tell are left out', () => {
  const ends = { source: { address: '1.2.3.4', port: 1 }, destination: { address: '::1', port: 2 } }
  for (const given of [undefined, ends, { ...ends, destination: { address: 'catalog', port: 2 } }]) {
    assert.equal(writeProxyHeader(1, given).toString('latin1'), 'PROXY UNKNOWN\r\n')
    assert.deepEqual(writeProxyHeader(2, given), binary('2000'))
  }
})

test('a header cut anywhere is incomplete until it is whole', () => {
  const tails = ['', '030004aabbccdd']
  for (const version of [1, 2] as const) {
    for (const tail of version === 2 ? tails : ['']) {
      const ends = { source: { address: '2001:db8::1', port: 4000 }, destination: { address: '::1', port: 80 } }
      const header = Buffer.concat([writeProxyHeader(version, ends), Buffer.from(tail, 'hex')])
      if (version === 2) header.writeUInt16BE(header.length - 16, 14)
      for (let cut = 0; cut < header.length; cut++) {
        assert.equal(readProxyHeader(header.subarray(0, cut)).kind, 'incomplete', `${version} at ${cut}`)
      }
      assert.equal(readProxyHeader(header).kind, 'header')
    }
  }
})

test('bytes from anywhere get one verdict, which more bytes do not take back', () => {
  const piece = fc.oneof(
    fc.constantFrom('PROXY ', 'TCP4 ', 'TCP6 ', 'UNKNOWN', '1.2.3.4 ', '::1 ', '80 ', '\r', '\n', '\r\n', '\0', '\x20'),
    fc.constant(signature.toString('latin1')),
    fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  )
  const startsWell = fc.constantFrom('PROXY ', `${signature.toString('latin1')}\x21\x11\0\x0c`, '')
  fc.assert(
    fc.property(startsWell, fc.array(piece, { maxLength: 12 }), (start, pieces) => {
      const bytes = Buffer.from(start + pieces.join(''), 'latin1')
      let settled: ProxyHeaderVerdict | undefined
      for (let cut = 0; cut <= bytes.length; cut++) {
        const verdict = readProxyHeader(bytes.subarray(0, cut))
        if (verdict.kind === 'header') assert.ok(verdict.length <= cut)
        if (settled === undefined && verdict.kind !== 'incomplete') settled = verdict
        else if (settled !== undefined) assert.deepEqual(verdict, settled)
      }
    }),
    runs,
  )
})
