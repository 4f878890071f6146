import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { ErrorCode, FrameFlag, FrameType } from './frame.ts'
import { defaultH2Options } from './h2-options.ts'
import {
  answerHead,
  frame,
  framesOf,
  greeting,
  headFrame,
  linesOf,
  numbers,
  requestFields,
  type SeenRequest,
  serverUnderTest,
  settings,
  type WireFrame,
} from './h2-under-test.ts'
import { decodeFields, encodeFields } from './hpack-under-test.ts'
import { HpackDecoder } from './hpack-decoder.ts'
import { HpackEncoder } from './hpack-encoder.ts'

const ends = FrameFlag.END_STREAM
const data = (id: number, text: string, flags = 0): Buffer => frame(FrameType.DATA, flags, id, text)
const reset = (id: number, code: number = ErrorCode.CANCEL): Buffer => frame(FrameType.RST_STREAM, 0, id, numbers(code))
const widen = (id: number, bytes: number): Buffer => frame(FrameType.WINDOW_UPDATE, 0, id, numbers(bytes))
const post = (id: number, more = {}): Buffer => headFrame(id, requestFields({ ':method': 'POST', ...more }), false)
const get = (id: number, more = {}): Buffer => headFrame(id, requestFields(more))
const ofType = (frames: readonly WireFrame[], type: number): WireFrame[] => frames.filter((each) => each.type === type)
const numberOf = (each: WireFrame | undefined): number | undefined => each?.payload.readUInt32BE(0)

/** The error a connection ended with. */
function goawayCode(frames: readonly WireFrame[]): number | undefined {
  return ofType(frames, FrameType.GOAWAY).at(-1)?.payload.readUInt32BE(4)
}

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

const malformed: Record<string, [string, string][]> = {
  'no method': requestFields({ ':method': undefined }),
  'no path': requestFields({ ':path': undefined }),
  'an empty path': requestFields({ ':path': '' }),
  'a path without a slash': requestFields({ ':path': 'a' }),
  'a space in the path': requestFields({ ':path': '/a b' }),
  'neither authority nor host': requestFields({ ':authority': undefined }),
  'no scheme': requestFields({ ':scheme': undefined }),
  'a scheme of another kind': requestFields({ ':scheme': 'ht tp' }),
  'a method that is no token': requestFields({ ':method': 'G T' }),
  'a status': requestFields({ ':status': '200' }),
  'an unknown pseudo header': requestFields({ ':what': 'x' }),
  'a second path': [...requestFields(), [':path', '/b']],
  'a pseudo header behind others': [...requestFields({ ':path': undefined }), ['x-a', 'b'], [':path', '/']],
  'an upper-case name': requestFields({ 'X-A': 'b' }),
  'a name with a space': requestFields({ 'x a': 'b' }),
  'an empty name': [...requestFields(), ['', 'b']],
  'a line break in a value': requestFields({ 'x-a': 'b\r\nc: d' }),
  'a zero byte in a value': requestFields({ 'x-a': '\0' }),
  connection: requestFields({ connection: 'keep-alive' }),
  'transfer-encoding': requestFields({ 'transfer-encoding': 'chunked' }),
  'keep-alive': requestFields({ 'keep-alive': '5' }),
  upgrade: requestFields({ upgrade: 'h2c' }),
  'proxy-connection': requestFields({ 'proxy-connection': 'close' }),
  'te of something else': requestFields({ te: 'gzip' }),
  'a host that differs': requestFields({ host: 'b.example' }),
  'a second host': [...requestFields({ ':authority': undefined }), ['host', 'a'], ['host', 'a']],
  'user information in the authority': requestFields({ ':authority': 'user@a.example' }),
  'a body length that is no number': requestFields({ 'content-length': '+1' }),
  'two body lengths': [...requestFields(), ['content-length', '1'], ['content-length', '2']],
  'a body that never comes': requestFields({ 'content-length': '1' }),
  'CONNECT with a path': requestFields({ ':method': 'CONNECT' }),
  'CONNECT without an authority': [[':method', 'CONNECT']],
  'a protocol that was not offered': requestFields({ ':method': 'CONNECT', ':protocol': 'websocket' }),
}

for (const [name, fields] of Object.entries(malformed)) {
  test(`a request with ${name} is malformed: its stream is reset, the connection goes on`, () => {
    const { send, server } = serverUnderTest()
    send(greeting)
    const frames = send(headFrame(1, fields))
    assert.deepEqual(
      frames.map(({ type, id, payload }) => [type, id, payload.readUInt32BE(0)]),
      [[FrameType.RST_STREAM, 1, ErrorCode.PROTOCOL_ERROR]],
    )
    assert.equal(server.malformed.length, 1)
    assert.equal(server.requests.length, 0)
    server.onRequest = (request) => request.answer('fine')
    assert.equal(send(get(3)).length, 2)
  })
}

