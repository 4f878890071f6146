import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { clientPreface, FrameFlag, FrameType } from '../codec/h2/frame.ts'
import {
  frame,
  framesOf,
  headFrame,
  ManualTime,
  MemoryTransport,
  numbers,
  settings,
} from '../codec/h2/h2-under-test.ts'
import { HpackDecoder } from '../codec/h2/hpack-decoder.ts'
import { decodeFields, type PlainField } from '../codec/h2/hpack-under-test.ts'
import { openGrpcCall } from './grpc-call.ts'
import { frameMessage } from './grpc-frames.ts'

function callUnderTest() {
  const time = new ManualTime()
  const transport = new MemoryTransport()
  const call = openGrpcCall({ clock: time, timers: time }, transport, {
    ...{ path: '/xds.Service/Delta', kind: 'delta', authority: 'control:15012', remote: 'control' },
  })
  const events: string[] = []
  const start = (): void =>
    call.start({
      onMessage: (bytes) => void events.push(Buffer.from(bytes).toString()),
      onDrain: () => void events.push('drain'),
      onClose: (error) => void events.push(error === undefined ? 'closed' : `closed: ${error}`),
    })
  const receive = (...bytes: readonly Buffer[]): void => {
    transport.handler.onData(Buffer.concat(bytes))
    time.turn()
  }
  return { time, transport, call, events, start, receive }
}

const answer = headFrame(
  1,
  [
    [':status', '200'],
    ['content-type', 'application/grpc'],
  ],
  false,
)

test('a call sends its head and messages, and hands on messages however they are cut', () => {
  const { time, transport, call, events, start, receive } = callUnderTest()
  start()
  assert.equal(call.send(Buffer.from('hello')), true)
  time.turn()
  const frames = framesOf(transport.take().subarray(clientPreface.length))
  const head = frames.find(({ type }) => type === FrameType.HEADERS)
  const fields = decodeFields(new HpackDecoder(), head?.payload as Buffer) as PlainField[]
  assert.deepEqual(
    fields.map(({ name, value }) => `${name} ${value}`),
    [
      ...[':method POST', ':scheme http', ':path /xds.Service/Delta', ':authority control:15012'],
      ...['content-type application/grpc', 'te trailers'],
    ],
  )
  assert.deepEqual(frames.at(-1)?.payload, frameMessage(Buffer.from('hello')))
  const messages = Buffer.concat(['one', '', 'three'].map((text) => frameMessage(Buffer.from(text))))
  receive(settings(), answer, ...[...messages].map((byte) => frame(FrameType.DATA, 0, 1, Buffer.from([byte]))))
  assert.deepEqual(events, ['one', '', 'three'])
})

test('what arrives before anybody listens is kept', () => {
  const { time, events, start, receive } = callUnderTest()
  receive(settings(), answer, frame(FrameType.DATA, 0, 1, frameMessage(Buffer.from('early'))))
  assert.deepEqual(events, [])
  start()
  time.turn()
  assert.deepEqual(events, ['early'])
  const lost = callUnderTest()
  lost.transport.handler.onClose({ reason: 'reset', detail: 'gone' })
  lost.start()
  assert.deepEqual(lost.events, ['closed: gone'])
})

const outcomes: Record<string, [readonly Buffer[], string]> = {
  'a status in trailers': [[answer, headFrame(1, [['grpc-status', '0']])], 'closed'],
  'an error in trailers': [
    [
      answer,
      headFrame(1, [
        ['grpc-status', '8'],
        ['grpc-message', 'too%20many'],
      ]),
    ],
    'closed: gRPC status 8: too many',
  ],
  'an error in the only head': [
    [
      headFrame(1, [
        [':status', '200'],
        ['grpc-status', '7'],
        ['grpc-message', 'bad%zz'],
      ]),
    ],
    'closed: gRPC status 7: bad%zz',
  ],
  'no status at all': [[answer, headFrame(1, [['x-a', 'b']])], 'closed: the call ended without a gRPC status'],
  'an HTTP error': [[headFrame(1, [[':status', '503']])], 'closed: HTTP status 503'],
  'a reset': [[frame(FrameType.RST_STREAM, 0, 1, numbers(2))], 'closed: the peer reset the stream: INTERNAL_ERROR'],
  'a compressed message': [
    [answer, frame(FrameType.DATA, 0, 1, Buffer.from([1, 0, 0, 0, 0]))],
    'closed: compressed gRPC message, though no compression was offered',
  ],
  GOAWAY: [[frame(FrameType.GOAWAY, 0, 0, numbers(1, 0))], 'closed: the server asks to reconnect'],
}
for (const [name, [bytes, outcome]] of Object.entries(outcomes)) {
  test(`${name} ends the call once, and its connection with it`, () => {
    const { transport, call, events, start, receive } = callUnderTest()
    start()
    receive(settings(), ...bytes)
    assert.deepEqual(events, [outcome])
    assert.equal(transport.destroyed, true)
    transport.handler.onClose({ reason: 'local', detail: '' })
    assert.equal(call.send(Buffer.from('x')), true)
    call.close()
    assert.equal(events.length, 1)
  })
}

test('a peer that vanished without a word is found out by a ping', () => {
  const { time, transport, events, start, receive } = callUnderTest()
  start()
  receive(settings(), answer)
  time.advance(20_000)
  time.advance(20_000)
  const ping = framesOf(transport.take().subarray(clientPreface.length)).find(
    ({ type, flags }) => type === FrameType.PING && flags === 0,
  )
  assert.ok(ping !== undefined)
  receive(frame(FrameType.PING, FrameFlag.ACK, 0, ping.payload))
  time.advance(40_000)
  time.advance(10_000)
  assert.deepEqual(events, ['closed: no answer to a PING'])
})

test('closing resets the call, says so, and tells once', async () => {
  const { time, transport, call, events, start, receive } = callUnderTest()
  start()
  receive(settings(), answer)
  transport.take()
  call.close('renewed')
  call.close()
  assert.deepEqual(events, [])
  await Promise.resolve()
  assert.deepEqual(events, ['closed: renewed'])
  time.turn()
  assert.deepEqual(
    framesOf(transport.take()).map(({ type }) => type),
    [FrameType.RST_STREAM, FrameType.GOAWAY],
  )
  assert.equal(transport.ended, true)
})
