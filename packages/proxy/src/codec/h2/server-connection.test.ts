// Requests and answers of a connection, how streams end, and the life of the connection itself.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { ErrorCode, FrameFlag, FrameType } from './frame.ts'
import { data, ends, get, goawayCode, numberOf, ofType, post, reset, widen } from './frames-under-test.ts'
import {
  answerHead,
  frame,
  framesOf,
  greeting,
  headFrame,
  linesOf,
  numbers,
  type SeenRequest,
  serverUnderTest,
} from './h2-under-test.ts'
import { encodeFields } from './hpack-under-test.ts'
import { HpackEncoder } from './hpack-encoder.ts'

test('a small answer leaves in one write: HEADERS, then DATA that ends the stream', () => {
  const { send, server, transport } = serverUnderTest()
  server.onRequest = (request) => request.answer('hello')
  send(greeting)
  const before = transport.writes
  const frames = send(get(1, { 'x-a': 'b' }), get(3))
  assert.equal(transport.writes, before + 1)
  assert.deepEqual(
    frames.map(({ type, flags, id }) => [type, flags, id]),
    [
      [FrameType.HEADERS, FrameFlag.END_HEADERS, 1],
      [FrameType.DATA, ends, 1],
      [FrameType.HEADERS, FrameFlag.END_HEADERS, 3],
      [FrameType.DATA, ends, 3],
    ],
  )
  assert.equal(frames[1]?.payload.toString(), 'hello')
  const [first] = server.requests as [SeenRequest]
  const { head } = first.stream
  assert.deepEqual([head.method(), head.target(), head.schemeNamed()], ['GET', '/', 'http'])
  assert.deepEqual(linesOf(head), ['host: a.example', 'x-a: b'])
  assert.equal(server.requests.length, 2)
})

test('a body, its trailers and the answer to them pass whole, however the bytes are split', () => {
  const block = encodeFields(new HpackEncoder(), [{ name: 'x-sum', value: '1' }])
  const bytes = Buffer.concat([
    greeting,
    post(1, { te: 'trailers', 'content-length': '10' }),
    frame(
      FrameType.DATA,
      FrameFlag.PADDED,
      1,
      Buffer.concat([Buffer.from([3]), Buffer.from('hello'), Buffer.alloc(3)]),
    ),
    frame(FrameType.PING, 0, 0, 'pingping'),
    frame(0xfa, 7, 1, 'unknown'),
    data(1, 'world'),
    frame(FrameType.HEADERS, FrameFlag.END_STREAM, 1, block.subarray(0, 2)),
    frame(FrameType.CONTINUATION, 0, 1, block.subarray(2, 4)),
    frame(FrameType.CONTINUATION, FrameFlag.END_HEADERS, 1, block.subarray(4)),
  ])
  const outcome = (cut: number): unknown => {
    const { send, server, time, transport } = serverUnderTest()
    server.onRequest = (request) => {
      request.onWhole = ({ stream, body, trailers }) => {
        stream.inform(answerHead(103, [['link', '</a>']]))
        stream.respond(answerHead(200), 'unknown', true)
        const echo = Buffer.from(`${body}${String(trailers)}`)
        stream.sendBytes(echo, 0, echo.length)
        stream.end(answerHead(0, [['grpc-status', '0']]))
      }
    }
    transport.handler.onData(bytes.subarray(0, cut))
    transport.handler.onData(bytes.subarray(cut))
    time.turn()
    const frames = send()
    return frames.map(({ type, flags, id, payload }) => [type, flags, id, payload.toString('latin1')])
  }
  const whole = outcome(bytes.length)
  assert.deepEqual(
    (whole as unknown[][]).map(([type]) => type),
    [4, 6, 1, 1, 0, 1],
  )
  for (let cut = 1; cut < bytes.length; cut++) assert.deepEqual(outcome(cut), whole, `cut at ${cut}`)
})

test('an answer before the end of the request asks the client to stop, and what still comes is dropped', () => {
  const { send, server } = serverUnderTest()
  send(greeting)
  server.onRequest = (request) => request.answer('no')
  const frames = send(post(1), data(1, 'more'))
  assert.deepEqual(
    frames.map(({ type, flags }) => [type, flags]),
    [
      [FrameType.HEADERS, FrameFlag.END_HEADERS],
      [FrameType.DATA, ends],
      [FrameType.RST_STREAM, 0],
    ],
  )
  assert.equal(numberOf(frames[2]), ErrorCode.NO_ERROR)
  assert.deepEqual(send(data(1, 'and more'), headFrame(1, [['x-a', 'b']])), [])
  assert.equal(server.requests[0]?.gone, undefined)
})

test('a reset by the client is told once, a reset by us is sent with its code', () => {
  const { send, server } = serverUnderTest()
  send(greeting, post(1), post(3))
  assert.deepEqual(send(reset(1), reset(1)), [])
  assert.match(server.requests[0]?.gone as string, /CANCEL/)
  server.requests[1]?.stream.reset('internal')
  const [frame] = send(Buffer.alloc(0))
  assert.deepEqual([frame?.type, frame?.id, numberOf(frame)], [FrameType.RST_STREAM, 3, ErrorCode.INTERNAL_ERROR])
  assert.deepEqual(send(reset(3), data(3, 'late'), widen(3, 1)), [])
})

