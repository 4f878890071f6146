// Windows, turns and pauses: who may send when, and what is held meanwhile.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { ErrorCode, FrameType } from './frame.ts'
import { data, ends, get, goawayCode, numberOf, ofType, post, widen } from './frames-under-test.ts'
import {
  answerHead,
  frame,
  greeting,
  numbers,
  type SeenRequest,
  serverUnderTest,
  settings,
  type WireFrame,
} from './h2-under-test.ts'

test('an answer waits for the windows of its stream and of the connection', () => {
  const { send, server } = serverUnderTest()
  send(greeting.subarray(0, 24), settings([4, 10]))
  const [, answer] = send(get(1))
  assert.equal(answer, undefined)
  const [request] = server.requests as [SeenRequest]
  request.stream.respond(answerHead(200), 'unknown', true)
  const body = Buffer.from('0123456789abcdefghij')
  assert.equal(request.stream.sendBytes(body, 0, body.length), false)
  request.stream.end()
  const texts = (frames: readonly WireFrame[]): string[] =>
    ofType(frames, FrameType.DATA).map(({ payload, flags }) => `${payload.toString()}${flags === ends ? '.' : ''}`)
  assert.deepEqual(texts(send(Buffer.alloc(0))), ['0123456789'])
  assert.deepEqual(texts(send(widen(1, 3))), ['abc'])
  assert.deepEqual(texts(send(settings([4, 15]))), ['defgh'])
  assert.deepEqual(texts(send(settings([4, 1]))), [])
  assert.deepEqual(texts(send(widen(1, 14))), [])
  assert.deepEqual(texts(send(widen(1, 1))), ['i'])
  assert.deepEqual(texts(send(widen(1, 100))), ['j.'])
})

test('what a window allows leaves before the answer to what follows, in the same read too', () => {
  const { send, server } = serverUnderTest()
  send(greeting.subarray(0, 24), settings([4, 0]))
  send(get(1))
  const [request] = server.requests as [SeenRequest]
  request.answer('waits')
  const order = send(
    Buffer.concat([widen(1, 2), frame(6, 0, 0, 'pingping'), settings([4, 3]), frame(5, 0, 1, numbers(1, 2, 3))]),
  )
  assert.deepEqual(
    order.map(({ type, payload }) => (type === FrameType.DATA ? payload.toString() : type)),
    [FrameType.HEADERS, 'wa', FrameType.PING, FrameType.SETTINGS, 'its', FrameType.GOAWAY],
  )
})

test('streams take turns, a frame each, when all wait for the connection', () => {
  const { send, server } = serverUnderTest()
  send(greeting.subarray(0, 24), settings([4, 1_000_000]))
  send(get(1), get(3), get(5))
  const body = Buffer.alloc(100_000)
  for (const { stream } of server.requests) {
    stream.respond(answerHead(200), 'unknown', true)
    stream.sendBytes(body, 0, body.length)
    stream.end()
  }
  const first = ofType(send(Buffer.alloc(0)), FrameType.DATA)
  assert.equal(
    first.reduce((sum, { payload }) => sum + payload.length, 0),
    65_535,
  )
  const order = ofType(send(widen(0, 100_000)), FrameType.DATA).map(({ id }) => id)
  const rounds = order.slice(1, 7).join()
  assert.ok(['1,3,5,1,3,5', '3,5,1,3,5,1', '5,1,3,5,1,3'].includes(rounds), order.join())
})

test('a writer is told when it may go on, and only once its data has left', () => {
  const { send, server, transport, time } = serverUnderTest()
  send(greeting)
  send(get(1))
  const [request] = server.requests as [SeenRequest]
  const body = Buffer.alloc(70_000)
  transport.full = true
  request.stream.respond(answerHead(200), 'unknown', true)
  assert.equal(request.stream.sendBytes(body, 0, body.length), false)
  time.turn()
  assert.equal(request.stream.flush(), false)
  send(widen(1, 100_000), widen(0, 100_000))
  assert.equal(request.writables, 0, 'the transport is full')
  transport.full = false
  transport.handler.onDrain()
  time.turn()
  assert.equal(request.writables, 1)
  assert.equal(request.stream.flush(), true)
})

