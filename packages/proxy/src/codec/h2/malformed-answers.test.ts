// Answers that are none: their stream fails, and the connection where the configuration says nothing.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { FrameType } from './frame.ts'
import { data, ends } from './frames-under-test.ts'
import { headFrame } from './h2-under-test.ts'
import { answer, begun } from './client-under-test.ts'

test('malformed answers fail their stream only', () => {
  const malformed: Buffer[][] = [
    [headFrame(1, [['x-a', 'b']], false)],
    [answer(1, 101)],
    [answer(1, 100, [], true)],
    [headFrame(1, [[':status', '2000']], false)],
    [
      headFrame(
        1,
        [
          [':status', '200'],
          [':path', '/'],
        ],
        false,
      ),
    ],
    [answer(1, 200, [['connection', 'close']])],
    [answer(1, 200, [['content-length', '2']]), data(1, 'abc')],
    [answer(1, 200, [['content-length', '2']]), data(1, 'a', ends)],
    [answer(1, 200, [['content-length', '2']], true)],
    [answer(1, 200), headFrame(1, [['x-a', 'b']], false)],
    [answer(1, 200), headFrame(1, [[':status', '200']])],
    [data(1, 'x')],
    [data(1, '', ends)],
    Array.from({ length: 101 }, () => answer(1, 102)),
    [
      answer(1, 200, [
        ['x-a', 'v'.repeat(15_000)],
        ['x-b', 'v'.repeat(1_000)],
      ]),
    ].flatMap((one) => [one]),
  ].slice(0, -1)
  for (const [index, bytes] of malformed.entries()) {
    const { ask, send, sent, connection } = begun()
    const seen = ask()
    sent()
    const [frameBack] = send(...bytes)
    assert.equal(seen.failure?.kind, 'protocol', String(index))
    assert.deepEqual([frameBack?.type, frameBack?.payload.readUInt32BE(0)], [FrameType.RST_STREAM, 1], String(index))
    assert.equal(connection.draining, false)
    const next = ask()
    sent()
    send(answer(3, 204, [], true))
    assert.deepEqual(next.events, ['204 none', 'end'])
  }
})

test('malformed answers end the connection where the configuration says nothing, as with Envoy', () => {
  const { ask, send, sent, transport } = begun({ streamErrorOnMalformed: false })
  const [bad, other] = [ask(), ask()]
  sent()
  send(answer(1, 200, [['connection', 'close']]))
  assert.deepEqual([bad.failure?.kind, other.failure?.kind, transport.ended], ['protocol', 'protocol', true])
})

test('DATA in front of a head is no answer, whether it has bytes or only an end', () => {
  for (const frames of [data(1, 'x'), data(1, '', ends), Buffer.concat([answer(1, 103), data(1, 'x', ends)])]) {
    const { ask, send, sent } = begun()
    const seen = ask()
    sent()
    const replies = send(frames)
    assert.equal(seen.failure?.kind, 'protocol')
    assert.deepEqual(
      seen.events.filter((event) => event !== '103'),
      [],
    )
    assert.ok(replies.some(({ type, id }) => type === FrameType.RST_STREAM && id === 1))
  }
})
