import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newDeltaDiscoveryRequest, newDiscoveryRequest, newRpcStatus } from '@weft/xds/lean'
import { layeredTable } from '../layered-table.ts'
import { ResourceSet } from '../resource-set.ts'
import { type EncodedResource, resourceTable, type ResourceTable } from '../resource-table.ts'
import { typeUrl } from '../type-urls.ts'
import { onDeltaRequest, onSotwRequest, onTable } from './server-stream.ts'
import { newServerState, type ServerEffect, type ServerState } from './stream-state.ts'

const { cluster: CDS, clusterLoadAssignment: EDS, listener: LDS, routeConfiguration: RDS } = typeUrl
const short = new Map<string, string>([
  [CDS, 'CDS'],
  [EDS, 'EDS'],
  [LDS, 'LDS'],
  [RDS, 'RDS'],
])

function table(types: Record<string, Record<string, string>>): ResourceTable {
  const maps = Object.entries(types).map(([type, list]): [string, Map<string, EncodedResource>] => [
    type,
    new Map(Object.entries(list).map(([name, version]) => [name, { name, version, body: new Uint8Array() }])),
  ])
  return resourceTable(new Map(maps), (text) => text)
}

/** Sent messages as `TYPE +name@version -name`, for comparing. */
function sent(effects: readonly ServerEffect[]): string[] {
  return effects.flatMap((effect) => {
    if (effect.kind !== 'send') return []
    const parts = [...effect.resources.map((r) => `+${r.name}@${r.version}`), ...effect.removed.map((n) => `-${n}`)]
    return [[short.get(effect.typeUrl), ...parts.sort()].join(' ')]
  })
}

function delta(state: ServerState, type: string, init: Parameters<typeof newDeltaDiscoveryRequest>[0] = {}): string[] {
  return sent(onDeltaRequest(state, newDeltaDiscoveryRequest({ typeUrl: type, ...init })))
}

function nonceOf(state: ServerState, type: string): string {
  return state.types.get(type)?.lastNonce ?? ''
}

function ack(state: ServerState, type: string): string[] {
  return delta(state, type, { responseNonce: nonceOf(state, type) })
}

function nack(state: ServerState, type: string, message: string): string[] {
  const errorDetail = newRpcStatus({ code: 3, message })
  return delta(state, type, { responseNonce: nonceOf(state, type), errorDetail })
}

test('a first wildcard request is answered even when there is nothing', () => {
  const state = newServerState('delta')
  assert.deepEqual(delta(state, CDS), [])
  assert.deepEqual(sent(onTable(state, table({}))), ['CDS'])
})

test('endpoints that a client has already are sent again for a new cluster that shares them', () => {
  const state = newServerState('delta')
  const clusters = new Map<string, EncodedResource>([['a', { name: 'a', version: '1', body: new Uint8Array() }]])
  const endpoints = new Map<string, EncodedResource>([['a', { name: 'a', version: '1', body: new Uint8Array() }]])
  const tableOf = (all: ReadonlyMap<string, EncodedResource>): ResourceTable =>
    resourceTable(
      new Map([
        [CDS, all],
        [EDS, endpoints],
      ]),
      (text) => text,
    )
  onTable(state, tableOf(clusters))
  assert.deepEqual(delta(state, CDS), ['CDS +a@1'])
  assert.deepEqual(delta(state, EDS, { resourceNamesSubscribe: ['a'] }), ['EDS +a@1'])
  ack(state, EDS)
  ack(state, CDS)
  const shared = { name: 'b', version: '1', body: new Uint8Array(), endpoints: 'a' }
  assert.deepEqual(sent(onTable(state, tableOf(new Map([...clusters, ['b', shared]])))), ['CDS +b@1', 'EDS +a@1'])
})

test('only one response of a type is in flight, and what changed meanwhile is sent once, in its newest version', () => {
  const state = newServerState('delta')
  onTable(state, table({ [CDS]: { a: '1' } }))
  assert.deepEqual(delta(state, CDS), ['CDS +a@1'])
  assert.deepEqual(sent(onTable(state, table({ [CDS]: { a: '2' } }))), [])
  assert.deepEqual(sent(onTable(state, table({ [CDS]: { a: '3', b: '1' } }))), [])
  assert.deepEqual(ack(state, CDS), ['CDS +a@3 +b@1'])
  assert.deepEqual(ack(state, CDS), [])
})

test('a stale nonce acknowledges nothing', () => {
  const state = newServerState('delta')
  onTable(state, table({ [CDS]: { a: '1' } }))
  delta(state, CDS)
  onTable(state, table({ [CDS]: { a: '2' } }))
  assert.deepEqual(delta(state, CDS, { responseNonce: 'old' }), [])
  assert.deepEqual(ack(state, CDS), ['CDS +a@2'])
})

