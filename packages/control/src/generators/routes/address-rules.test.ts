import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  type AddressChain,
  addressChains,
  type AddressConditions,
  addressesOfMatch,
  covers,
  spread,
} from './address-rules.ts'

const ranges = ['10.0.0.0/8', '10.1.0.0/16', '10.1.2.0/24', '10.2.0.0/16', '192.0.2.0/24', '2001:db8:0:0:0:0:0:0/32']
const addresses = [
  '10.1.2.3',
  '10.1.9.9',
  '10.2.0.1',
  '10.9.9.9',
  '192.0.2.7',
  '198.51.100.1',
  '2001:db8::1',
  '2001:db9::1',
]

interface Rule extends AddressConditions {
  readonly name: number
}

function holds(conditions: readonly string[] | undefined, address: string): boolean {
  return conditions === undefined || conditions.some((range) => covers(range, address))
}

/** What a proxy does: the narrowest destination range, then the narrowest source range, and nothing else is looked at. */
function taken(chains: readonly AddressChain<Rule>[], destination: string, source: string): number | undefined {
  const entries = chains.flatMap(({ rule, destinations = ['*'], sources = ['*'] }) =>
    destinations.flatMap((to) => sources.map((from) => ({ rule, to, from }))),
  )
  const length = (range: string): number => (range === '*' ? -1 : Number(range.split('/')[1]))
  const narrowest = (all: typeof entries, of: 'to' | 'from', address: string): typeof entries => {
    const fit = all.filter((entry) => entry[of] === '*' || covers(entry[of], address))
    const longest = Math.max(...fit.map((entry) => length(entry[of])))
    return fit.filter((entry) => length(entry[of]) === longest)
  }
  return narrowest(narrowest(entries, 'to', destination), 'from', source)[0]?.rule.name
}

describe('rules by address', () => {
  test('a proxy that takes the narrowest ranges comes to the first rule that covers both addresses', () => {
    const conditions = fc.option(fc.uniqueArray(fc.constantFrom(...ranges), { minLength: 1, maxLength: 3 }), {
      nil: undefined,
    })
    const rules = fc
      .array(fc.record({ destinations: conditions, sources: conditions }), { minLength: 1, maxLength: 5 })
      .map((all) => all.map((each, name): Rule => ({ ...each, name })))
    fc.assert(
      fc.property(rules, fc.constantFrom(...addresses), fc.constantFrom(...addresses), (all, to, from) => {
        const first = all.find((rule) => holds(rule.destinations, to) && holds(rule.sources, from))
        assert.equal(taken(addressChains(all), to, from), first?.name)
      }),
      { numRuns: 500 },
    )
  })

  test('no two chains ask for the same addresses, which a proxy refuses, however they are written', () => {
    const written = [['10.1.0.0/16'], ['10.1.7.7/16', '2001:DB8::/32'], ['2001:db8:0::5/32', '10.1.2.3']]
    const chains = addressChains(written.map((destinationSubnets) => addressesOfMatch({ destinationSubnets })))
    const all = chains.flatMap(({ destinations = [] }) => destinations)
    assert.deepEqual(all.toSorted(), ['10.1.0.0/16', '10.1.2.3/32', '2001:db8:0:0:0:0:0:0/32'])
  })

  test('chains for all addresses are still there within a range that another one asks for', () => {
    const within = { addressPrefix: '10.0.0.0', prefixLen: 8 }
    const chains = spread(
      [
        { name: 'a-inside', filterChainMatch: { serverNames: ['a'], prefixRanges: [within] } },
        { name: 'both', filterChainMatch: { serverNames: ['a', 'b'] } },
        { name: 'rest' },
      ],
      ['10.0.0.0/8'],
    )
    const inside = chains.filter(({ filterChainMatch: match }) => (match?.prefixRanges?.length ?? 0) > 0)
    assert.deepEqual(
      inside.map(({ name, filterChainMatch: match }) => [name, match?.serverNames]),
      [
        ['a-inside', ['a']],
        ['both-within-10.0.0.0/8', ['b']],
        ['rest-within-10.0.0.0/8', undefined],
      ],
    )
  })
})
