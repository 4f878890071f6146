// Our schemas against the published CRDs: for generated documents both give the same verdict and the same defaults.
// WEFT_TEST_DATA names the directory of the CRDs; without it the tests are skipped.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { parseFile } from '@weft/resources'
import { parseAllDocuments } from 'yaml'
import { changed, documentAround, type Draw, draws, placesWithRules, valueFor } from './crd-documents.ts'
import { crdDefaults, crdFaults, type CrdSchema } from './crd-judge.ts'

const data = join(process.env['WEFT_TEST_DATA'] ?? resolve(import.meta.dirname, '../../../shared/data'), 'gateway-api')
const skip = existsSync(data) ? false : `no test data in ${data}`

interface Crd {
  readonly kind: string
  readonly spec: {
    readonly group: string
    readonly names: { readonly kind: string }
    readonly versions: readonly {
      readonly name: string
      readonly schema: { readonly openAPIV3Schema: CrdSchema }
    }[]
  }
}

interface Version {
  readonly apiVersion: string
  readonly kind: string
  readonly spec: CrdSchema
}

function documentsOf<T>(path: string): T[] {
  const documents = parseAllDocuments(readFileSync(join(data, path), 'utf8'))
  const values = Array.isArray(documents) ? documents.map((each) => each.toJS() as T | null) : []
  return values.filter((value) => value !== null)
}

function readVersions(channel: 'experimental'): Version[] {
  return globSync(`config/crd/${channel}/*.yaml`, { cwd: data })
    .sort()
    .flatMap((path) => documentsOf<Crd>(path))
    .filter(({ kind }) => kind === 'CustomResourceDefinition')
    .flatMap(({ spec: { group, names, versions } }) =>
      versions.map(({ name, schema }) => ({
        apiVersion: `${group}/${name}`,
        kind: names.kind,
        spec: schema.openAPIV3Schema.properties?.['spec'] ?? {},
      })),
    )
}

interface Verdict {
  readonly faults: readonly string[]
  readonly spec: unknown
}

function ours({ apiVersion, kind }: Version, spec: unknown): Verdict {
  const text = JSON.stringify({ apiVersion, kind, metadata: { name: 'x' }, spec })
  // A CRD knows nothing of what Weft's own proxy refuses.
  const { problems, objects } = parseFile({ name: 'x', text }, 1, undefined, 'envoy')
  const errors = problems.filter(({ severity }) => severity === 'error')
  return { faults: errors.map(({ field, message }) => `${field}: ${message}`), spec: objects[0]?.object?.spec }
}

interface Tally {
  readonly valid: number
  readonly rules: ReadonlySet<string>
  readonly differences: readonly unknown[]
}

/** Judges documents of a version by both; `next` makes them. */
function compare(version: Version, count: number, next: (draw: Draw, seed: number) => unknown): Tally {
  const differences: unknown[] = []
  const rules = new Set<string>()
  let valid = 0
  for (let seed = 1; seed <= count; seed++) {
    const spec = next(draws(seed * 7919), seed)
    const full = crdDefaults(version.spec, spec)
    const faults = crdFaults(version.spec, full)
    for (const { by } of faults) rules.add(by)
    const mine = ours(version, spec)
    if (faults.length === 0) valid++
    const agree = (faults.length === 0) === (mine.faults.length === 0)
    const same = faults.length > 0 || !agree || JSON.stringify(sorted(full)) === JSON.stringify(sorted(mine.spec))
    if (!agree || !same)
      differences.push({ kind: version.kind, seed, spec, crd: faults, ours: mine.faults, full, mine: mine.spec })
  }
  return { valid, rules, differences }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)]),
  )
}

function allRules(schema: CrdSchema): string[] {
  const own = (schema['x-kubernetes-validations'] ?? []).map(({ rule }) => rule)
  const below = [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties]
  return [...own, ...below.flatMap((each) => (each === undefined ? [] : allRules(each)))].filter(
    (rule) => !rule.includes('oldSelf'),
  )
}

const examples =
  skip === false
    ? globSync('examples/**/*.yaml', { cwd: data })
        .sort()
        .flatMap((path) =>
          documentsOf<{ readonly apiVersion: string; readonly kind: string; readonly spec: unknown }>(path),
        )
    : []

/** Rules that no document breaks alone, since the structure says the same. */
const saidTwice = [
  'self.all(l1, self.exists_one(l2, l1.name == l2.name))',
  'self.all(t1, self.exists_one(t2, t1.port == t2.port))',
  "self.type in ['Exact','PathPrefix'] || self.type == 'RegularExpression'",
  "self.all(h, !h.contains('*') ?",
  "self.all(h, h.contains('*') ?",
]

function rulesWithManyMatches(rules: number): unknown {
  return { rules: Array.from({ length: rules }, () => ({ matches: Array.from({ length: 9 }, () => ({})) })) }
}

