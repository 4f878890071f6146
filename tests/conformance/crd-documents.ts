// Documents made from the schemas of CRDs: whole ones, and changes of given ones. One seed, one document.
import { RE2JS } from 're2js'
import type { CrdSchema } from './crd-judge.ts'

/** Draws numbers: `below(n)` is a whole number from 0 up to n, exclusive. */
export interface Draw {
  below(bound: number): number
  oneOf<T>(items: readonly T[]): T
  chance(share: number): boolean
}

/** A sequence of draws from a seed (mulberry32). */
export function draws(seed: number): Draw {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const below = (bound: number): number => Math.floor(next() * bound)
  return { below, oneOf: (items) => items[below(items.length)] as never, chance: (share) => next() < share }
}

/** Texts near the edges of what the fields take; few, so that repetitions come about. */
const words = [
  ...['', 'a', 'b', 'A', 'x-user', 'a b', 'a  b', 'a.b', '-a', 'ä', 'web', 'http', 'a/b', 'a.b/c-d', '/x', '*'],
  ...['Gateway', 'Service', 'Secret', 'ConfigMap', 'gateway.networking.k8s.io', 'shop.example.com', '*.example.com'],
  ...['*.a.*', 'SHOP.example.com', 'db.cluster.local', '1.2.3.4', '1.2.3', '::1', '1:2:3:4:5:6:7:8', 'fe80::1::2'],
  ...['IPAddress', 'Hostname', 'NamedAddress', 'example.com/Port', 'HTTP', 'HTTPS', 'TLS', 'TCP', 'UDP', 'HTTP2'],
  ...[
    '/',
    '/a',
    '/a/',
    '/a//b',
    '/a/./b',
    '/a/../b',
    '/a/..',
    '/a/.',
    '/a%2fb',
    '/a%2Fb',
    '/a%20b',
    '/a%zz',
    '/a#b',
    '/a b',
    'a/b',
  ],
  ...['0s', '1s', '10s', '500ms', '1h', '2h', '61m', '1h30m', '1h1m1s1ms1s', '1.5s', '5', '100000s'],
  ...['bookstore.Catalog', '.bookstore.Catalog', 'book-store', '9a', 'Get_1', 'System', 'example.com/bundle'],
  ...[
    'https://shop.example.com',
    'https://*.example.com:8443',
    'http://*',
    'shop.example.com',
    'spiffe://a/b',
    'urn:a',
  ],
  ...[
    'In',
    'GET',
    'RequestHeaderModifier',
    'a'.repeat(63),
    'a'.repeat(64),
    'a'.repeat(253),
    'a'.repeat(254),
    'a'.repeat(1025),
  ],
]

const fitting = new Map<string, readonly string[]>()

function wordsFor(schema: CrdSchema): readonly string[] {
  const key = `${schema.pattern} ${schema.minLength} ${schema.maxLength}`
  let found = fitting.get(key)
  if (found === undefined) {
    const pattern = schema.pattern === undefined ? undefined : RE2JS.compile(schema.pattern)
    found = words.filter(
      (word) =>
        word.length >= (schema.minLength ?? 0) &&
        word.length <= (schema.maxLength ?? Infinity) &&
        (pattern === undefined || pattern.matcher(word).find()),
    )
    fitting.set(key, found)
  }
  return found
}

/** A value for a schema: mostly one that fits its structure. `depth` makes what is deep rarer. */
export function valueFor(schema: CrdSchema, draw: Draw, depth = 0): unknown {
  if (draw.chance(0.004)) return draw.oneOf(['text', 7, true, [], {}, ['a'], { a: 1 }])
  if (schema.enum !== undefined && draw.chance(0.97)) return draw.oneOf(schema.enum)
  switch (schema.type) {
    case 'string':
      return textFor(schema, draw)
    case 'integer': {
      const { minimum = 0, maximum = 1000 } = schema
      const edges = draw.chance(0.02) ? [minimum - 1, maximum + 1] : [minimum, maximum, 80, 100, 443, 500]
      return draw.oneOf(
        edges.filter((edge) => draw.chance(0.02) || (edge >= minimum - 1 && edge <= maximum + 1)).concat(minimum),
      )
    }
    case 'boolean':
      return draw.chance(0.5)
    case 'array':
      return listFor(schema, draw, depth)
    default:
      return objectFor(schema, draw, depth)
  }
}

function textFor(schema: CrdSchema, draw: Draw): string {
  const good = wordsFor(schema)
  if (good.length === 0 || draw.chance(0.02)) return draw.oneOf(words)
  // The first few come often, so that items repeat each other.
  return draw.oneOf(draw.chance(0.5) ? good.slice(0, 3) : good)
}

