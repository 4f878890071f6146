import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frameMessage, frameReader } from './grpc-frames.ts'

test('messages come out whole however the bytes are split', () => {
  const messages = ['', 'a', 'hello', 'x'.repeat(300)].map((text) => Buffer.from(text))
  const bytes = Buffer.concat(messages.map((message) => frameMessage(message)))
  for (const size of [1, 2, 3, 5, 7, 64, bytes.length]) {
    const seen: string[] = []
    const reader = frameReader((message) => seen.push(Buffer.from(message).toString()))
    for (let at = 0; at < bytes.length; at += size) {
      assert.equal(reader.push(bytes.subarray(at, at + size)), undefined)
    }
    assert.deepEqual(
      seen,
      messages.map((message) => message.toString()),
    )
  }
})

test('a compressed message and one of absurd size are refused', () => {
  const fail = (): never => assert.fail('no message expected')
  assert.match(frameReader(fail).push(Buffer.from([1, 0, 0, 0, 0])) ?? '', /compressed/)
  assert.match(frameReader(fail).push(Buffer.from([0, 0xff, 0xff, 0xff, 0xff])) ?? '', /4294967295 bytes/)
})
