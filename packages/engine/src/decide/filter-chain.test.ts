// Envoy's filter-chain-match order: one attribute after another, the most specific stays, no way back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeCidr } from '../match/cidr.ts'
import type { FilterChain, FilterChainMatch, Listener } from '../model.ts'
import type { Cidr } from '../predicate.ts'
import type { ProofStep } from '../prove/proof.ts'
import { recordTo } from '../prove/record-to.ts'
import type { ConnectionFacts } from '../request-head.ts'
import { matchFilterChain } from './filter-chain.ts'

const anything: FilterChainMatch = {
  destinationPort: undefined,
  prefixRanges: [],
  directSourcePrefixRanges: [],
  sourceType: 'any',
  sourcePrefixRanges: [],
  sourcePorts: [],
  serverNames: [],
  transportProtocol: '',
  applicationProtocols: [],
}
const connection: ConnectionFacts = {
  localAddress: '10.0.0.1',
  localPort: 443,
  remoteAddress: '192.168.1.2',
  remotePort: 5000,
  sni: 'www.example.com',
  transportProtocol: 'tls',
  applicationProtocols: ['h2', 'http/1.1'],
  tls: false,
  peerNames: [],
}

function cidr(text: string): Cidr {
  const [address, length] = text.split('/')
  const made = makeCidr(address as string, Number(length))
  assert.ok(made)
  return made
}

function listenerOf(chains: Readonly<Record<string, Partial<FilterChainMatch>>>, fallback = false): Listener {
  const chain = (name: string, match: Partial<FilterChainMatch>, index: number) =>
    ({ name, index, origins: {}, match: { ...anything, ...match }, tls: undefined }) as unknown as FilterChain
  return {
    name: 'l',
    origins: {},
    filterChains: Object.entries(chains).map(([name, match], index) => chain(name, match, index)),
    defaultFilterChain: fallback ? chain('default', {}, -1) : undefined,
  } as unknown as Listener
}

const cases: readonly (readonly [
  string,
  Parameters<typeof listenerOf>[0],
  Partial<ConnectionFacts>,
  string | undefined,
])[] = [
  ['nothing asked matches everything', { a: {} }, {}, 'a'],
  [
    'the destination port comes first',
    { a: { serverNames: ['www.example.com'] }, b: { destinationPort: 443 } },
    {},
    'b',
  ],
  ['no way back after the port', { a: {}, b: { destinationPort: 443, serverNames: ['other'] } }, {}, undefined],
  [
    'the longest prefix wins',
    { a: { prefixRanges: [cidr('10.0.0.0/8')] }, b: { prefixRanges: [cidr('10.0.0.0/16')] } },
    {},
    'b',
  ],
  ['/0 is more specific than no range', { a: {}, b: { prefixRanges: [cidr('0.0.0.0/0')] } }, {}, 'b'],
  [
    'an exact name beats a wildcard',
    { a: { serverNames: ['*.example.com'] }, b: { serverNames: ['www.example.com'] } },
    {},
    'b',
  ],
  ['the longest wildcard wins', { a: { serverNames: ['*.com'] }, b: { serverNames: ['*.example.com'] } }, {}, 'b'],
  ['a wildcard does not match its own suffix', { a: { serverNames: ['*.www.example.com'] } }, {}, undefined],
  ['no server name is needed where none is asked', { a: { serverNames: ['x'] }, b: {} }, { sni: undefined }, 'b'],
  [
    'the transport protocol splits tls from plaintext',
    { a: { transportProtocol: 'tls' }, b: { transportProtocol: 'raw_buffer' } },
    { transportProtocol: 'raw_buffer' },
    'b',
  ],
  [
    "the client's first protocol decides",
    { a: { applicationProtocols: ['http/1.1'] }, b: { applicationProtocols: ['h2'] } },
    {},
    'b',
  ],
  ['a protocol asked for beats none', { a: {}, b: { applicationProtocols: ['http/1.1'] } }, {}, 'b'],
  [
    'a loopback source is local',
    { a: { sourceType: 'external' }, b: { sourceType: 'same-ip-or-loopback' } },
    { remoteAddress: '127.0.0.1' },
    'b',
  ],
  [
    'the own address is local',
    { a: { sourceType: 'external' }, b: { sourceType: 'same-ip-or-loopback' } },
    { remoteAddress: '10.0.0.1' },
    'b',
  ],
  ['another address is external', { a: { sourceType: 'external' }, b: { sourceType: 'same-ip-or-loopback' } }, {}, 'a'],
  ['a source range narrows', { a: {}, b: { sourcePrefixRanges: [cidr('192.168.0.0/16')] } }, {}, 'b'],
  ['a source range that does not fit', { a: {}, b: { sourcePrefixRanges: [cidr('172.16.0.0/12')] } }, {}, 'a'],
  ['the source port comes last', { a: {}, b: { sourcePorts: [5000] } }, {}, 'b'],
  [
    'an address that is none matches no range',
    { a: { prefixRanges: [cidr('0.0.0.0/0')] }, b: {} },
    { localAddress: 'catalog' },
    'b',
  ],
]

for (const [name, chains, facts, expected] of cases) {
  test(name, () => {
    assert.equal(matchFilterChain(listenerOf(chains), { ...connection, ...facts })?.name, expected)
  })
}

test('the default chain takes what no other does', () => {
  assert.equal(matchFilterChain(listenerOf({ a: { destinationPort: 1 } }, true), connection)?.name, 'default')
})

test('the proof names what each other chain asked for', () => {
  const steps: ProofStep[] = []
  const listener = listenerOf({ tls: { transportProtocol: 'tls' }, plain: { transportProtocol: 'raw_buffer' } })
  matchFilterChain(
    listener,
    connection,
    recordTo((step) => steps.push(step)),
  )
  assert.equal(steps[0]?.chosen, 'tls')
  assert.deepEqual(steps[0]?.losers, [
    {
      name: 'plain',
      origins: {},
      failed: [{ condition: 'transport protocol raw_buffer', seen: 'tls' }],
      counterfactual: [{ attribute: 'connection.transport_protocol', value: 'raw_buffer' }],
      unreachable: undefined,
    },
  ])
})
