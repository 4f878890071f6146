// Generated frames through both sides of the codec: nothing a peer sends may throw, and how the bytes are cut changes nothing.
// WEFT_FUZZ_CASES sets how many cases each property tries. On failure fast-check prints seed and path: put them into `runs` to replay.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { H2ClientConnection } from './client-connection.ts'
import { clientPreface } from './frame.ts'
import { defaultH2Options } from './h2-options.ts'
import { createH2Shared } from './h2-shared.ts'
import {
  answerHead,
  frame,
  framesOf,
  headFrame,
  linesOf,
  ManualTime,
  MemoryTransport,
  numbers,
  requestFields,
  SeenAnswer,
  serverUnderTest,
  settings,
} from './h2-under-test.ts'
import { onceFailedAtServers } from './once-failed.ts'

const runs = { numRuns: Number(process.env['WEFT_FUZZ_CASES'] ?? 2_000) }

const id = fc.oneof(fc.constantFrom(0, 1, 3, 5, 2, 7, 0x7fffffff), fc.nat({ max: 0x7fffffff }))
const flags = fc.oneof(fc.constantFrom(0, 1, 4, 5, 8, 0x25, 0x2d), fc.nat({ max: 255 }))
const bytes = fc.uint8Array({ maxLength: 40 }).map((each) => Buffer.from(each))
const fields = fc.array(
  fc.tuple(
    fc.constantFrom(':path', ':method', ':status', ':protocol', 'host', 'te', 'content-length', 'cookie', 'x-a', 'X'),
    fc.constantFrom('/', 'GET', 'CONNECT', '200', '103', 'trailers', '5', 'a', '\n', 'v'.repeat(500)),
  ),
  { maxLength: 6 },
)

/** Frames that mostly mean something. */
const likely = fc.oneof(
  fc
    .tuple(id, fields, fc.boolean())
    .map(([stream, more, ends]) => headFrame(stream, [...requestFields(), ...more], ends)),
  fc.tuple(id, fields, fc.boolean()).map(([stream, more, ends]) => headFrame(stream, more, ends)),
  fc
    .tuple(id, fields, fc.boolean())
    .map(([stream, more, ends]) => headFrame(stream, [[':status', '200'], ...more], ends)),
  fc.tuple(id, bytes, flags).map(([stream, body, flag]) => frame(0, flag & 9, stream, body)),
  fc.tuple(id, fc.nat({ max: 13 })).map(([stream, code]) => frame(3, 0, stream, numbers(code))),
  fc.tuple(id, fc.constantFrom(0, 1, 100, 0x7fffffff)).map(([stream, more]) => frame(8, 0, stream, numbers(more))),
  fc
    .tuple(fc.constantFrom(1, 2, 3, 4, 5, 6, 8, 9), fc.constantFrom(0, 1, 50, 70_000, 0x7fffffff, 0xffffffff))
    .map(([setting, value]) => settings([setting, value])),
  fc.constantFrom(
    frame(4, 1),
    frame(6, 0, 0, 'pingping'),
    frame(6, 1, 0, '\x02ingping'),
    frame(7, 0, 0, numbers(1, 0)),
  ),
)
const anyFrame = fc.oneof(
  { weight: 4, arbitrary: likely },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.nat({ max: 20 }), flags, id, bytes)
      .map(([type, flag, stream, body]) => frame(type, flag, stream, body)),
  },
)
/** Frames, a few bytes of which are overwritten. */
const stream = fc
  .tuple(fc.array(anyFrame, { maxLength: 12 }), fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 3 }))
  .map(([frames, faults]) => {
    const all = Buffer.concat([settings(), ...frames])
    for (const [at, byte] of faults) all[at % all.length] = byte
    return all
  })
const cuts = fc.oneof(
  { weight: 3, arbitrary: fc.array(fc.nat({ max: 600 }), { maxLength: 6 }) },
  { weight: 1, arbitrary: fc.constant(Array.from({ length: 1_000 }, (_, place) => place)) },
)

function pieces(all: Buffer, at: readonly number[]): Buffer[] {
  const places = [...new Set(at)].filter((place) => place < all.length).sort((a, b) => a - b)
  return [...places, all.length].map((place, index) => all.subarray(places[index - 1] ?? 0, place))
}

function serve(input: readonly Buffer[]): unknown {
  const { transport, server, time, connection } = serverUnderTest({ allowConnect: true })
  transport.handler.onData(Buffer.from(clientPreface))
  server.onRequest = (request) => {
    if (request.ended) request.answer(request.stream.head.target())
    else if (request.stream.head.method() === 'GET') request.onWhole = () => request.answer(request.body)
    else request.onEach = () => request.stream.pauseRequest()
  }
  for (const piece of input) transport.handler.onData(piece)
  time.turn()
  const written = transport.take()
  for (const { stream: each } of server.requests) each.resumeRequest()
  time.turn()
  const after = transport.take()
  const requests = server.requests.map(({ body, ended, gone, trailers, stream: each }) => [
    ...[linesOf(each.head), each.head.method(), each.head.target(), body, ended, gone, trailers],
  ])
  const { ended, destroyed } = transport
  transport.handler.onClose({ reason: 'closed', detail: '' })
  assert.equal(connection.streams.size, 0)
  return { frames: framesOf(Buffer.concat([written, after])).map(plain), requests, ended, destroyed }
}

