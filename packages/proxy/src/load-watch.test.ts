import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { VirtualClock } from '@weft/testkit'
import { LoadWatch } from './load-watch.ts'

/** A process whose work is given in milliseconds of processor time per second; tells what is done to it, and when. */
function simulatedProcess(work: (second: number) => number, readyAtMs = 0) {
  const clock = new VirtualClock()
  const done: string[] = []
  const cpuMs = (): number => {
    const now = clock.nowMs()
    let total = 0
    for (let ms = 0; ms < now; ms += 250) total += work(ms / 1_000) / 4
    return total
  }
  const watch = new LoadWatch(clock, {
    isReady: () => clock.nowMs() >= readyAtMs,
    cpuMs,
    collect: () => done.push(`collected at ${clock.nowMs()}`),
    optimise: () => done.push(`optimised at ${clock.nowMs()}`),
  })
  return { clock, done, watch }
}

test('what a start has left behind is collected once, in the first quiet moment', async () => {
  const { clock, done } = simulatedProcess((second) => (second < 4 ? 300 : 1))
  await clock.advance(600_000)
  assert.deepEqual(done, ['collected at 4750'])
})

test('nothing is collected before the configuration is there, however quiet it is', async () => {
  const { clock, done } = simulatedProcess(() => 0, 90_100)
  await clock.advance(600_000)
  assert.deepEqual(done, ['collected at 91000'])
})

test('a request now and then is no load', async () => {
  const { clock, done, watch } = simulatedProcess((second) => (Number.isInteger(second) ? 40 : 1))
  for (let second = 0; second < 600; second++) {
    watch.onConnection()
    await clock.advance(1_000)
  }
  assert.deepEqual(done, ['collected at 1000'])
})

test('load on a connection that was there before is found within a second, and nothing is collected any more', async () => {
  const { clock, done, watch } = simulatedProcess((second) => (second < 10 || second >= 20 ? 1 : 50))
  watch.onConnection()
  await clock.advance(600_000)
  assert.deepEqual(done, ['collected at 1000', 'optimised at 10750'])
})

test('a process under load from its start on is optimised, and not collected later', async () => {
  const { clock, done, watch } = simulatedProcess((second) => (second < 30 ? 500 : 0), 200)
  watch.onConnection()
  await clock.advance(600_000)
  assert.deepEqual(done, ['optimised at 1000'])
})

test('many connections at once are load without a look at the clock, once', async () => {
  const { clock, done, watch } = simulatedProcess(() => 0)
  for (let i = 0; i < 100; i++) watch.onConnection()
  assert.deepEqual(done, ['optimised at 0'])
  await clock.advance(600_000)
  assert.deepEqual(done, ['optimised at 0'])
})

test('configuration alone is no load', async () => {
  const { clock, done } = simulatedProcess((second) => (second < 30 ? 500 : 0))
  await clock.advance(600_000)
  assert.deepEqual(done, ['collected at 30750'])
})

const program = `
import { collectAll } from ${JSON.stringify(join(import.meta.dirname, 'load-watch.ts'))}
import { getHeapCodeStatistics, getHeapSpaceStatistics } from 'node:v8'
const start = Array.from({ length: 500 }, (_, n) => new Function('a', 'return [a, ' + 'a * ' .repeat(50) + n + ']'))
const call = () => start.reduce((sum, each) => sum + each(1)[1], 0)
const size = () => ({
  young: getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size,
  code: getHeapCodeStatistics().bytecode_and_metadata_size,
})
const kept = []
for (let n = 0; n < 200_000; n++) kept[n % 20_000] = { n }
const sum = call()
kept.length = 0
const before = size()
collectAll()
const after = size()
console.log(JSON.stringify({ before, after, same: call() === sum }))
`

test('a collection gives back the young generation and the code of the start, and what is called again still works', () => {
  const flags = ['--expose-gc', '--max-semi-space-size=2', '--disable-warning=ExperimentalWarning']
  const said = execFileSync(process.execPath, [...flags, '--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  const { before, after, same } = JSON.parse(said)
  assert.ok(after.young < before.young, said)
  assert.ok(after.code < before.code - 50_000, said)
  assert.ok(same, said)
})

const hotLoop = `
import { letOptimise } from ${JSON.stringify(join(import.meta.dirname, 'load-watch.ts'))}
const add = (a, b) => a + b
const isOptimised = () => (%GetOptimizationStatus(callOften) & 64) !== 0
const callOften = () => { for (let n = 0; n < 100_000; n++) add(n, 1) }
callOften()
const before = isOptimised()
letOptimise()
const endMs = Date.now() + 30_000
while (!isOptimised() && Date.now() < endMs) {
  callOften()
  await new Promise(setImmediate)
}
console.log(before, isOptimised())
`

test('a process that was started without the optimising compiler optimises once it may', () => {
  const flags = ['--no-opt', '--no-maglev', '--allow-natives-syntax', '--disable-warning=ExperimentalWarning']
  const said = execFileSync(process.execPath, [...flags, '--input-type=module', '-e', hotLoop], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  assert.equal(said.trim(), 'false true')
})
