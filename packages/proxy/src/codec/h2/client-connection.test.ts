// Requests and answers of a connection that we opened, and its life.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { clientPreface, ErrorCode, FrameFlag, FrameType } from './frame.ts'
import { data, ends, reset } from './frames-under-test.ts'
import { answerHead, frame, framesOf, headFrame, numbers, settings, type WireFrame } from './h2-under-test.ts'
import { decodeFields } from './hpack-under-test.ts'
import { HpackDecoder } from './hpack-decoder.ts'
import { answer, begun, clientUnderTest, goaway } from './client-under-test.ts'

test('the preface, settings and the first request leave in one write', () => {
  const { ask, transport, time } = clientUnderTest()
  const seen = ask({ extra: ['x-a', 'b', 'connection', 'close'] })
  assert.equal(seen.stream.wrote, false)
  time.turn()
  assert.equal(transport.writes, 1)
  assert.equal(seen.stream.wrote, true)
  const bytes = transport.take()
  assert.equal(bytes.subarray(0, 24).toString('latin1'), clientPreface)
  const frames = framesOf(bytes.subarray(24))
  assert.deepEqual(
    frames.map(({ type, flags, id }) => [type, flags, id]),
    [
      [FrameType.SETTINGS, 0, 0],
      [FrameType.WINDOW_UPDATE, 0, 0],
      [FrameType.HEADERS, FrameFlag.END_HEADERS | ends, 1],
    ],
  )
  assert.deepEqual(
    (decodeFields(new HpackDecoder(), frames[2]?.payload as Buffer) as { name: string; value: string }[]).map(
      ({ name, value }) => `${name} ${value}`,
    ),
    [':method GET', ':scheme http', ':path /', ':authority a.example', 'x-a b'],
  )
})

test('an answer is told with its body and trailers, and what its head says of them', () => {
  const { ask, send, sent, connection } = begun()
  const [first, second, third] = [ask(), ask(), ask()]
  sent()
  send(
    answer(1, 103, [['link', '</a>']]),
    answer(1, 200, [['content-length', '5']]),
    answer(3, 200),
    data(1, 'hel'),
    data(3, 'x'),
    data(1, 'lo', ends),
    headFrame(3, [['grpc-status', '0']]),
    answer(5, 200, [['grpc-status', '7']], true),
  )
  assert.deepEqual(first.events, ['103', '200 length', 'hel', 'lo', 'end'])
  assert.deepEqual(second.events, ['200 unknown', 'x', 'end grpc-status: 0'])
  assert.deepEqual(third.events, ['200 none', 'end'])
  assert.equal(connection.active, 0)
  assert.equal(first.stream.reused, false)
  assert.equal(second.stream.reused, true)
})

test('answers without a body by their nature have none, whatever content-length says', () => {
  const { ask, send, sent } = begun()
  const [head, unchanged, wrong] = [ask({ method: 'HEAD' }), ask(), ask({ method: 'HEAD' })]
  sent()
  const length: [string, string][] = [['content-length', '5']]
  send(answer(1, 200, length), data(1, '', ends), answer(3, 304, length, true), answer(5, 200, length), data(5, 'x'))
  assert.deepEqual(head.events, ['200 none', 'end'])
  assert.deepEqual(unchanged.events, ['304 none', 'end'])
  assert.equal(wrong.failure?.kind, 'protocol')
})

test('GOAWAY refuses what the server has not looked at, lets the rest end, and closes', () => {
  const { ask, send, sent, connection, events, transport } = begun()
  const [kept, lost] = [ask(), ask()]
  sent()
  send(goaway(1))
  assert.deepEqual([lost.failure?.kind, lost.failure?.silent], ['refused', true])
  assert.equal(kept.failure, undefined)
  assert.deepEqual([connection.draining, connection.room, events.includes('draining')], [true, 0, true])
  send(answer(1, 200, [], true))
  assert.deepEqual(kept.events, ['200 none', 'end'])
  assert.equal(transport.ended, true)
})

