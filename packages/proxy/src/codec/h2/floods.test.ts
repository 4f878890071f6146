// What costs a server more than its client: counted, and ended when there is too much of it.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { begun } from './client-under-test.ts'
import { defaultH2Options } from './h2-options.ts'
import { ErrorCode, FrameType } from './frame.ts'
import { data, get, goawayCode, post, reset, widen } from './frames-under-test.ts'
import { answerHead, frame, greeting, headFrame, numbers, serverUnderTest, settings } from './h2-under-test.ts'

const priority = frame(FrameType.PRIORITY, 0, 1, Buffer.from([0, 0, 0, 0, 1]))
/** The greeting's SETTINGS count too. */
const floods: Record<string, () => Buffer[]> = {
  'rapid resets': () => many(1_001, (index) => Buffer.concat([get(2 * index + 1), reset(2 * index + 1)])),
  'requests that make us reset': () => many(1_001, (index) => headFrame(2 * index + 1, [])),
  'SETTINGS frames': () => many(1_000, () => settings()),
  'PING frames': () => many(1_000, () => frame(FrameType.PING, 0, 0, 'pingping')),
  'unknown frames': () => many(1_000, () => frame(200)),
  'empty DATA frames': () => [post(1), data(1, ''), data(1, '')],
  'PRIORITY frames': () => many(101, () => priority),
  'PRIORITY_UPDATE frames': () => many(101, () => frame(FrameType.PRIORITY_UPDATE, 0, 0, numbers(1))),
  'WINDOW_UPDATE frames': () => many(6, () => widen(0, 1)),
  'CONTINUATION frames': () => [
    frame(FrameType.HEADERS, 0, 1, '\x82'),
    ...many(9, () => frame(FrameType.CONTINUATION, 0, 1, '\x86')),
  ],
  'empty CONTINUATION frames': () => [
    frame(FrameType.HEADERS, 0, 1, '\x82'),
    ...many(2, () => frame(FrameType.CONTINUATION, 0, 1)),
  ],
  'bytes of a head': () => [
    frame(FrameType.HEADERS, 0, 1, Buffer.alloc(16_000, '\x82', 'latin1')),
    frame(FrameType.CONTINUATION, 0, 1, Buffer.alloc(16_000, '\x82', 'latin1')),
  ],
}

function many(count: number, make: (index: number) => Buffer): Buffer[] {
  return Array.from({ length: count }, (_, index) => make(index))
}

for (const [name, bytes] of Object.entries(floods)) {
  test(`too many ${name} end the connection, one fewer does not`, () => {
    const { send, transport } = serverUnderTest()
    const all = bytes()
    send(greeting)
    send(...all.slice(0, -1))
    assert.equal(transport.ended, false)
    assert.equal(goawayCode(send(all.at(-1) as Buffer)), ErrorCode.ENHANCE_YOUR_CALM)
    assert.equal(transport.ended, true)
    assert.deepEqual(send(get(99_999)), [], 'nothing is answered any more')
  })
}

test('resets, pings and settings that come slowly are no flood', () => {
  const { send, time, transport } = serverUnderTest()
  send(greeting)
  for (let second = 0; second < 200; second++) {
    send(...many(33, (index) => Buffer.concat([get(66 * second + 2 * index + 1), reset(66 * second + 2 * index + 1)])))
    send(...many(50, () => frame(FrameType.PING, 0, 0, 'pingping')), ...many(50, () => settings()))
    time.advance(1_000)
  }
  assert.equal(transport.ended, false)
})

const opened = (index: number): number => 2 * index + 1

test('clients that give up after a while are no flood, however many they are', () => {
  const { send, time, transport } = serverUnderTest()
  send(greeting)
  for (let round = 0; round < 20; round++) {
    const ids = Array.from({ length: 500 }, (_, index) => opened(500 * round + index))
    send(...ids.map((id) => get(id)))
    time.advance(1_000)
    send(...ids.map((id) => reset(id)))
  }
  assert.equal(transport.ended, false)
})

test('streams that are reset behind their answer count nothing, and an answer forgives a reset', () => {
  const { send, server, transport } = serverUnderTest()
  send(greeting)
  for (let index = 0; index < 5_000; index++) {
    const [answered, given] = [opened(2 * index), opened(2 * index + 1)]
    send(get(answered), get(given))
    server.requests.at(-2)?.stream.respond(answerHead(200), 'unknown', true)
    send(reset(answered), reset(given))
  }
  assert.equal(transport.ended, false)
})

test('a server may reset what it was asked for as often as it likes', () => {
  const { ask, send, transport } = begun()
  for (let index = 0; index < 3_000; index++) {
    ask()
    send(reset(opened(index), ErrorCode.INTERNAL_ERROR))
  }
  assert.equal(transport.ended, false)
})

test('a peer that reads nothing is not owed more than so many answers', () => {
  const { send, transport, time } = serverUnderTest({
    floods: { ...defaultH2Options.floods, control: 1e9, queuedControl: 100 },
  })
  send(greeting)
  transport.full = true
  send(...many(1, () => frame(FrameType.PING, 0, 0, 'pingping')))
  for (let round = 0; round < 99; round++) transport.handler.onData(frame(FrameType.PING, 0, 0, 'pingping'))
  time.turn()
  assert.equal(transport.ended, false)
  transport.handler.onData(frame(FrameType.PING, 0, 0, 'pingping'))
  assert.equal(transport.ended, true)
})

test('a peer that asks on and on and reads nothing is not kept more than so many answers', () => {
  const { send, transport, server, time } = serverUnderTest({
    floods: { ...defaultH2Options.floods, queuedFrames: 100 },
  })
  let asked = 0
  const answered = (): void => {
    transport.handler.onData(get(2 * asked++ + 1))
    server.requests.at(-1)?.stream.respond(answerHead(204), 'none', true)
    server.requests.at(-1)?.stream.end()
    time.turn()
  }
  send(greeting)
  for (let round = 0; round < 300; round++) answered()
  assert.equal(transport.ended, false, 'one that reads may ask as often as it likes')
  transport.full = true
  for (let round = 0; round < 100; round++) answered()
  assert.equal(transport.ended, false)
  answered()
  answered()
  assert.equal(transport.ended, true)
})
