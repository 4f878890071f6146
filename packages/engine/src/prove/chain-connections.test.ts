// Filter chains: the change that is named leads to the chain, and no connection leads to one that is called unreachable.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { chooseChain } from '../decide/chain-steps.ts'
import { makeCidr } from '../match/cidr.ts'
import type { FilterChain, FilterChainMatch, Listener } from '../model.ts'
import type { Cidr } from '../predicate.ts'
import type { ConnectionFacts } from '../request-head.ts'
import { connectionTo } from './chain-connections.ts'
import { chainLosers } from './chain-losers.ts'
import type { RequestChange } from './proof.ts'

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
const plain: ConnectionFacts = {
  localAddress: '10.0.0.1',
  localPort: 80,
  remoteAddress: '10.1.0.1',
  remotePort: 5000,
  sni: undefined,
  transportProtocol: 'raw_buffer',
  applicationProtocols: [],
  tls: false,
  peerNames: [],
}

function listenerOf(matches: readonly Partial<FilterChainMatch>[]): Listener {
  const filterChains = matches.map(
    (match, index) =>
      ({ name: `c${index}`, index, origins: {}, match: { ...anything, ...match } }) as unknown as FilterChain,
  )
  return { name: 'l', origins: {}, filterChains, sniff: {} } as unknown as Listener
}

const cidr = (text: string): Cidr => {
  const [address = '', length] = text.split('/')
  return makeCidr(address, Number(length)) as Cidr
}
const [wide, narrow] = [cidr('10.0.0.0/8'), cidr('10.1.0.0/16')]

const matches: fc.Arbitrary<Partial<FilterChainMatch>> = fc.record(
  {
    destinationPort: fc.constantFrom(80, 443),
    prefixRanges: fc.constantFrom([wide], [narrow]),
    serverNames: fc.constantFrom(['a.test'], ['*.test'], ['a.test', 'b.test'], ['*.a.test']),
    transportProtocol: fc.constantFrom('tls', 'raw_buffer'),
    applicationProtocols: fc.constantFrom(['h2'], ['http/1.1'], ['h2', 'istio']),
    sourceType: fc.constantFrom('same-ip-or-loopback' as const, 'external' as const),
    sourcePrefixRanges: fc.constantFrom([wide], [narrow]),
    directSourcePrefixRanges: fc.constantFrom([wide], [narrow]),
    sourcePorts: fc.constantFrom([5000], [5000, 6000]),
  },
  { requiredKeys: [] },
)

function everyConnection(): readonly ConnectionFacts[] {
  const security = [
    { transportProtocol: 'raw_buffer' as const, sni: undefined },
    ...[undefined, 'a.test', 'b.test', 'x.a.test'].map((sni) => ({ transportProtocol: 'tls' as const, sni })),
  ]
  const protocols = [[], ['h2'], ['http/1.1'], ['istio', 'http/1.1'], ['http/1.1', 'h2']]
  return [80, 443, 1].flatMap((localPort) =>
    ['10.0.0.1', '10.1.0.1', '11.0.0.1'].flatMap((localAddress) =>
      security.flatMap((one) =>
        protocols
          .filter((list) => one.transportProtocol === 'tls' || list.every((name) => name === 'http/1.1'))
          .flatMap((applicationProtocols) =>
            ['127.0.0.1', '10.0.0.1', '10.1.0.1', '11.0.0.1'].flatMap((remoteAddress) =>
              [5000, 6000, 1].map((remotePort) => ({
                ...plain,
                ...one,
                localPort,
                localAddress,
                applicationProtocols,
                remoteAddress,
                remotePort,
              })),
            ),
          ),
      ),
    ),
  )
}