test('REFUSED_STREAM is safe to repeat, other resets are not; the connection goes on', () => {
  const { ask, send, sent } = begun()
  const [refused, other, late] = [ask(), ask(), ask()]
  sent()
  send(
    reset(1, ErrorCode.REFUSED_STREAM),
    reset(3, ErrorCode.CANCEL),
    answer(5, 200),
    reset(5, ErrorCode.INTERNAL_ERROR),
  )
  assert.deepEqual(
    [refused, other, late].map(({ failure }) => [failure?.kind, failure?.silent]),
    [
      ['refused', true],
      ['reset', true],
      ['reset', false],
    ],
  )
})

test('an answer before the end of the request ends the request', () => {
  const { ask, send, sent, connection } = begun()
  const [cut, told] = [ask({ method: 'POST', body: 'unknown' }), ask({ method: 'POST', body: 'unknown' })]
  sent()
  const [frameBack] = send(answer(1, 413, [], true))
  assert.deepEqual(cut.events, ['413 none', 'end'])
  assert.deepEqual(
    [frameBack?.type, frameBack?.payload.readUInt32BE(0)],
    [FrameType.RST_STREAM, ErrorCode.INTERNAL_ERROR],
  )
  told.stream.pauseResponse()
  send(answer(3, 200), data(3, 'held', ends), reset(3, ErrorCode.NO_ERROR))
  assert.deepEqual(told.events, ['200 unknown', 'flush'])
  told.stream.resumeResponse()
  sent()
  assert.deepEqual(told.events, ['200 unknown', 'flush', 'held', 'end'])
  assert.equal(connection.active, 0)
  assert.deepEqual(send(data(1, 'late')), [])
})

test('no more streams than the server takes, and the owner is told when there is room', () => {
  const { ask, send, sent, connection, events } = begun()
  assert.equal(connection.room, 1_024)
  send(settings([3, 2]))
  ask()
  assert.equal(connection.room, 1)
  const second = connection.open()
  assert.equal(connection.room, 0)
  events.length = 0
  second.abandon()
  assert.deepEqual([connection.room, events], [1, ['room']])
  sent()
  send(answer(1, 200, [], true))
  assert.equal(connection.room, 2)
  send(settings([3, 0]))
  assert.equal(connection.room, 0)
})

test('settings that change the window reach streams that are open', () => {
  const { ask, send, sent } = begun()
  const seen = ask({ method: 'POST', body: 'unknown' })
  sent()
  send(settings([4, 4]))
  const body = Buffer.from('0123456789')
  assert.equal(seen.stream.sendBytes(body, 0, 10), false)
  seen.stream.end(answerHead(0, [['x-sum', '1']]))
  assert.deepEqual(
    sent().map(({ payload }) => payload.toString()),
    ['0123'],
  )
  const frames = send(settings([4, 20]))
  assert.deepEqual(
    frames.map(({ type, flags }) => [type, flags]),
    [
      [FrameType.SETTINGS, FrameFlag.ACK],
      [FrameType.DATA, 0],
      [FrameType.HEADERS, FrameFlag.END_HEADERS | ends],
    ],
  )
})

test('a smaller table is announced in the next block', () => {
  const { ask, send, sent } = begun()
  send(settings([1, 0], [1, 100]))
  ask()
  const [head] = sent()
  assert.equal(head?.payload.toString('hex', 0, 2), '3f45')
  const decoder = new HpackDecoder()
  decoder.setLimit(100)
  assert.equal(typeof decodeFields(decoder, head?.payload as Buffer), 'object')
})

test('what only a client may do, and pushes, end the connection', () => {
  const faults: [Buffer, number][] = [
    [frame(FrameType.PUSH_PROMISE, 4, 1, numbers(2)), ErrorCode.PROTOCOL_ERROR],
    [settings([2, 1]), ErrorCode.PROTOCOL_ERROR],
    [answer(2, 200), ErrorCode.PROTOCOL_ERROR],
    [answer(7, 200), ErrorCode.PROTOCOL_ERROR],
    [data(2, 'x'), ErrorCode.PROTOCOL_ERROR],
    [frame(FrameType.HEADERS, 4, 1, '\xff\xff'), ErrorCode.COMPRESSION_ERROR],
    [settings([4, 0x80000000]), ErrorCode.FLOW_CONTROL_ERROR],
    [settings([8, 1], [8, 0]), ErrorCode.PROTOCOL_ERROR],
  ]
  for (const [bytes, code] of faults) {
    const { ask, send, sent, transport } = begun()
    const seen = ask()
    sent()
    const frames = send(bytes)
    assert.equal(frames.at(-1)?.payload.readUInt32BE(4), code)
    assert.equal(seen.failure?.kind, 'protocol')
    assert.equal(transport.ended, true)
  }
})