test('a paused request holds no more than its window, and does not hold up its neighbours', () => {
  const { send, server, time, transport } = serverUnderTest()
  send(greeting)
  send(post(1), post(3))
  const [slow, quick] = server.requests as [SeenRequest, SeenRequest]
  slow.stream.pauseRequest()
  const piece = 'x'.repeat(13_107)
  const updates = send(...[1, 2, 3, 4, 5].map(() => data(1, piece)))
  assert.deepEqual(
    ofType(updates, FrameType.WINDOW_UPDATE).filter(({ id }) => id === 1),
    [],
  )
  assert.equal(slow.body, '')
  const others = send(...[1, 2, 3, 4].map(() => data(3, piece)))
  assert.equal(quick.body.length, 4 * 13_107)
  assert.equal(ofType(others, FrameType.WINDOW_UPDATE).filter(({ id }) => id === 3).length, 1)
  slow.stream.resumeRequest()
  assert.equal(slow.body, '', 'never within the call')
  time.turn()
  assert.equal(slow.body.length, 65_535)
  const given = ofType(send(Buffer.alloc(0)), FrameType.WINDOW_UPDATE).filter(({ id }) => id === 1)
  assert.ok((numberOf(given[0]) as number) >= 32_768)
  slow.stream.pauseRequest()
  const [left] = [65_535]
  for (let sent = 0; sent < 3 * left; sent += 13_107) transport.handler.onData(data(1, piece))
  assert.equal(slow.gone, 'more than the stream takes')
})

test('a window grows by what is taken as it comes, and shrinks by what was held back', () => {
  const { send, server, time } = serverUnderTest()
  send(greeting, post(1))
  const [request] = server.requests as [SeenRequest]
  const piece = 'x'.repeat(8_192)
  let left = 65_535
  const allowed = (frames: readonly WireFrame[]): number => {
    const updates = ofType(frames, FrameType.WINDOW_UPDATE).filter(({ id }) => id === 1)
    const bytes = updates.reduce((sum, frame) => sum + (numberOf(frame) as number), 0)
    left += bytes
    return bytes
  }
  const fill = (): number => {
    const pieces = Math.floor(left / piece.length)
    left -= pieces * piece.length
    return allowed(send(...Array.from({ length: pieces }, () => data(1, piece))))
  }
  for (let round = 0; round < 12; round++) fill()
  assert.equal(request.gone, undefined)
  assert.ok(left > 500_000, `${left} bytes may come to a reader that keeps up`)
  request.stream.pauseRequest()
  assert.equal(fill(), 0)
  request.stream.resumeRequest()
  time.turn()
  assert.ok(allowed(send(Buffer.alloc(0))) > 0)
  assert.ok(left < 250_000, `${left} bytes may come after what was held back`)
})

test('single bytes that nobody reads are kept as bytes, and told in their order', () => {
  const { send, server, time } = serverUnderTest()
  send(greeting, post(1))
  const [request] = server.requests as [SeenRequest]
  request.stream.pauseRequest()
  const text = Array.from({ length: 40_000 }, (_, index) => String.fromCharCode(97 + (index % 26))).join('')
  send(...[...text].map((letter) => data(1, letter)))
  let told = 0
  request.onEach = () => {
    told++
    if (told === 2) request.stream.pauseRequest()
  }
  request.stream.resumeRequest()
  time.turn()
  assert.ok(request.body.length < text.length)
  request.stream.resumeRequest()
  send(data(1, '.', ends))
  assert.equal(request.body, `${text}.`)
  assert.equal(request.ended, true)
  assert.ok(told < 12, `${told} pieces`)
})

test('a stream that is sent more than its window is reset, a connection that is sent more than its own ends', () => {
  const small = serverUnderTest({ streamWindowBytes: 100, largestStreamWindowBytes: 100 })
  small.send(greeting, post(1), post(3))
  const [reply] = ofType(small.send(data(1, 'x'.repeat(101))), FrameType.RST_STREAM)
  assert.deepEqual([reply?.id, numberOf(reply)], [1, ErrorCode.FLOW_CONTROL_ERROR])
  const held = serverUnderTest({ heldBytes: 0, connectionWindowBytes: 65_535 })
  held.send(greeting, ...[1, 3, 5].map((id) => post(id)))
  for (const { stream } of held.server.requests) stream.pauseRequest()
  let frames: WireFrame[] = []
  for (let round = 0; round < 3; round++) frames = held.send(...[1, 3, 5].map((id) => data(id, 'x'.repeat(8_000))))
  assert.equal(goawayCode(frames), ErrorCode.FLOW_CONTROL_ERROR)
})

test('a stream whose client takes no data for too long is reset', () => {
  const { send, server, time } = serverUnderTest({ stallMs: 5_000 })
  send(greeting.subarray(0, 24), settings([4, 0]), get(1))
  const [request] = server.requests as [SeenRequest]
  request.answer('never')
  time.advance(4_999)
  send(widen(1, 1))
  time.advance(4_999)
  time.advance(1)
  assert.equal(request.gone, undefined, 'its exchange was over')
  const other = serverUnderTest({ stallMs: 5_000 })
  other.send(greeting.subarray(0, 24), settings([4, 0]), get(1))
  const [open] = other.server.requests as [SeenRequest]
  open.stream.respond(answerHead(200), 'unknown', true)
  open.stream.sendBytes(Buffer.from('x'), 0, 1)
  other.time.advance(5_000)
  assert.match(open.gone as string, /does not take/)
})