/** The connection as the changes say. */
function changed(connection: ConnectionFacts, changes: readonly RequestChange[]): ConnectionFacts {
  return changes.reduce((now: ConnectionFacts, { attribute, value }): ConnectionFacts => {
    switch (attribute) {
      case 'destination.port':
        return { ...now, localPort: Number(value) }
      case 'destination.address':
        return { ...now, localAddress: value ?? '' }
      case 'connection.requested_server_name':
        return { ...now, sni: value }
      case 'connection.transport_protocol':
        return {
          ...now,
          transportProtocol: value === 'tls' ? 'tls' : 'raw_buffer',
          sni: undefined,
          applicationProtocols: [],
        }
      case 'connection.application_protocol':
        return { ...now, applicationProtocols: value === undefined ? [] : [value] }
      case 'source.address':
        return { ...now, remoteAddress: value ?? '' }
      case 'source.port':
        return { ...now, remotePort: Number(value) }
      default:
        throw new Error(attribute)
    }
  }, connection)
}

test('a chain is reached by the change that is named, or by no connection at all', () => {
  const connections = everyConnection()
  let [won, unreachable] = [0, 0]
  fc.assert(
    fc.property(fc.array(matches, { minLength: 2, maxLength: 6 }), fc.nat(connections.length - 1), (list, n) => {
      const listener = listenerOf(list)
      const connection = connections[n] as ConnectionFacts
      for (const chain of listener.filterChains) {
        const found = connectionTo(listener, connection, chain)
        assert.notEqual(found.kind, 'unknown')
        if (found.kind === 'changes') {
          won++
          assert.equal(chooseChain(listener, changed(connection, found.changes)), chain, JSON.stringify(found.changes))
        } else {
          unreachable++
          const reached = connections.find((one) => chooseChain(listener, one) === chain)
          assert.equal(reached, undefined, `${chain.name} is reached by ${JSON.stringify(reached)}`)
        }
      }
    }),
    { numRuns: 150 },
  )
  assert.ok(won > 100 && unreachable > 10, `${won} won, ${unreachable} unreachable`)
})

test('a chain that cannot be reached names those that take its connections', () => {
  const listener = listenerOf([
    { serverNames: ['a.test'] },
    { destinationPort: 80 },
    { serverNames: ['a.test'], transportProtocol: 'raw_buffer' },
    { prefixRanges: [narrow], serverNames: ['a.test'] },
    { prefixRanges: [cidr('10.1.0.0/17')] },
    { prefixRanges: [cidr('10.1.128.0/17')] },
  ])
  const losers = chainLosers(listener, plain, listener.filterChains[1])
  assert.deepEqual(
    losers.map(({ name, unreachable }) => `${name} ${unreachable ?? 'reached'}`),
    ['c0 reached', 'c2 no connection fits it', 'c3 shadowed by c1, c4, c5 together', 'c4 reached', 'c5 reached'],
  )
})

test('what a listener binds is where its clients dial: no change of the destination is told, unless it can be told another', () => {
  const range = makeCidr('10.9.0.0', 16)
  assert.ok(range)
  const open = listenerOf([{ prefixRanges: [range] }, {}])
  const sniff = { tls: false, http: false, originalDst: false, timeoutMs: 0, continueOnTimeout: false }
  const bound = (more: Partial<Listener>): Listener => ({
    ...open,
    address: { kind: 'socket', host: '10.0.0.1', port: 80 },
    additionalAddresses: [],
    bindToPort: true,
    sniff,
    ...more,
  })
  const kindOf = (listener: Listener): string => {
    const [chain] = listener.filterChains
    assert.ok(chain)
    return connectionTo(listener, plain, chain).kind
  }
  assert.equal(kindOf(bound({})), 'none')
  assert.equal(kindOf(bound({ bindToPort: false })), 'changes')
  assert.equal(kindOf(bound({ address: { kind: 'socket', host: '0.0.0.0', port: 80 } })), 'changes')
  assert.equal(kindOf(bound({ sniff: { ...sniff, originalDst: true } })), 'changes')
  assert.equal(kindOf(bound({ additionalAddresses: [{ kind: 'socket', host: '10.9.0.0', port: 80 }] })), 'changes')
})
