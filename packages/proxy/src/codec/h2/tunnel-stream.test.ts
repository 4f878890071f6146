// CONNECT and extended CONNECT: streams that carry bytes.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { FrameFlag } from './frame.ts'
import { data, ends, reset, widen } from './frames-under-test.ts'
import {
  answerHead,
  greeting,
  headFrame,
  requestFields,
  type SeenRequest,
  serverUnderTest,
  type WireFrame,
} from './h2-under-test.ts'
import { decodeFields } from './hpack-under-test.ts'
import { HpackDecoder } from './hpack-decoder.ts'

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
