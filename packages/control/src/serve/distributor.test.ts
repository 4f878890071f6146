import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Logger, Runtime } from '@weft/core'
import { xdsStreamPair } from '@weft/testkit'
import { type EncodedResource, resourceTable, type ResourceTable, typeUrl } from '@weft/xds'
import {
  type DeltaDiscoveryResponse,
  newDeltaDiscoveryRequest,
  newNode,
  readDeltaDiscoveryResponse,
  writeDeltaDiscoveryRequest,
} from '@weft/xds/lean'
import { createDistributor, type DistributorEvent } from './distributor.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

function table(clusters: Record<string, string>): ResourceTable {
  const map = new Map<string, EncodedResource>()
  for (const [name, version] of Object.entries(clusters)) {
    map.set(name, { name, version, body: Buffer.from(name), origin: [`test/${name}`] })
  }
  return resourceTable(new Map([[typeUrl.cluster, map]]), (text) => text)
}

/** A distributor, and in-memory clients whose every step runs at once. */
function world() {
  const timers: (() => void)[] = []
  const runtime: Pick<Runtime, 'log' | 'timers'> = {
    log: quiet,
    timers: {
      set(_delayMs, onFire) {
        timers.push(onFire)
        return { cancel: () => void timers.splice(timers.indexOf(onFire), 1) }
      },
    },
  }
  const events: DistributorEvent[] = []
  const distributor = createDistributor(runtime, (event) => events.push(event))
  const connect = () => {
    const { client, server } = xdsStreamPair({ kind: 'delta', defer: (run) => run() })
    const received: DeltaDiscoveryResponse[] = []
    const closed: (string | undefined)[] = []
    client.start({
      onMessage: (bytes) => received.push(readDeltaDiscoveryResponse(bytes, [])),
      onDrain() {},
      onClose: (error) => closed.push(error),
    })
    distributor.accept(server, (node) =>
      node.id === 'stranger' ? { ok: false, error: 'no such workload' } : { ok: true, value: node.id },
    )
    const send = (init: Parameters<typeof newDeltaDiscoveryRequest>[0]) =>
      client.send(writeDeltaDiscoveryRequest(newDeltaDiscoveryRequest({ typeUrl: typeUrl.cluster, ...init })))
    return { client, received, closed, send }
  }
  return { distributor, connect, events, timers }
}

test('a stream that is not authorised, sends garbage or names no node is closed with the reason', () => {
  const { connect, distributor } = world()
  const stranger = connect()
  stranger.send({ node: newNode({ id: 'stranger' }) })
  assert.deepEqual(stranger.closed, ['no such workload'])
  const anonymous = connect()
  anonymous.send({})
  assert.deepEqual(anonymous.closed, ['the first request carries no node'])
  const broken = connect()
  broken.client.send(Uint8Array.of(255))
  assert.deepEqual(broken.closed, ['malformed request: truncated varint'])
  assert.deepEqual(distributor.status(), [])
})

test('a stream that asks for ever more types or names is closed, and one that asks again is not', () => {
  const { connect, distributor } = world()
  distributor.setTable('web-0', table({ a: '1' }))
  const types = connect()
  types.send({ node: newNode({ id: 'web-0' }) })
  for (let i = 0; i < 63; i++) types.send({ typeUrl: `unknown/${i}` })
  assert.deepEqual(types.closed, [])
  types.send({ typeUrl: 'unknown/0' })
  assert.deepEqual(types.closed, [])
  types.send({ typeUrl: 'unknown/63' })
  assert.deepEqual(types.closed, ['a stream may ask for 64 types'])
  const names = connect()
  const thousands = (from: number): string[] => Array.from({ length: 100_000 }, (_, i) => `${from + i}`)
  names.send({ node: newNode({ id: 'web-0' }), resourceNamesSubscribe: thousands(0) })
  names.send({ resourceNamesSubscribe: thousands(100_000) })
  names.send({ resourceNamesSubscribe: thousands(0) })
  assert.deepEqual(names.closed, [])
  names.send({ resourceNamesSubscribe: ['one more'] })
  assert.deepEqual(names.closed, ['a stream may ask for 200000 names of a type'])
  const long = connect()
  long.send({ node: newNode({ id: 'web-0' }), resourceNamesSubscribe: ['x'.repeat(5000)] })
  assert.deepEqual(long.closed, ['names may have 4096 characters'])
})

