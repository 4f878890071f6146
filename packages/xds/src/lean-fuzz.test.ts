import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, type DescField, type DescMessage, type Message, ScalarType, toBinary } from '@bufbuild/protobuf'
import { type GenFile } from '@bufbuild/protobuf/codegenv2'
import * as lean from '@weft/xds/lean'
import fc from 'fast-check'
import { globSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { leanMessages } from '../lean/fields.ts'
import { LeanDecodeError, tryRead } from './lean-wire.ts'

// Random messages are built twice at once: as protobuf-es wants them, and as the lean reader must show them.
type Read = (bytes: Uint8Array, unlisted: string[]) => unknown

const descs = new Map<string, DescMessage>()
const root = new URL('../gen/es/', import.meta.url)
for (const path of globSync('**/*_pb.js', { cwd: root })) {
  const module = (await import(pathToFileURL(`${root.pathname}${path}`).href)) as Record<string, GenFile>
  const visit = (message: DescMessage): void => {
    descs.set(message.typeName, message)
    for (const nested of message.nestedMessages) visit(nested)
  }
  for (const value of Object.values(module)) if (value.kind === 'file') for (const m of value.messages) visit(m)
}
const listed = new Map(leanMessages.map((entry) => [entry.message, new Set(entry.fields.split(/\s+/).filter(Boolean))]))

function readerOf(message: string): Read {
  const entry = leanMessages.find((item) => item.message === message)
  const parts = message.split('.')
  const name = entry?.as ?? parts.slice(parts.findIndex((part) => /^[A-Z]/.test(part))).join('_')
  return (lean as unknown as Record<string, Read>)[`read${name}`] as Read
}

interface Built {
  readonly es: Message
  readonly lean: Record<string, unknown>
}
type Pair = readonly [es: unknown, lean: unknown]

/** Random values from one seed: fast-check picks (and shrinks) the seed, since whole messages are too big to shrink. */
class Random {
  private state: number

  constructor(seed: number) {
    this.state = seed >>> 0
  }

  /** In [0, bound). */
  below(bound: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * bound)
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }

  text(): string {
    const units = ['a', 'Z', '0', ' ', '/', 'é', 'ß', '中', '😀', '\u0000', '\ufeff', '__proto__']
    return Array.from({ length: this.below(this.below(4) === 0 ? 40 : 6) }, () => this.pick(units)).join('')
  }

  bytes(): Uint8Array {
    return Uint8Array.from({ length: this.below(9) }, () => this.below(256))
  }

  /** Of any size up to `limit`: every length of varint is likely. */
  natural(limit: number): number {
    return this.pick([0, 1, limit, Math.floor(limit / 2 ** this.below(53)), this.below(300)])
  }

  double(): number {
    return this.pick([0, 1, -1.5, 1e300, -1e-300, Infinity, this.below(1e6) / 7])
  }

  json(depth: number): unknown {
    switch (this.below(depth > 2 ? 4 : 6)) {
      case 0:
        return null
      case 1:
        return this.below(2) === 0
      case 2:
        return this.below(1e6) / 8
      case 3:
        return this.text()
      case 4:
        return Array.from({ length: this.below(3) }, () => this.json(depth + 1))
      default:
        return this.object(depth + 1)
    }
  }

  object(depth: number): Record<string, unknown> {
    // JSON.parse makes `__proto__` an ordinary member.
    const members = Array.from(
      { length: this.below(3) },
      () => `${JSON.stringify(this.text())}:${JSON.stringify(this.json(depth))}`,
    )
    return JSON.parse(`{${members.join(',')}}`) as Record<string, unknown>
  }
}

