// Addresses, ports and draws: where conditions change their mind is known, so that a list of values has one of every kind.
import type { Attribute, Cidr, ValueTest } from '../predicate.ts'
import { parseAddress } from '../match/cidr.ts'
import { drawMatches } from '../match/interpret.ts'
import type { Finding, Found } from './found-values.ts'
import type { Literal } from './literal.ts'

/** Whether all that the test asks is where an address lies. */
export function isOfAddress({ is }: ValueTest): boolean {
  return is === 'cidr' || is === 'present' || is === 'absent'
}

/** The ranges that tests ask about. */
export function rangesOf(all: readonly Literal[]): readonly Cidr[] {
  return all.flatMap(({ test }) => (test.is === 'cidr' ? [test.cidr] : []))
}

/** Addresses, of which one lies in each part that ranges make of all there are: at their beginnings and behind their ends. */
export function addressesNear(ranges: readonly Cidr[]): readonly string[] {
  const usual = ['192.0.2.1', '198.51.100.1', '2001:db8::1']
  return [...ranges.map(first), ...usual, '0.0.0.0', '::', ...ranges.flatMap(behind)]
}

/** The next address; the last one is followed by itself. */
export function addressAfter(address: string): string {
  const parsed = parseAddress(address)
  if (parsed === undefined) return address
  const next = parsed.bits + 1n
  return next >> BigInt(parsed.family === 4 ? 32 : 128) === 0n ? addressText(parsed.family, next) : address
}

function first({ family, bits }: Cidr): string {
  return addressText(family, bits)
}

function behind({ family, bits, prefixLength }: Cidr): readonly string[] {
  const width = family === 4 ? 32 : 128
  const next = bits + (1n << BigInt(width - prefixLength))
  return next >> BigInt(width) === 0n ? [addressText(family, next)] : []
}

function addressText(family: 4 | 6, bits: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((bits >> shift) & 255n)).join('.')
  const groups = Array.from({ length: 8 }, (_, at) => ((bits >> BigInt(16 * (7 - at))) & 0xffffn).toString(16))
  return groups.join(':').replace(/(?:^|:)0(?::0)+(?::|$)/, '::')
}

/** Whether all that the test asks is which number it is. */
export function isOfNumber(test: ValueTest): boolean {
  return test.is === 'range' || test.is === 'present' || test.is === 'absent' || test.is === 'exact'
}

/** Ports, of which one lies in each part that ranges make of all there are. */
export function portsNear(all: readonly Literal[]): readonly string[] {
  const edges = all.flatMap(({ test }) => {
    if (test.is === 'range') return [test.start, test.end]
    return test.is === 'exact' && /^\d+$/.test(test.value) ? [Number(test.value), Number(test.value) + 1] : []
  })
  return [...edges, 1].filter((port) => port >= 1 && port <= 65_535).map(String)
}

/** So many draws are tried. */
const drawsMax = 1_000_000

/** A draw for all shares; a runtime key that is set replaces its share, which is as the subject has it. */
export function drawnValue(all: readonly Literal[], { subject }: Finding): Found {
  const shares = all.flatMap(({ test }) => (test.is === 'fraction' ? [test] : []))
  const pass = (random: number): boolean =>
    all.every(({ attribute, test, wanted }) => {
      const key = attribute.name === 'random' ? attribute.runtimeKey : ''
      return drawMatches(key, test, { ...subject, random }) === wanted
    })
  const value = (random: number): Found => ({
    kind: 'values',
    values: [{ attribute: { name: 'random', runtimeKey: '' }, value: String(random) }],
  })
  const near = [subject.random, 0, ...shares.map(({ numerator }) => numerator)].find(pass)
  if (near !== undefined) return value(near)
  // What repeats, repeats after the least common multiple; keys that are set divide by 100.
  const period = [100, ...shares.map(({ denominator }) => denominator)].reduce((a, b) => (a / divisor(a, b)) * b, 1)
  const isPlain = all.every(({ attribute, test }) => test.is === 'fraction' && isWithoutKey(attribute))
  // What is set at run time replaces the share.
  if (period > drawsMax || !isPlain) return { kind: 'unknown' }
  for (let random = 0; random < period; random++) if (pass(random)) return value(random)
  return { kind: 'none' }
}

function isWithoutKey(attribute: Attribute): boolean {
  return attribute.name === 'random' && attribute.runtimeKey === ''
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b)
}
