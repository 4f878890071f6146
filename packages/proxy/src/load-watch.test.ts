import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@weft/testkit'
import { LoadWatch } from './load-watch.ts'

/** A process that has started within 300 ms of processor time, and whose further time the test spends; `collections` are the times at which it collected. */
function simulated() {
  const clock = new VirtualClock()
  const collections: number[] = []
  let usedMs = 300
  const collect = (): void => {
    collections.push(clock.nowMs())
    usedMs += 150
  }
  let loads = 0
  new LoadWatch({ timers: clock, usedMs: () => usedMs, onLoad: () => (loads += 1), collect })
  /** Lets time pass, a share of it on the processor. */
  const pass = async (seconds: number, share: number): Promise<void> => {
    for (let i = 0; i < seconds; i += 1) {
      usedMs += 1_000 * share
      await clock.advance(1_000)
    }
  }
  return { collections, loads: () => loads, pass }
}

test('what the start left behind is collected once it has been quiet for three seconds, and never again while it is idle', async () => {
  const { collections, pass } = simulated()
  await pass(3, 0.2)
  assert.deepEqual(collections, [])
  await pass(2, 0.001)
  assert.deepEqual(collections, [])
  await pass(2, 0.001)
  assert.equal(collections.length, 1)
  await pass(600, 0.001)
  assert.equal(collections.length, 1)
})

test('a process that has something to do is never stopped for a collection', async () => {
  const { collections, pass } = simulated()
  for (let i = 0; i < 60; i += 1) {
    await pass(2, 0.001)
    await pass(2, 0.02)
  }
  assert.deepEqual(collections, [])
})

test('after a load nothing is collected, which would undo what it has had optimised', async () => {
  const { collections, loads, pass } = simulated()
  await pass(2, 0.02)
  await pass(10, 1)
  assert.equal(loads(), 1)
  await pass(600, 0.001)
  assert.deepEqual(collections, [])
})

test('load is told once, and neither the start nor a collection is load', async () => {
  const { collections, loads, pass } = simulated()
  await pass(2, 0.2)
  await pass(6, 0.001)
  assert.equal(collections.length, 1)
  assert.equal(loads(), 0)
  await pass(3, 0.02)
  assert.equal(loads(), 0, 'requests now and then')
  await pass(1, 0.2)
  assert.equal(loads(), 1)
  await pass(100, 0.5)
  assert.equal(loads(), 1)
})

test('load that follows the start without a pause is told when the start cannot be it any more', async () => {
  const { loads, pass } = simulated()
  await pass(1, 0.6)
  assert.equal(loads(), 0)
  await pass(1, 0.6)
  assert.equal(loads(), 1)
})
