// Heads of requests: what is malformed, what is too large, and how lines are told and written.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { ErrorCode, FrameFlag, FrameType } from './frame.ts'
import { data, ends, get, goawayCode, numberOf, ofType, post } from './frames-under-test.ts'
import {
  answerHead,
  frame,
  greeting,
  headFrame,
  linesOf,
  requestFields,
  type SeenRequest,
  serverUnderTest,
} from './h2-under-test.ts'
import { decodeFields, encodeFields } from './hpack-under-test.ts'
import { HpackDecoder } from './hpack-decoder.ts'
import { HpackEncoder } from './hpack-encoder.ts'

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
