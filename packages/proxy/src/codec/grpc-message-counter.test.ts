import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { frameMessage } from '../xds/grpc-frames.ts'
import { GrpcMessageCounter } from './grpc-message-counter.ts'

const messages = [0, 1, 300, 0, 70_000].map((length) => frameMessage(new Uint8Array(length).fill(1)))
const stream = Buffer.concat(messages)

test('messages are counted the same wherever the bytes are cut', () => {
  for (const size of [1, 2, 3, 5, 7, 305, 4_096, stream.length]) {
    const counter = new GrpcMessageCounter()
    for (let at = 0; at < stream.length; at += size) counter.push(stream, at, Math.min(at + size, stream.length))
    assert.equal(counter.count, messages.length, `pieces of ${size}`)
  }
})

test('a message counts from its first byte on, the longest too', () => {
  const counter = new GrpcMessageCounter()
  const longest = Buffer.from([1, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0])
  counter.push(longest, 0, 0)
  assert.equal(counter.count, 0)
  counter.push(longest, 0, 1)
  assert.equal(counter.count, 1)
  counter.push(longest, 1, longest.length)
  assert.equal(counter.count, 1)
})