test('a client that never asks is cut off', () => {
  const { connect, timers } = world()
  const silent = connect()
  for (const fire of timers) fire()
  assert.deepEqual(silent.closed, ['no request arrived'])
})

test('a proxy that connects before it has a table is served as soon as it has one', () => {
  const { connect, distributor } = world()
  const early = connect()
  early.send({ node: newNode({ id: 'p' }) })
  assert.equal(early.received.length, 0)
  distributor.setTable('p', table({ a: '1' }))
  assert.deepEqual(
    early.received[0]?.resources.map(({ name, version }) => [name, version]),
    [['a', '1']],
  )
})

test('status follows a type from warming to accepted, and stays readable after the proxy has gone', () => {
  const { connect, distributor, events } = world()
  const first = table({ a: '1' })
  distributor.setTable('p', first)
  assert.equal(distributor.status()[0]?.types[0]?.state, 'unsubscribed')
  const proxy = connect()
  proxy.send({ node: newNode({ id: 'p', userAgentName: 'weft', userAgentVersion: '0.1.0' }) })
  assert.equal(distributor.status()[0]?.types[0]?.state, 'warming')
  proxy.send({ responseNonce: proxy.received[0]?.nonce ?? '' })
  proxy.client.close()
  const [status] = distributor.status()
  assert.deepEqual(status?.types, [
    {
      typeUrl: typeUrl.cluster,
      version: first.versionOf(typeUrl.cluster),
      acceptedVersion: first.versionOf(typeUrl.cluster),
      resources: 1,
      state: 'accepted',
      refused: [],
    },
  ])
  assert.equal(status.connected, false)
  assert.equal(status.userAgent, 'weft 0.1.0')
  assert.deepEqual(
    events.map((event) => event.kind),
    ['connected', 'pushed', 'accepted', 'disconnected'],
  )
})

test('a proxy whose table is removed is disconnected and forgotten', () => {
  const { connect, distributor } = world()
  distributor.setTable('p', table({ a: '1' }))
  const proxy = connect()
  proxy.send({ node: newNode({ id: 'p' }) })
  distributor.removeTable('p')
  assert.deepEqual(proxy.closed, ['this proxy is gone from the registry'])
  assert.deepEqual(distributor.status(), [])
})

test('a proxy of several streams has what all of them have: a new generation beside the old one is not taken for the whole', () => {
  const { connect, distributor } = world()
  distributor.setTable('p', table({ a: '1', b: '1' }))
  const old = connect()
  old.send({ node: newNode({ id: 'p' }) })
  old.send({ responseNonce: old.received[0]?.nonce ?? '' })
  const state = (): string | undefined => distributor.status()[0]?.types[0]?.state
  assert.equal(state(), 'accepted')
  const next = connect()
  next.send({ node: newNode({ id: 'p' }) })
  assert.equal(state(), 'warming', 'the new generation has acknowledged nothing yet')
  next.send({ responseNonce: next.received[0]?.nonce ?? '' })
  assert.equal(state(), 'accepted')
  distributor.setTable('p', table({ a: '2', b: '1' }))
  next.send({ responseNonce: next.received[1]?.nonce ?? '' })
  assert.equal(state(), 'warming', 'the old generation still serves by what was before')
  next.client.close()
  assert.equal(state(), 'warming', 'a new generation that failed hides nothing')
  old.send({ responseNonce: old.received[1]?.nonce ?? '' })
  assert.deepEqual([state(), distributor.status()[0]?.connected], ['accepted', true])
})