test('a malformed head ends the connection when the configuration does not say otherwise, as with Envoy', () => {
  const { send, server, transport } = serverUnderTest({ streamErrorOnMalformed: false })
  send(greeting)
  assert.equal(goawayCode(send(get(1, { 'X-A': 'b' }))), ErrorCode.PROTOCOL_ERROR)
  assert.deepEqual([server.malformed.length, transport.ended], [1, true])
})

test('a block that cannot be decoded, or that is never finished, is told of as a malformed head', () => {
  for (const bytes of [
    [frame(FrameType.HEADERS, FrameFlag.END_HEADERS, 1, '\x80')],
    [frame(FrameType.HEADERS, 0, 1, '\x82'), frame(FrameType.PING, 0, 0, 'pingping')],
  ]) {
    const { send, server, transport } = serverUnderTest()
    send(greeting)
    send(...bytes)
    assert.deepEqual([server.malformed.length, transport.ended], [1, true])
  }
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

test('crumbs of a cookie are one line, and an authority stands as host', () => {
  const { send, server } = serverUnderTest()
  send(greeting)
  send(
    headFrame(1, [...requestFields({ host: 'A.example' }), ['cookie', 'a=b'], ['x-a', '1'], ['cookie', 'c=d']]),
    headFrame(3, requestFields({ ':authority': undefined, host: 'b.example' })),
    headFrame(5, requestFields({ ':method': 'OPTIONS', ':path': '*' })),
  )
  const [first, second, third] = server.requests as [SeenRequest, SeenRequest, SeenRequest]
  assert.deepEqual(linesOf(first.stream.head), ['host: a.example', 'cookie: a=b; c=d', 'x-a: 1'])
  assert.deepEqual(linesOf(second.stream.head), ['host: b.example'])
  assert.equal(third.stream.head.target(), '*')
})

test('bodies longer or shorter than content-length, and trailers that are no end, reset the stream', () => {
  const cases: Buffer[][] = [
    [data(1, 'abc')],
    [data(1, 'a', ends)],
    [data(1, 'ab'), data(1, 'c', ends)],
    [data(1, 'a'), headFrame(1, [['x-a', 'b']])],
    [data(1, 'ab'), headFrame(1, [['x-a', 'b']], false)],
    [data(1, 'ab'), headFrame(1, [[':path', '/']])],
    [data(1, 'ab'), headFrame(1, [['content-length', '2']])],
  ]
  for (const [index, bytes] of cases.entries()) {
    const { send, server } = serverUnderTest()
    send(greeting, post(1, { 'content-length': '2' }))
    const [frame] = ofType(send(...bytes), FrameType.RST_STREAM)
    assert.equal(numberOf(frame), ErrorCode.PROTOCOL_ERROR, String(index))
    assert.ok(server.requests[0]?.gone !== undefined, String(index))
  }
})

test('a head over the limits is answered 431 and the table stays in step', () => {
  const { send, server } = serverUnderTest()
  const encoder = new HpackEncoder()
  const block = (fields: readonly (readonly [string, string])[]): Buffer =>
    encodeFields(
      encoder,
      fields.map(([name, value]) => ({ name, value })),
    )
  const head = (id: number, fields: readonly (readonly [string, string])[]): Buffer =>
    frame(FrameType.HEADERS, FrameFlag.END_HEADERS | ends, id, block(fields))
  send(greeting)
  const large: [string, string][] = [...requestFields(), ['x-a', 'v'.repeat(900)], ['x-b', 'v'.repeat(900)]]
  const tooLarge: [string, string][] = [...large, ['x-c', 'w'.repeat(3_000)], ['x-d', 'late']]
  send(head(1, large), head(3, tooLarge))
  const [answer] = send(head(5, tooLarge))
  assert.equal((decodeFields(new HpackDecoder(), answer?.payload as Buffer)[0] as { value: string }).value, '431')
  send(head(7, [...requestFields(), ['x-a', 'v'.repeat(900)], ['x-d', 'late']]))
  assert.deepEqual(linesOf(server.requests.at(-1)?.stream.head as never), [
    'host: a.example',
    `x-a: ${'v'.repeat(900)}`,
    'x-d: late',
  ])
  send(head(9, [...requestFields(), ...Array.from({ length: 25 }, (): [string, string] => ['x-e', 'f'])]))
  assert.equal(server.faults.length, 3)
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

test('CONNECT opens a byte stream whose directions end one by one', async () => {
  const { send, server, time } = serverUnderTest()
  send(
    greeting,
    headFrame(
      1,
      [
        [':method', 'CONNECT'],
        [':authority', 'a.example:443'],
      ],
      false,
    ),
    data(1, 'early '),
  )
  const [request] = server.requests as [SeenRequest]
  const { stream } = request
  assert.deepEqual([stream.head.method(), stream.head.target(), stream.requestBody], ['CONNECT', '', 'unknown'])
  const seen: string[] = [request.body]
  stream.respond(answerHead(200), 'unknown', true)
  const { transport: inner } = stream.tunnel()
  assert.equal(inner.remoteAddress, '127.0.0.2')
  inner.handler = {
    onData: (chunk) => void seen.push(chunk.toString()),
    onEnd: () => void seen.push('end'),
    onDrain: () => void seen.push('drain'),
    onClose: ({ reason }) => void seen.push(reason),
  }
  send(data(1, 'held'))
  assert.deepEqual(seen, ['early '])
  inner.resume()
  time.turn()
  assert.equal(inner.write(Buffer.from('up')), true)
  assert.equal(inner.writeLatin1('per'), true)
  assert.deepEqual(
    send(data(1, '', ends))
      .filter(({ type }) => type === 0)
      .map(({ payload }) => payload.toString()),
    ['up', 'per'],
  )
  assert.deepEqual(seen, ['early ', 'held', 'end'])
  inner.write(Buffer.from('later'))
  inner.end()
  const [last] = send(Buffer.alloc(0))
  assert.deepEqual([last?.payload.toString(), last?.flags], ['later', ends])
  await Promise.resolve()
  assert.deepEqual(seen, ['early ', 'held', 'end', 'closed'])
  assert.deepEqual(send(widen(1, 5), reset(1)), [])
})

test('a tunnel that is reset or torn down is told, and says so, once', async () => {
  for (const who of ['client', 'us', 'connection'] as const) {
    const { send, server, transport } = serverUnderTest()
    send(
      greeting,
      headFrame(
        1,
        [
          [':method', 'CONNECT'],
          [':authority', 'a:1'],
        ],
        false,
      ),
    )
    const stream = server.requests[0]?.stream as SeenRequest['stream']
    stream.respond(answerHead(200), 'unknown', true)
    const { transport: inner } = stream.tunnel()
    const closes: string[] = []
    inner.handler = { onData() {}, onEnd() {}, onDrain() {}, onClose: ({ reason }) => void closes.push(reason) }
    inner.resume()
    let frames: WireFrame[] = []
    if (who === 'client') send(reset(1))
    else if (who === 'connection') transport.handler.onClose({ reason: 'reset', detail: '' })
    else {
      inner.destroy()
      inner.destroy()
      frames = send(Buffer.alloc(0))
      assert.deepEqual(
        frames.slice(1).map(({ type, payload }) => [type, payload.readUInt32BE(0)]),
        [[3, 10]],
      )
    }
    await Promise.resolve()
    assert.deepEqual(closes, [{ us: 'local', client: 'reset', connection: 'unreachable' }[who]])
    assert.equal(inner.write(Buffer.from('x')), true)
  }
})

test('an extended CONNECT is offered, taken, and answered 200 where HTTP/1.1 says 101', () => {
  const { send, server } = serverUnderTest({ allowConnect: true })
  send(greeting)
  send(headFrame(1, requestFields({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/chat' }), false))
  const { stream } = server.requests[0] as SeenRequest
  assert.deepEqual([stream.head.protocolNamed(), stream.head.target()], ['websocket', '/chat'])
  stream.respond(
    answerHead(101, [
      ['upgrade', 'websocket'],
      ['connection', 'upgrade'],
    ]),
    'none',
    true,
  )
  const [head] = send(Buffer.alloc(0))
  assert.deepEqual(decodeFields(new HpackDecoder(), head?.payload as Buffer), [
    { name: ':status', value: '200', neverIndexed: false },
  ])
  assert.equal(head?.flags, FrameFlag.END_HEADERS)
})

test('a never-indexed field is written never-indexed again', () => {
  const { send, server } = serverUnderTest()
  server.onRequest = ({ stream }) => {
    const head = answerHead(200, [
      ['x-secret', 'a'],
      ['x-open', 'b'],
    ])
    head.unindexed = stream.head.unindexed
    stream.respond(head, 'none', true)
    stream.end()
  }
  send(greeting)
  const block = encodeFields(new HpackEncoder(), [
    ...requestFields().map(([name, value]) => ({ name, value })),
    { name: 'x-secret', value: 'a', neverIndexed: true },
  ])
  const [head] = send(frame(FrameType.HEADERS, 5, 1, block))
  assert.equal(head?.flags, 5)
  const fields = decodeFields(new HpackDecoder(), head?.payload as Buffer) as { neverIndexed: boolean }[]
  assert.deepEqual(
    fields.map(({ neverIndexed }) => neverIndexed),
    [false, true, false],
  )
})

test('a head larger than a frame goes on in CONTINUATION frames', () => {
  const { send, server } = serverUnderTest()
  send(greeting, get(1))
  const value = 'v'.repeat(20_000)
  server.requests[0]?.stream.respond(
    answerHead(200, [
      ['x-a', value],
      ['x-b', value],
    ]),
    'none',
    true,
  )
  server.requests[0]?.stream.end()
  const frames = send(Buffer.alloc(0))
  assert.deepEqual(
    frames.map(({ type, flags }) => [type, flags]),
    [
      [FrameType.HEADERS, ends],
      [FrameType.CONTINUATION, 0],
      [FrameType.CONTINUATION, FrameFlag.END_HEADERS],
    ],
  )
  const block = Buffer.concat(frames.map(({ payload }) => payload))
  assert.equal((decodeFields(new HpackDecoder(), block) as unknown[]).length, 3)
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
