// Frames that tests of connections send and read again.
import type { Buffer } from 'node:buffer'
import { ErrorCode, FrameFlag, FrameType } from './frame.ts'
import { frame, headFrame, numbers, requestFields, type WireFrame } from './h2-under-test.ts'

/** The flag of a frame that ends its stream. */
export const ends = FrameFlag.END_STREAM

/** A DATA frame. */
export const data = (id: number, text: string, flags = 0): Buffer => frame(FrameType.DATA, flags, id, text)

/** A RST_STREAM frame. */
export const reset = (id: number, code: number = ErrorCode.CANCEL): Buffer =>
  frame(FrameType.RST_STREAM, 0, id, numbers(code))

/** A WINDOW_UPDATE frame. */
export const widen = (id: number, bytes: number): Buffer => frame(FrameType.WINDOW_UPDATE, 0, id, numbers(bytes))

/** The head of a POST whose body follows. */
export const post = (id: number, more = {}): Buffer =>
  headFrame(id, requestFields({ ':method': 'POST', ...more }), false)

/** A whole GET. */
export const get = (id: number, more = {}): Buffer => headFrame(id, requestFields(more))

/** The frames of one type. */
export const ofType = (frames: readonly WireFrame[], type: number): WireFrame[] =>
  frames.filter((each) => each.type === type)

/** The number that a frame begins with. */
export const numberOf = (each: WireFrame | undefined): number | undefined => each?.payload.readUInt32BE(0)

/** The error a connection ended with. */
export function goawayCode(frames: readonly WireFrame[]): number | undefined {
  return ofType(frames, FrameType.GOAWAY).at(-1)?.payload.readUInt32BE(4)
}