const plain = ({ type, flags: flag, id: on, payload }: ReturnType<typeof framesOf>[number]): unknown => [
  ...[type, flag, on, payload.toString('hex')],
]

function ask(input: readonly Buffer[]): unknown {
  const time = new ManualTime()
  const transport = new MemoryTransport()
  const owner = { idleMs: () => 0, onRoom() {}, onDraining() {}, onClosed() {} }
  const shared = createH2Shared({ clock: time, timers: time })
  const connection = new H2ClientConnection(transport, owner, shared, defaultH2Options)
  connection.start()
  const answers = ['GET', 'HEAD', 'POST', 'CONNECT'].map((method) => {
    const opened = connection.open()
    const seen = new SeenAnswer(opened)
    opened.begin(seen, {
      ...{ method, path: '/', authority: 'a', scheme: 'http', upgrade: undefined, head: answerHead(0), extra: [] },
      body: method === 'POST' ? 'unknown' : 'none',
    })
    return seen
  })
  for (const piece of input) transport.handler.onData(piece)
  time.turn()
  const frames = framesOf(transport.take().subarray(clientPreface.length)).map(plain)
  const told = answers.map(({ events, failure }) => [joined(events), failure])
  transport.handler.onClose({ reason: 'closed', detail: '' })
  assert.equal(connection.streams.size, 0)
  return { frames, told, ended: transport.ended }
}

/** Pieces of a body in a row are one; when a read ends says nothing of the message. */
function joined(events: readonly string[]): string {
  return events.filter((event) => event !== 'flush').join('')
}

test('a server takes any frames, however they are cut, and does the same', () => {
  fc.assert(
    fc.property(stream, cuts, (all, at) => {
      const whole = serve([all])
      assert.deepEqual(serve(pieces(all, at)), whole)
    }),
    { ...runs, examples: onceFailedAtServers },
  )
})

test('a client takes any frames, however they are cut, and does the same', () => {
  fc.assert(
    fc.property(stream, cuts, (all, at) => {
      const whole = ask([all])
      assert.deepEqual(ask(pieces(all, at)), whole)
    }),
    runs,
  )
})

test('a client and a server say the same to each other, however their bytes are cut', () => {
  const exchange = fc.record({
    body: fc.string({ maxLength: 50 }),
    answer: fc.nat({ max: 60_000 }),
    trailers: fc.boolean(),
    status: fc.constantFrom(200, 204, 404),
  })
  fc.assert(
    fc.property(
      fc.array(exchange, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 20_000 }),
      (list, size) => {
        const { transport, server, time, hello } = serverUnderTest()
        const client = new MemoryTransport()
        const owner = { idleMs: () => 0, onRoom() {}, onDraining() {}, onClosed() {} }
        const shared = createH2Shared({ clock: time, timers: time })
        const connection = new H2ClientConnection(client, owner, shared, defaultH2Options)
        server.onRequest = (request) => {
          request.onWhole = () => {
            const { answer, status, trailers } = list[server.requests.indexOf(request)] as (typeof list)[number]
            const bytes = Buffer.alloc(status === 204 ? 0 : answer, 'x')
            request.stream.respond(answerHead(status), bytes.length === 0 ? 'none' : 'unknown', true)
            if (bytes.length > 0) request.stream.sendBytes(bytes, 0, bytes.length)
            request.stream.end(trailers ? answerHead(0, [['x-sum', String(bytes.length)]]) : undefined)
          }
          // An empty body ends with its head.
          if (request.ended) request.onWhole(request)
        }
        connection.start()
        client.handler.onData(hello)
        const answers = list.map(({ body }) => {
          const opened = connection.open()
          const seen = new SeenAnswer(opened)
          const bytes = Buffer.from(body)
          opened.begin(seen, {
            ...{ method: 'POST', path: '/', authority: 'a', scheme: 'http', upgrade: undefined, head: answerHead(0) },
            ...{ extra: [], body: 'unknown' },
          })
          opened.sendBytes(bytes, 0, bytes.length)
          opened.end()
          return seen
        })
        for (let round = 0; round < 200; round++) {
          time.turn()
          const [up, down] = [client.take(), transport.take()]
          if (up.length === 0 && down.length === 0) break
          for (let at = 0; at < up.length; at += size) transport.handler.onData(up.subarray(at, at + size))
          for (let at = 0; at < down.length; at += size) client.handler.onData(down.subarray(at, at + size))
        }
        assert.deepEqual(
          server.requests.map(({ body, ended }) => [body, ended]),
          list.map(({ body }) => [Buffer.from(body).toString('latin1'), true]),
        )
        for (const [index, { events, failure }] of answers.entries()) {
          const { answer, status, trailers } = list[index] as (typeof list)[number]
          const length = status === 204 ? 0 : answer
          const text = joined(events)
          assert.equal(failure, undefined)
          assert.equal(text.replace(/x+(?!-)/, ''), `${status} ${endWord(status, length, trailers)}`)
          assert.equal(text.split('x').length - 1, length + (trailers ? 1 : 0))
        }
        assert.equal(connection.active, 0)
      },
    ),
    { numRuns: Math.min(runs.numRuns / 10, 1_000) },
  )
})

function endWord(status: number, length: number, trailers: boolean): string {
  const body = status === 204 || (length === 0 && !trailers) ? 'none' : 'unknown'
  return `${body}${trailers ? `end x-sum: ${length}` : 'end'}`
}