const prefix = { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' }
const redirect = { type: 'RequestRedirect', requestRedirect: { path: prefix } }
const rewrite = { type: 'URLRewrite', urlRewrite: { path: prefix } }
const exact = [{ path: { type: 'Exact', value: '/a' } }]
const to = (...filters: unknown[]): unknown => ({ name: 'a', port: 80, filters })
const atPath = (value: string): unknown => ({ rules: [{ matches: [{ path: { value } }] }] })
const parents = [
  { parentRefs: [{ name: 'a', sectionName: 'b' }, { name: 'a' }] },
  { parentRefs: [{ name: 'a', port: 80 }, { name: 'a' }] },
  {
    parentRefs: [
      { name: 'a', port: 80 },
      { name: 'a', port: 443 },
    ],
  },
  {
    parentRefs: [
      { name: 'a', port: 80 },
      { name: 'a', port: 80, sectionName: 'b' },
    ],
  },
]
const listener = { name: 'a', port: 80, protocol: 'HTTP' }
const listeners = [
  { listeners: [listener, { ...listener, name: 'b' }] },
  { listeners: [listener, { ...listener, name: 'b', hostname: 'a' }] },
  { listeners: [{ ...listener, protocol: 'HTTPS', tls: { mode: 'Passthrough' } }] },
  { listeners: [{ ...listener, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'a' }] } }] },
  { listeners: [{ ...listener, protocol: 'TLS' }] },
]
const addresses = ['IPAddress', 'Hostname', 'NamedAddress'].map((type) => ({
  gatewayClassName: 'a',
  listeners: [listener],
  addresses: [
    { type, value: '1.2.3.4' },
    { type, value: '1.2.3.4' },
  ],
}))
const target = { group: '', kind: 'Service', name: 'a' }

/** Documents that chance finds seldom. */
const rare: Readonly<Record<string, readonly unknown[]>> = {
  Gateway: [...listeners.map((spec) => ({ gatewayClassName: 'a', ...spec })), ...addresses],
  ListenerSet: listeners.map((spec) => ({ parentRef: { name: 'a' }, ...spec })),
  BackendTLSPolicy: [
    {
      targetRefs: [{ ...target, sectionName: 'a' }, target],
      validation: { hostname: 'a', wellKnownCACertificates: 'System' },
    },
  ],
  GRPCRoute: [rulesWithManyMatches(15), rulesWithManyMatches(14), ...parents],
  HTTPRoute: [
    ...[rulesWithManyMatches(15), rulesWithManyMatches(14), ...parents],
    ...['/a/./b', '/a/../b', '/a%2Fb', '/a%2fb', '/a#b', '/a/..', '/a/.', '/a%20b', '/a//b', 'a'].map(atPath),
    ...[redirect, rewrite].flatMap((filter) => [
      { rules: [{ matches: exact, filters: [filter] }] },
      { rules: [{ filters: [filter] }] },
      { rules: [{ matches: exact, backendRefs: [to(filter)] }] },
      { rules: [{ matches: exact, backendRefs: [to(filter), to(filter)] }] },
      { rules: [{ matches: [{}, {}], backendRefs: [to(filter)] }] },
    ]),
    ...[{ type: 'CORS' }, { type: 'RequestMirror' }].flatMap((filter) => [
      {
        rules: [
          {
            filters: [
              { type: 'CORS', cors: {} },
              { type: 'CORS', cors: {} },
            ],
          },
        ],
      },
      { rules: [{ backendRefs: [to({ type: 'CORS', cors: {} }, { type: 'CORS', cors: {} })] }] },
      { rules: [{ filters: [filter] }] },
      { rules: [{ backendRefs: [to(filter)] }] },
    ]),
  ],
}

/** Counts of generated documents; WEFT_CRD_ROUNDS multiplies them. */
const rounds = Number(process.env['WEFT_CRD_ROUNDS'] ?? 1)

const judged = new Set<string>()

test('every served and stored version of every kind is compared', { skip }, () => {
  assert.equal(readVersions('experimental').length, 22)
})

for (const version of skip === false ? readVersions('experimental') : []) {
  const name = `${version.apiVersion} ${version.kind}`
  test(`generated documents of ${name} get the same verdict and defaults from us and from the CRD`, () => {
    // A version with the schema of another needs no second look beyond its name.
    const text = version.kind + JSON.stringify(version.spec)
    const times = judged.has(text) ? 0.1 : rounds
    judged.add(text)
    const isGood = (spec: unknown): boolean => crdFaults(version.spec, crdDefaults(version.spec, spec)).length === 0
    const good: unknown[] = examples
      .filter(({ kind, spec }) => kind === version.kind && isGood(spec))
      .map(({ spec }) => spec)
    const whole = compare(version, 200 * times, (draw) => {
      const spec = valueFor(version.spec, draw)
      if (isGood(spec)) good.push(spec)
      return spec
    })
    const changes = compare(version, 400 * times, (draw) => {
      let spec = good.length > 0 ? draw.oneOf(good) : valueFor(version.spec, draw)
      for (let steps = 1 + draw.below(3); steps > 0; steps--) spec = changed(version.spec, spec, draw)
      if (good.length < 200 && isGood(spec)) good.push(spec)
      return spec
    })
    const places = placesWithRules(version.spec)
    const around = compare(version, 60 * times * places.length, (draw) =>
      documentAround(version.spec, draw.oneOf(places), draw),
    )
    const chosen = rare[version.kind] ?? []
    const last = compare(version, chosen.length, (_draw, seed) => chosen[seed - 1])
    const tallies = [whole, changes, around, last]
    assert.deepEqual(tallies.flatMap(({ differences }) => differences).slice(0, 1), [])
    assert.ok(changes.valid >= 100 * times, `only ${changes.valid} valid documents`)
    if (times < 1) return
    const broken = new Set(tallies.flatMap(({ rules }) => [...rules]))
    const kept = allRules(version.spec).filter(
      (rule) => !broken.has(rule) && !saidTwice.some((said) => rule.startsWith(said)),
    )
    assert.deepEqual(kept, [], 'rules of the CRD that no document broke')
  })
}
