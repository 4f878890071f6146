// Client and server of unary gRPC calls as frames that were made once: what they cost is nearly nothing beside a proxy between them.
import { Buffer } from 'node:buffer'
import { FrameFlag, FrameType } from '../../packages/proxy/src/codec/h2/frame.ts'
import { frame, greeting, headFrame, numbers, settings } from '../../packages/proxy/src/codec/h2/h2-under-test.ts'

const message = Buffer.alloc(133, 'm')
const bytesOfMessages = 8 * message.length
const request: [string, string][] = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/bench.Echo/Unary'],
  [':authority', 'echo.bench'],
  ['user-agent', 'h2load nghttp2/1.52.0'],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
]
const asked = [headFrame(1, request, false), frame(FrameType.DATA, FrameFlag.END_STREAM, 1, message)]
const head: [string, string][] = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
]
const answered = [
  headFrame(1, head, false),
  frame(FrameType.DATA, 0, 1, message),
  headFrame(1, [['grpc-status', '0']], true),
]

/** Frames of one stream, for the stream of an id. */
function copies(frames: readonly Buffer[]): (id: number, into: Buffer, at: number) => number {
  return (id, into, at) => {
    let end = at
    for (const each of frames) {
      each.copy(into, end)
      into.writeUInt32BE(id, end + 5)
      end += each.length
    }
    return end
  }
}
const ask = copies(asked)
const answer = copies(answered)
const room = Buffer.alloc(64 * 1024)
const widened = frame(FrameType.WINDOW_UPDATE, 0, 0, numbers(bytesOfMessages))

/** What a connection begins with, from each side. */
export const clientGreeting: Buffer = greeting
export const serverGreeting: Buffer = Buffer.concat([settings(), frame(FrameType.SETTINGS, 1)])

/** Eight calls, from a stream id on. */
export function eightCalls(firstId: number): Buffer {
  let end = widened.copy(room)
  for (let call = 0; call < 8; call++) end = ask(firstId + call * 2, room, end)
  return room.subarray(0, end)
}

/** The answers to all calls that are whole in these bytes; `count` of them. */
export function answersTo(bytes: Buffer): { readonly count: number; readonly bytes: Buffer } {
  let end = widened.copy(room)
  let count = 0
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUIntBE(at, 3)
    const ends = bytes[at + 3] === FrameType.DATA && ((bytes[at + 4] as number) & FrameFlag.END_STREAM) !== 0
    if (ends) {
      end = answer(bytes.readUInt32BE(at + 5), room, end)
      count++
    }
    at += 9 + length
  }
  return { count, bytes: room.subarray(0, end) }
}