function scalar(g: Random, type: ScalarType): Pair {
  switch (type) {
    case ScalarType.STRING: {
      const value = g.text()
      return [value, value]
    }
    case ScalarType.BYTES: {
      const value = g.bytes()
      return [value, value]
    }
    case ScalarType.BOOL: {
      const value = g.below(2) === 0
      return [value, value]
    }
    case ScalarType.INT64:
    case ScalarType.SFIXED64:
    case ScalarType.SINT64: {
      const value = g.natural(Number.MAX_SAFE_INTEGER) * g.pick([1, -1]) + 0
      return [BigInt(value), value]
    }
    case ScalarType.UINT64:
    case ScalarType.FIXED64: {
      const value = g.natural(Number.MAX_SAFE_INTEGER)
      return [BigInt(value), value]
    }
    case ScalarType.UINT32:
    case ScalarType.FIXED32: {
      const value = g.natural(0xffff_ffff)
      return [value, value]
    }
    case ScalarType.FLOAT: {
      const value = Math.fround(g.pick([0, 1, -2.5, g.below(1000) / 3]))
      return [value, value]
    }
    case ScalarType.DOUBLE: {
      const value = g.double()
      return [value, value]
    }
    default: {
      const value = g.natural(0x7fff_ffff) * g.pick([1, -1]) + 0
      return [value, value]
    }
  }
}

const zero = (type: ScalarType): unknown =>
  type === ScalarType.STRING ? '' : type === ScalarType.BOOL ? false : type === ScalarType.BYTES ? new Uint8Array() : 0

function one(g: Random, field: DescField, depth: number, unlisted: Set<string>): Pair | undefined {
  if (field.message !== undefined) return message(g, field.message, depth, unlisted)
  if (field.enum !== undefined) {
    const value = g.pick([...field.enum.values, { number: 4711, name: 'UNKNOWN_4711' }])
    return [value.number, value.name]
  }
  return scalar(g, field.scalar as ScalarType)
}

function message(g: Random, desc: DescMessage, depth: number, unlisted: Set<string>): Pair | undefined {
  const short = desc.typeName.startsWith('google.protobuf.') ? desc.typeName.slice(16) : undefined
  if (short === 'Any') {
    const any = { typeUrl: g.text(), value: g.bytes() }
    return [create(desc, any), any]
  }
  if (short === 'Duration') {
    const [seconds, nanos] = [g.below(1e6) - 1000, g.below(1e9)]
    return [create(desc, { seconds: BigInt(seconds), nanos }), seconds * 1000 + nanos / 1e6]
  }
  if (short === 'Struct') {
    const json = g.object(0)
    return [json, json]
  }
  if (short?.endsWith('Value') === true) {
    const [es, value] = scalar(g, desc.fields[0]?.scalar as ScalarType)
    return [es, value]
  }
  if (depth > 4) return undefined
  const built = build(g, desc, depth + 1, unlisted)
  return [built.es, built.lean]
}

function build(g: Random, desc: DescMessage, depth: number, unlisted: Set<string>): Built {
  const es = create(desc) as Message & Record<string, unknown>
  const out: Record<string, unknown> = {}
  const known = listed.get(desc.typeName) ?? new Set<string>()
  for (const field of desc.fields) if (known.has(field.name)) out[field.localName] = absent(field)
  for (const member of desc.members) {
    if (g.below(depth === 0 ? 2 : 1 + 4 * depth) > 0) continue
    const field = member.kind === 'oneof' ? g.pick(member.fields) : member
    const isListed = known.has(field.name)
    // What an unlisted field holds does not matter, only that it is there.
    if (!isListed && (field.fieldKind !== 'message' || field.message.typeName.startsWith('google.protobuf.'))) continue
    if (!isListed && g.below(10) > 0) continue
    const values: Pair[] = []
    const wanted = field.fieldKind === 'list' || field.fieldKind === 'map' ? g.below(3) : 1
    for (let i = 0; i < wanted; i++) {
      const value = isListed
        ? one(g, field, depth, unlisted)
        : ([create(field.message as DescMessage), undefined] as Pair)
      if (value !== undefined) values.push(value)
    }
    if (values.length === 0 && wanted > 0) continue
    if (!isListed) unlisted.add(`${desc.typeName}.${field.name}`)
    place(es, out, { field, values, isListed })
  }
  return { es, lean: out }
}