test('how a stream ended is told: the connection, a reset, a fault', () => {
  const ends: [Buffer, string | undefined][] = [
    [reset(1), 'reset'],
    [widen(1, 0), 'protocol'],
    [frame(FrameType.PUSH_PROMISE, 4, 1, numbers(2)), 'protocol'],
  ]
  for (const [bytes, how] of ends) {
    const { send, server } = serverUnderTest()
    send(greeting, post(1))
    send(bytes)
    assert.equal(server.requests[0]?.how, how)
  }
  const { send, server, transport } = serverUnderTest()
  send(greeting, post(1))
  transport.handler.onEnd()
  assert.equal(server.requests[0]?.how, 'closed')
})

test('streams beyond the offered number are refused', () => {
  const { send, server } = serverUnderTest({ maxConcurrentStreams: 2 })
  const frames = send(greeting, post(1), post(3), post(5))
  const [refused] = ofType(frames, FrameType.RST_STREAM)
  assert.deepEqual([refused?.id, numberOf(refused)], [5, ErrorCode.REFUSED_STREAM])
  send(reset(1))
  send(post(7))
  assert.equal(server.requests.length, 3)
})

test('a drain warns, serves what was on its way, then says its last word and closes', () => {
  const { send, server, connection, transport, time } = serverUnderTest()
  send(greeting, post(1))
  connection.drain()
  time.turn()
  const [goaway, ping] = send(Buffer.alloc(0))
  assert.deepEqual([numberOf(goaway), goaway?.payload.readUInt32BE(4)], [0x7fffffff, ErrorCode.NO_ERROR])
  const last = send(post(3), frame(FrameType.PING, FrameFlag.ACK, 0, ping?.payload as Buffer))
  assert.equal(numberOf(ofType(last, FrameType.GOAWAY)[0]), 3)
  assert.deepEqual(send(post(5), data(5, 'ignored')), [])
  assert.equal(server.requests.length, 2)
  for (const request of server.requests) request.answer()
  send(Buffer.alloc(0))
  assert.equal(transport.ended, false, 'the client may close by itself')
  time.advance(5_000)
  assert.equal(transport.ended, true)
  time.advance(1_000)
  assert.equal(transport.destroyed, true)
})

test('a client that does not answer the warning is told the last word after a while', () => {
  const { send, connection, time, transport } = serverUnderTest()
  send(greeting, post(1))
  connection.drain()
  time.turn()
  transport.take()
  time.advance(5_000)
  assert.equal(numberOf(ofType(send(Buffer.alloc(0)), FrameType.GOAWAY)[0]), 1)
})

test('an idle connection closes by itself, one that is served does not', () => {
  const { send, time, transport, server } = serverUnderTest()
  send(greeting, post(1))
  time.advance(200_000)
  assert.equal(transport.ended, false)
  server.requests[0]?.answer()
  time.advance(59_999)
  transport.take()
  time.advance(1)
  const warning = framesOf(transport.take())
  assert.equal(numberOf(ofType(warning, FrameType.GOAWAY)[0]), 0x7fffffff)
  assert.equal(ofType(warning, FrameType.PING).length, 1)
  time.advance(4_999)
  assert.equal(transport.ended, false)
  time.advance(1)
  assert.equal(transport.ended, true)
  assert.equal(goawayCode(framesOf(transport.take())), ErrorCode.NO_ERROR)
})

test('heads that do not end, and a client that never speaks, end the connection in time', () => {
  const silent = serverUnderTest()
  silent.time.advance(10_000)
  assert.equal(silent.transport.ended, true)
  const slow = serverUnderTest()
  slow.send(greeting)
  slow.time.advance(9_000)
  slow.send(get(1).subarray(0, 12))
  for (let second = 0; second < 9; second++) {
    slow.time.advance(1_000)
    assert.deepEqual(slow.send(get(1).subarray(12 + second, 13 + second)), [])
  }
  slow.time.advance(1_000)
  assert.equal(slow.transport.ended, true)
})

test('an unanswered PING ends the connection, any frame proves that the peer is there', () => {
  const { send, time, transport } = serverUnderTest({ pingIntervalMs: 10_000, pingTimeoutMs: 2_000 })
  send(greeting)
  time.advance(10_000)
  const busy = send(post(1))
  assert.deepEqual(ofType(busy, FrameType.PING), [])
  time.advance(10_000)
  time.advance(10_000)
  const [ping] = ofType(send(Buffer.alloc(0)), FrameType.PING)
  assert.equal(ping?.flags, 0)
  time.advance(20_000)
  assert.equal(transport.destroyed, true)
})

test('when the client goes, every open exchange is told', () => {
  for (const how of ['end', 'close'] as const) {
    const { send, server, transport } = serverUnderTest()
    send(greeting, post(1), post(3))
    if (how === 'end') transport.handler.onEnd()
    transport.handler.onClose({ reason: 'closed', detail: 'gone away' })
    assert.equal(server.requests.filter(({ gone }) => gone !== undefined).length, 2)
    assert.equal(server.closed, 'closed')
  }
})

test('a connection that ends is not cut off while the client takes its last bytes', () => {
  const { send, transport, time } = serverUnderTest()
  send(greeting)
  transport.queuedBytes = 3_000
  send(frame(FrameType.DATA, 0, 0, 'nothing'))
  assert.equal(transport.ended, true)
  for (const left of [2_000, 1_000, 500]) {
    transport.queuedBytes = left
    time.advance(1_000)
    assert.equal(transport.destroyed, false, 'it took some')
  }
  time.advance(1_000)
  assert.equal(transport.destroyed, true, 'it takes none')
})