test('changes go out as clusters, endpoints, listeners, routes, each after the earlier are acknowledged; removals last', () => {
  const state = newServerState('delta')
  onTable(state, table({ [CDS]: { a: '1' }, [EDS]: { a: '1' }, [LDS]: { l: '1', old: '1' }, [RDS]: { r: '1' } }))
  for (const [type, names] of [
    [CDS, []],
    [EDS, ['a']],
    [LDS, []],
    [RDS, ['r']],
  ] as [string, string[]][]) {
    delta(state, type, { resourceNamesSubscribe: names })
    ack(state, type)
  }
  const next = table({ [CDS]: { b: '1' }, [EDS]: { a: '2' }, [LDS]: { l: '2' }, [RDS]: { r: '2' } })
  assert.deepEqual(sent(onTable(state, next)), ['CDS +b@1', 'EDS +a@2'])
  assert.deepEqual(ack(state, CDS), [])
  assert.deepEqual(ack(state, EDS), ['LDS +l@2'])
  assert.deepEqual(ack(state, LDS), ['RDS +r@2'])
  assert.deepEqual(ack(state, RDS), ['LDS -old'])
  assert.deepEqual(ack(state, LDS), ['CDS -a'])
  assert.deepEqual(ack(state, CDS), [])
  assert.equal(state.types.get(CDS)?.acceptedVersion, next.versionOf(CDS))
})

test('a new subscription is answered at once, even while clusters are unacknowledged', () => {
  const state = newServerState('delta')
  onTable(state, table({ [CDS]: { a: '1' }, [RDS]: { r: '1' } }))
  delta(state, CDS)
  assert.deepEqual(delta(state, RDS, { resourceNamesSubscribe: ['r'] }), ['RDS +r@1'])
})

test('subscribing again sends again, and a name that does not exist is answered as removed', () => {
  const state = newServerState('delta')
  onTable(state, table({ [EDS]: { a: '1' } }))
  delta(state, EDS, { resourceNamesSubscribe: ['a'] })
  ack(state, EDS)
  assert.deepEqual(delta(state, EDS, { resourceNamesSubscribe: ['a'] }), ['EDS +a@1'])
  ack(state, EDS)
  assert.deepEqual(delta(state, EDS, { resourceNamesSubscribe: ['x'] }), ['EDS -x'])
  ack(state, EDS)
  assert.deepEqual(sent(onTable(state, table({ [EDS]: { a: '1', x: '1' } }))), ['EDS +x@1'])
})

test('on a reconnect only what differs from initial_resource_versions is sent', () => {
  const state = newServerState('delta')
  onTable(state, table({ [CDS]: { a: '1', b: '2' } }))
  const initialResourceVersions = new Map([
    ['a', '1'],
    ['b', '1'],
    ['gone', '1'],
  ])
  assert.deepEqual(delta(state, CDS, { initialResourceVersions }), ['CDS +b@2'])
  assert.deepEqual(ack(state, CDS), ['CDS -gone'])
})

test('resources named in a NACK are refused, the others count as taken, and a refused version is not sent again', () => {
  const state = newServerState('delta')
  onTable(state, table({ [LDS]: { good: '1', bad: '1' } }))
  delta(state, LDS)
  assert.deepEqual(nack(state, LDS, 'Error adding/updating listener(s) bad: no such filter\n'), [])
  assert.equal(state.types.get(LDS)?.refused.get('bad')?.[0]?.reason, 'no such filter')
  assert.deepEqual(sent(onTable(state, table({ [LDS]: { good: '2', bad: '1' } }))), ['LDS +good@2'])
  ack(state, LDS)
  assert.deepEqual(sent(onTable(state, table({ [LDS]: { good: '2', bad: '2' } }))), ['LDS +bad@2'])
})

test('a reason of several lines, as Envoy prints messages, is told in one', () => {
  const state = newServerState('delta')
  onTable(state, table({ [CDS]: { bad: '1' } }))
  delta(state, CDS)
  nack(state, CDS, 'Invalid duration: Expected positive duration: goo.gle/debugproto  \nseconds: -5\n')
  const [refusal] = state.types.get(CDS)?.refused.get('bad') ?? []
  assert.equal(refusal?.reason, 'Invalid duration: Expected positive duration: seconds: -5')
})

test('a NACK that names nothing is narrowed down one resource at a time', () => {
  const state = newServerState('delta')
  onTable(state, table({ [RDS]: { a: '1', b: '1', c: '1' } }))
  delta(state, RDS, { resourceNamesSubscribe: ['a', 'b', 'c'] })
  assert.deepEqual(nack(state, RDS, 'cannot decode'), ['RDS +a@1'])
  assert.deepEqual(ack(state, RDS), ['RDS +b@1'])
  assert.deepEqual(nack(state, RDS, 'cannot decode'), ['RDS +c@1'])
  assert.deepEqual(ack(state, RDS), [])
  assert.deepEqual([...(state.types.get(RDS)?.refused.keys() ?? [])], ['b'])
})