function absent(field: DescField): unknown {
  if (field.fieldKind === 'list') return []
  if (field.fieldKind === 'map') return new Map()
  if (field.fieldKind === 'message' || field.oneof !== undefined) return undefined
  if (field.fieldKind === 'enum') return field.enum.values[0]?.name
  return zero(field.scalar)
}

/** protobuf-es shows wrappers as primitives everywhere but in a oneof. */
function inOneof(field: DescField, value: unknown): unknown {
  const wrapped =
    field.message?.typeName.startsWith('google.protobuf.') === true && field.message.name.endsWith('Value')
  return wrapped ? create(field.message as DescMessage, { value } as never) : value
}

function place(
  es: Record<string, unknown>,
  out: Record<string, unknown>,
  { field, values, isListed }: { field: DescField; values: Pair[]; isListed: boolean },
): void {
  const name = field.localName
  if (field.fieldKind === 'list') {
    es[name] = values.map(([value]) => value)
    out[name] = values.map(([, value]) => value)
  } else if (field.fieldKind === 'map') {
    es[name] = Object.fromEntries(values.map(([value], index) => [`key${index}`, value]))
    out[name] = new Map(values.map(([, value], index) => [`key${index}`, value]))
  } else {
    const [value, shown] = values[0] as Pair
    if (field.oneof === undefined) es[name] = value
    else es[field.oneof.localName] = { case: name, value: inOneof(field, value) }
    if (isListed) out[name] = shown
  }
}

test('random messages of every listed type, encoded by protobuf-es, are read equal by the lean readers', () => {
  for (const name of listed.keys()) {
    const desc = descs.get(name) as DescMessage
    const check = fc.property(fc.integer(), (seed) => {
      const g = new Random(seed)
      const expected = new Set<string>()
      const built = build(g, desc, 0, expected)
      const unlisted: string[] = []
      const read = readerOf(name)(toBinary(desc, built.es), unlisted)
      assert.deepEqual(read, built.lean)
      assert.deepEqual(unlisted.sort(), [...expected].sort())
    })
    fc.assert(check, { numRuns: 30, seed: 7 })
  }
})

test('damaged messages either read or fail with LeanDecodeError, and nothing else', () => {
  const names = [...listed.keys()]
  let failures = 0
  const check = fc.property(fc.integer(), fc.constantFrom(...names), fc.nat(), fc.nat(255), (seed, name, at, byte) => {
    const desc = descs.get(name) as DescMessage
    const bytes = toBinary(desc, build(new Random(seed), desc, 0, new Set()).es)
    if (bytes.length > 0) bytes[at % bytes.length] = byte
    const cut = bytes.subarray(0, bytes.length - (at % 3))
    const result = tryRead(readerOf(name), cut)
    if (!result.ok) failures += 1
  })
  fc.assert(check, { numRuns: 1500, seed: 11 })
  assert.ok(failures > 100, `only ${failures} of the damaged messages were refused`)
})

test('any bytes at all either read or fail with LeanDecodeError', () => {
  const names = [...listed.keys()]
  const check = fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(...names), (bytes, name) => {
    tryRead(readerOf(name), bytes)
  })
  fc.assert(check, { numRuns: 3000, seed: 13 })
})

test('messages nested beyond a hundred are refused, not overflowed', () => {
  let bytes: Uint8Array = new Uint8Array([0x18, 0x01])
  for (let depth = 0; depth < 200; depth++) {
    const size = bytes.length < 128 ? [bytes.length] : [(bytes.length & 0x7f) | 0x80, bytes.length >>> 7]
    bytes = Uint8Array.from([0x42, ...size, ...bytes])
  }
  assert.throws(() => lean.readPermission(bytes, []), LeanDecodeError)
})