test('extended CONNECT needs a server that offers it', async () => {
  const { ask, send, sent } = begun()
  const refused = ask({ upgrade: 'websocket' })
  assert.deepEqual(refused.events, [])
  await Promise.resolve()
  assert.equal(refused.failure?.kind, 'protocol')
  send(settings([8, 1]))
  const taken = ask({ upgrade: 'websocket', path: '/chat' })
  const [head] = sent()
  assert.equal(head?.flags, FrameFlag.END_HEADERS)
  const fields = decodeFields(new HpackDecoder(), head?.payload as Buffer) as { name: string; value: string }[]
  assert.deepEqual(
    fields.map(({ name, value }) => `${name} ${value}`),
    [':method CONNECT', ':protocol websocket', ':scheme http', ':path /chat', ':authority a.example'],
  )
  send(answer(1, 200))
  assert.deepEqual(taken.events, ['200 unknown', 'flush'])
  const { transport: inner } = taken.stream.tunnel()
  const seen: string[] = []
  inner.handler = {
    onData: (chunk) => void seen.push(chunk.toString()),
    onEnd: () => void seen.push('end'),
    onDrain() {},
    onClose: ({ reason }) => void seen.push(reason),
  }
  inner.resume()
  send(data(1, 'frames', ends))
  inner.end()
  await Promise.resolve()
  assert.deepEqual(seen, ['frames', 'end', 'closed'])
})

test('an idle connection closes by itself; a lost one fails its streams', () => {
  const { time, transport, ask, sent, send, events } = begun()
  ask()
  sent()
  time.advance(100_000)
  assert.equal(transport.ended, false)
  send(answer(1, 200, [], true))
  time.advance(60_000)
  assert.equal(transport.ended, true)
  transport.handler.onClose({ reason: 'closed', detail: '' })
  assert.deepEqual(events.slice(-2), ['draining', 'closed'])
  const lost = begun()
  const seen = lost.ask()
  lost.sent()
  lost.transport.handler.onClose({ reason: 'reset', detail: 'gone' })
  assert.deepEqual(seen.failure, { kind: 'closed', silent: true, detail: 'gone' })
})

test('an abandoned request is reset, and its answer dropped while the table stays in step', () => {
  const { ask, send, sent } = begun()
  const seen = ask()
  sent()
  seen.stream.abandon()
  const [frameBack] = sent()
  assert.deepEqual(
    [frameBack?.type, frameBack?.payload.readUInt32BE(0)],
    [FrameType.RST_STREAM, ErrorCode.INTERNAL_ERROR],
  )
  const [first] = [answer(1, 200, [['x-a', 'b']])]
  assert.deepEqual(send(first, data(1, 'x'), data(1, '', ends)), [])
  assert.deepEqual(seen.events, [])
})

test('a connection that was silent for long is asked before the next request, and is gone without an answer', () => {
  const { ask, send, time, transport } = clientUnderTest({ pingIdleMs: 5_000, pingTimeoutMs: 1_000 })
  send(settings())
  const pings = (frames: readonly WireFrame[]): number =>
    frames.filter(({ type, flags }) => type === FrameType.PING && flags === 0).length
  time.advance(4_999)
  ask()
  assert.equal(pings(send(answer(1, 200, [], true))), 0)
  time.advance(5_000)
  ask()
  const [alive, ...more] = send(frame(FrameType.PING, 0, 0, 'question'))
  assert.deepEqual([alive?.type, alive?.flags, more[0]?.type], [FrameType.PING, 0, FrameType.HEADERS])
  time.advance(1_000)
  assert.equal(transport.destroyed, false, 'what it said proves that it is there')
  time.advance(5_000)
  ask()
  time.advance(1_000)
  assert.equal(transport.destroyed, true)
})