function listFor(schema: CrdSchema, draw: Draw, depth: number): unknown[] {
  const least = schema.minItems ?? 0
  let count = Math.max(least, draw.below(3))
  if (draw.chance(0.01)) count = (schema.maxItems ?? 16) + draw.below(2)
  if (draw.chance(0.01)) count = Math.max(0, least - 1)
  if (count > 70) count = 3
  const items = Array.from({ length: count }, () => valueFor(schema.items ?? {}, draw, count > 4 ? 9 : depth + 1))
  if (items.length > 0 && draw.chance(0.1)) items.push(nearly(draw.oneOf(items), draw))
  return items
}

/** A copy, or one with a field less. */
function nearly(value: unknown, draw: Draw): unknown {
  const copy: unknown = structuredClone(value)
  if (typeof copy !== 'object' || copy === null || Array.isArray(copy) || draw.chance(0.5)) return copy
  const without = draw.oneOf(Object.keys(copy))
  return Object.fromEntries(Object.entries(copy).filter(([name]) => name !== without))
}

function objectFor(schema: CrdSchema, draw: Draw, depth: number): Record<string, unknown> {
  const value: Record<string, unknown> = {}
  const optional = [0.7, 0.6, 0.5, 0.5, 0.4, 0.3][depth] ?? 0.2
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const required = schema.required?.includes(name) === true
    if (draw.chance(required ? 0.995 : optional)) value[name] = valueFor(field, draw, depth + 1)
  }
  // A field named after a type is there when the type says so: else hardly any filter would be right.
  const type = value['type']
  if (typeof type === 'string' && draw.chance(0.9)) keepFieldOf(type, schema, value, draw, depth)
  if (schema.additionalProperties !== undefined) {
    for (let count = draw.below(3); count > 0; count--) {
      value[
        draw.oneOf(['a', 'b', 'example.com/a', 'a_b', '-a', `${'a'.repeat(253)}/b`].slice(0, draw.chance(0.9) ? 4 : 6))
      ] = valueFor(schema.additionalProperties, draw, depth + 1)
    }
  }
  if (draw.chance(0.002)) value['unknownField'] = 'a'
  return value
}

function keepFieldOf(type: string, schema: CrdSchema, value: Record<string, unknown>, draw: Draw, depth: number): void {
  const names = Object.keys(schema.properties ?? {})
  const own = names.find((name) => name.toLowerCase() === type.toLowerCase())
  if (own === undefined) return
  for (const name of names) if (name !== 'type') delete value[name]
  value[own] = valueFor(schema.properties?.[own] ?? {}, draw, depth + 1)
}

/** Where a schema has rules: the steps from the root, `[]` for an item. */
export function placesWithRules(schema: CrdSchema, steps: readonly string[] = []): (readonly string[])[] {
  const own = schema['x-kubernetes-validations'] === undefined ? [] : [steps]
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
    placesWithRules(field, [...steps, name]),
  )
  return [...own, ...below, ...(schema.items === undefined ? [] : placesWithRules(schema.items, [...steps, '[]']))]
}

/** A document with little but what one place needs, and a rich value there. */
export function documentAround(schema: CrdSchema, [step, ...rest]: readonly string[], draw: Draw): unknown {
  if (step === undefined) return valueFor(schema, draw)
  if (step === '[]') return [documentAround(schema.items ?? {}, rest, draw)]
  const names = new Set([...(schema.required ?? []), step])
  const fields = [...names].map((name) => {
    const field = schema.properties?.[name] ?? {}
    return [name, name === step ? documentAround(field, rest, draw) : valueFor(field, draw, 9)]
  })
  const value = Object.fromEntries(fields) as Record<string, unknown>
  const types = schema.properties?.['type']?.enum ?? []
  const type = types.find((each) => String(each).toLowerCase() === step.toLowerCase())
  return type === undefined ? value : { ...value, type }
}

/** A copy of a value with one place changed: made anew, taken away, added, or an item repeated. */
export function changed(schema: CrdSchema, value: unknown, draw: Draw): unknown {
  if (Array.isArray(value)) {
    if (value.length > 0 && draw.chance(0.8)) {
      const at = draw.below(value.length)
      return value.with(at, changed(schema.items ?? {}, value[at], draw))
    }
    const fresh: unknown = value.length > 0 && draw.chance(0.3) ? value[0] : valueFor(schema.items ?? {}, draw, 2)
    return draw.chance(0.2) ? value.slice(1) : [...(value as unknown[]), fresh]
  }
  const fields = Object.keys(schema.properties ?? {})
  if (typeof value === 'object' && value !== null && fields.length > 0 && draw.chance(0.95)) {
    const written = fields.filter((name) => Object.hasOwn(value, name))
    const name = written.length > 0 && draw.chance(0.8) ? draw.oneOf(written) : draw.oneOf(fields)
    const member = (value as Readonly<Record<string, unknown>>)[name]
    if (member !== undefined && draw.chance(0.08)) {
      return Object.fromEntries(Object.entries(value).filter(([each]) => each !== name))
    }
    const field = schema.properties?.[name] ?? {}
    return { ...value, [name]: member === undefined ? valueFor(field, draw, 3) : changed(field, member, draw) }
  }
  return valueFor(schema, draw, 3)
}