test('endpoints are sent again when their cluster changes, because the new cluster warms', () => {
  const state = newServerState('delta')
  onTable(state, table({ [CDS]: { a: '1' }, [EDS]: { a: '1' } }))
  delta(state, CDS)
  ack(state, CDS)
  delta(state, EDS, { resourceNamesSubscribe: ['a'] })
  ack(state, EDS)
  assert.deepEqual(sent(onTable(state, table({ [CDS]: { a: '2' }, [EDS]: { a: '1' } }))), ['CDS +a@2', 'EDS +a@1'])
})

function sotw(state: ServerState, type: string, names: string[] = [], error?: string): string[] {
  const errorDetail = error === undefined ? undefined : newRpcStatus({ code: 3, message: error })
  const responseNonce = nonceOf(state, type)
  return sent(
    onSotwRequest(state, newDiscoveryRequest({ typeUrl: type, resourceNames: names, responseNonce, errorDetail })),
  )
}

test('State of the World: listeners and clusters are whole sets, and leaving one out waits until the rest is acknowledged', () => {
  const state = newServerState('sotw')
  onTable(state, table({ [CDS]: { a: '1', b: '1' } }))
  assert.deepEqual(sotw(state, CDS), ['CDS +a@1 +b@1'])
  assert.deepEqual(sotw(state, CDS), [])
  assert.deepEqual(sent(onTable(state, table({ [CDS]: { b: '2', c: '1' } }))), ['CDS +a@1 +b@2 +c@1'])
  assert.deepEqual(sotw(state, CDS), ['CDS +b@2 +c@1'])
  assert.deepEqual(sotw(state, CDS), [])
})

test('State of the World: a NACK that names nothing is narrowed with the last accepted set plus one change', () => {
  const state = newServerState('sotw')
  onTable(state, table({ [CDS]: { a: '1', b: '1' } }))
  sotw(state, CDS)
  sotw(state, CDS)
  onTable(state, table({ [CDS]: { a: '2', b: '2' } }))
  assert.deepEqual(sotw(state, CDS, [], 'cannot decode'), ['CDS +a@2 +b@1'])
  assert.deepEqual(sotw(state, CDS, [], 'cannot decode'), ['CDS +a@1 +b@2'])
  assert.deepEqual(sotw(state, CDS), [])
})

test('State of the World: routes are partial, new names are answered, and a request with an old nonce changes nothing', () => {
  const state = newServerState('sotw')
  onTable(state, table({ [RDS]: { a: '1', b: '1' } }))
  assert.deepEqual(sotw(state, RDS, ['a']), ['RDS +a@1'])
  assert.deepEqual(sotw(state, RDS, ['a']), [])
  const stale = newDiscoveryRequest({ typeUrl: RDS, resourceNames: ['a', 'b'], responseNonce: 'old' })
  assert.deepEqual(sent(onSotwRequest(state, stale)), [])
  assert.deepEqual(sotw(state, RDS, ['a', 'b']), ['RDS +b@1'])
})

test('a stream keeps none of the names it shares with the table, whatever changes; only what the client refused', () => {
  const names = Array.from({ length: 1000 }, (_, index) => `s${index}`)
  const resource = (name: string, version: string): EncodedResource => ({ name, version, body: new Uint8Array() })
  let set = ResourceSet.empty().with(names.map((name) => [name, resource(name, '1')]))
  const tables = (): ResourceTable => layeredTable([new Map([CDS, EDS].map((type) => [type, set]))], undefined)
  const state = newServerState('delta')
  onTable(state, tables())
  delta(state, CDS)
  ack(state, CDS)
  delta(state, EDS, { resourceNamesSubscribe: names })
  ack(state, EDS)
  const kept = (type: string): (number | undefined)[] => {
    const of = state.types.get(type)
    return [of?.held.size, of?.held.ownSize, of?.names.size, of?.names.ownSize]
  }
  assert.deepEqual(
    [kept(CDS), kept(EDS)],
    [
      [1000, 0, 0, 0],
      [1000, 0, 1000, 0],
    ],
  )
  set = set.with([['s7', resource('s7', '2')]])
  assert.deepEqual(sent(onTable(state, tables())), ['CDS +s7@2', 'EDS +s7@2'])
  ack(state, CDS)
  ack(state, EDS)
  assert.deepEqual(
    [kept(CDS), kept(EDS)],
    [
      [1000, 0, 0, 0],
      [1000, 0, 1000, 0],
    ],
  )
  assert.equal(state.types.get(EDS)?.held.base, set, 'nothing older is kept alive')
  delta(state, EDS, { resourceNamesUnsubscribe: ['s1', 's2'] })
  assert.deepEqual(kept(EDS), [998, 2, 998, 2])
  set = set.with([['s8', resource('s8', '2')]])
  onTable(state, tables())
  nack(state, CDS, 's8: no')
  assert.deepEqual(kept(CDS), [1000, 1, 0, 0])
  assert.equal(state.types.get(CDS)?.held.get('s8')?.version, '1')
})
