// What a change costs from the control plane to the proxies' streams, counted: the same work whatever the size of the mesh.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Logger, Runtime } from '@weft/core'
import { LargeMesh, SimulatedFleet } from '@weft/testkit'
import { ControlPlane } from './control-plane.ts'
import { spiffeIdOf } from './proxy-identity.ts'
import { createDistributor } from './serve/distributor.ts'
import { defaultMeshSettings } from './snapshot/mesh-settings.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

/** A control plane with its distributor and connected proxies; `settle` lets everything run until nothing is left to do. */
function world(services: number, proxies: number) {
  const queue: (() => void)[] = []
  const runtime: Pick<Runtime, 'clock' | 'timers' | 'log'> = {
    clock: { nowMs: () => 0, wallMs: () => 0 },
    timers: {
      set(delayMs, onFire) {
        if (delayMs === 0) queue.push(onFire)
        return { cancel() {} }
      },
    },
    log: quiet,
  }
  const distributor = createDistributor(runtime)
  const plane = new ControlPlane({ runtime, settings: defaultMeshSettings, distributor })
  const fleet = new SimulatedFleet(
    (stream) => distributor.accept(stream, (node, peer) => plane.authorize(node, peer)),
    (run) => queue.push(run),
  )
  const large = new LargeMesh({ services, proxies, namespaces: 2 })
  const settle = (): void => {
    for (let run = queue.shift(); run !== undefined; run = queue.shift()) run()
  }
  const publish = (): void => {
    const objects = [...large.objects]
    plane.setStoreState({ objects, problems: [], stale: [], blocking: [], unenforceable: [], revision: 1 })
    plane.setInstances([...large.instances])
    settle()
  }
  const connect = (index: number): void => {
    const instance = large.instances[index]
    assert.ok(instance !== undefined)
    fleet.connect(instance, spiffeIdOf(instance, 'cluster.local'))
  }
  publish()
  for (let index = 0; index < proxies; index++) connect(index)
  settle()
  const costOf = (act: () => void) => {
    const [made, sent, got] = [plane.work, distributor.work(), { ...fleet.received }]
    act()
    settle()
    const [madeNow, sentNow, gotNow] = [plane.work, distributor.work(), fleet.received]
    return {
      objects: madeNow.objects - made.objects,
      views: madeNow.views - made.views,
      encoded: madeNow.encoded - made.encoded,
      streams: sentNow.streams - sent.streams,
      compared: sentNow.compared - sent.compared,
      pushes: sentNow.pushes - sent.pushes,
      received: gotNow.resources - got.resources,
    }
  }
  return { large, publish, connect, costOf, distributor, fleet }
}

const sizes = [100, 10_000]

/** One world per size, changed by one test after the other: the largest takes seconds to build. */
const worlds = new Map<number, ReturnType<typeof world>>()

function worldOf(services: number): ReturnType<typeof world> {
  const made = worlds.get(services) ?? world(services, 4)
  worlds.set(services, made)
  return made
}

test('every proxy is served completely, in few responses', () => {
  const { fleet, distributor } = world(100, 10)
  // CDS: 100 services, weft.workloads, black hole, passthrough, tunnel, inbound, connect_originate; EDS: 101; LDS: inbound, proxy, tunnel,
  // connect_originate; RDS.
  assert.equal(fleet.received.resources, 10 * (106 + 101 + 4 + 1))
  assert.ok(distributor.work().pushes <= 10 * 5, String(distributor.work().pushes))
  for (const { types } of distributor.status()) {
    for (const type of types) assert.equal(type.state, 'accepted', JSON.stringify(type))
  }
})

test('a changed rule costs the same at any number of services, and each stream compares one name', () => {
  const costs = sizes.map((services) => {
    const { large, publish, costOf } = worldOf(services)
    return costOf(() => {
      large.setTimeout(0, '6s')
      publish()
    })
  })
  // Both namespaces see the rule, each in its own words; a name is compared when it is sent, and once more when it is taken.
  const expected = { objects: 1, views: 4, encoded: 2, streams: 4, compared: 8, pushes: 4, received: 4 }
  assert.deepEqual(costs, [expected, expected])
})

test('a changed endpoint is one assignment for each stream, at any number of services', () => {
  const costs = sizes.map((services) => {
    const { large, publish, costOf } = worldOf(services)
    return costOf(() => {
      large.setReady(3, false)
      publish()
    })
  })
  const expected = { objects: 1, views: 2, encoded: 1, streams: 4, compared: 8, pushes: 4, received: 4 }
  assert.deepEqual(costs, [expected, expected])
})

test('an edited annotation and a registry read again touch no stream', () => {
  const { large, publish, costOf } = world(100, 10)
  const note = costOf(() => {
    large.annotate(0, 'nothing to see')
    publish()
  })
  assert.deepEqual([note.objects, note.streams, note.pushes], [1, 0, 0])
  const again = costOf(() => {
    for (const [index, instance] of large.instances.entries()) large.instances[index] = structuredClone(instance)
    publish()
  })
  assert.deepEqual(Object.values(again), [0, 0, 0, 0, 0, 0, 0])
})

test('a proxy that joins is told to the others as one endpoint and one name; only its own stream is given everything', () => {
  const costs = sizes.map((services) => {
    const { large, publish, connect, costOf } = worldOf(services)
    const joined = costOf(() => {
      large.addInstance()
      publish()
    })
    const connected = costOf(() => connect(4))
    return { joined, connected: { ...connected, compared: 0, received: connected.received - services * 2 } }
  })
  const joined = { objects: 1, views: 8, encoded: 8, streams: 4, compared: 16, pushes: 4, received: 8 }
  const connected = { objects: 0, views: 0, encoded: 0, streams: 0, compared: 0, pushes: 4, received: 12 }
  assert.deepEqual(costs, [
    { joined, connected },
    { joined, connected },
  ])
})
