import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Answering, ProcessChannel } from './process-channel.ts'
import { systemTimers } from './node/clock.ts'

type Words = { readonly double: readonly [number, number]; readonly refuse: readonly [null, null] }
type None = Record<never, never>

const answering: Answering<Words> = {
  double: (number) => ({ value: number * 2, handle: { of: number } }),
  refuse: () => {
    throw new Error('not today')
  },
}

/** Two ends joined through JSON, as between processes. */
function pair(lose: (message: object) => boolean = () => false) {
  const asker: ProcessChannel<Words, None> = new ProcessChannel<Words, None>(
    (message) =>
      lose(message) || queueMicrotask(() => answerer.receive(JSON.parse(JSON.stringify(message)), undefined)),
    systemTimers,
    {},
  )
  const answerer: ProcessChannel<None, Words> = new ProcessChannel<None, Words>(
    (message, handle) => queueMicrotask(() => asker.receive(JSON.parse(JSON.stringify(message)), handle)),
    systemTimers,
    answering,
  )
  return { asker, answerer }
}

test('each question gets its own answer, and the handle that goes with it', async () => {
  const { asker } = pair()
  const answers = await Promise.all([1, 2, 3].map((number) => asker.ask('double', number, 1_000)))
  assert.deepEqual(
    answers.map((answer) => answer.ok && answer.value),
    [1, 2, 3].map((number) => ({ value: number * 2, handle: { of: number } })),
  )
})

test('a throw on the other side is an error here', async () => {
  const { asker } = pair()
  assert.deepEqual(await asker.ask('refuse', null, 1_000), { ok: false, error: 'not today' })
})

test('what is not answered ends: in time, or when the other side goes', async () => {
  const { asker } = pair(() => true)
  assert.deepEqual(await asker.ask('double', 1, 5), { ok: false, error: 'no answer within 5 ms' })
  const open = asker.ask('double', 1, 60_000)
  asker.close()
  assert.deepEqual(await open, { ok: false, error: 'the other process is gone' })
  assert.deepEqual(await asker.ask('double', 1, 60_000), { ok: false, error: 'the other process is gone' })
})

test('no message whatever makes an end throw', async () => {
  const posted: object[] = []
  const end = new ProcessChannel<Words, Words>((message) => posted.push(message), systemTimers, answering)
  const word = fc.oneof(fc.constantFrom('double', 'refuse', '__proto__', 'toString'), fc.anything())
  const message = fc.oneof(
    fc.anything(),
    fc.record({ id: fc.oneof(fc.nat(5), fc.anything()), ask: word, error: fc.anything() }, { requiredKeys: [] }),
  )
  fc.assert(
    fc.property(message, fc.anything(), (received, handle) => end.receive(received, handle)),
    { numRuns: 2_000 },
  )
  await new Promise(setImmediate)
  assert.ok(posted.length > 0)
})
