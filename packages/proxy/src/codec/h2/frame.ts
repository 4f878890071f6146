// Numbers of HTTP/2 (RFC 9113 6 and 7), and frames of fixed shape as they are written.
import type { OutputBuffer } from './output-buffer.ts'

/** Frame types; others are ignored. */
export const FrameType = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
  /** RFC 9218. */
  PRIORITY_UPDATE: 16,
} as const

/** Flags; ACK and END_STREAM share a bit. */
export const FrameFlag = { END_STREAM: 1, ACK: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 32 } as const

/** Error codes of RST_STREAM and GOAWAY. */
export const ErrorCode = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  SETTINGS_TIMEOUT: 4,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  CONNECT_ERROR: 10,
  ENHANCE_YOUR_CALM: 11,
  INADEQUATE_SECURITY: 12,
  HTTP_1_1_REQUIRED: 13,
} as const

const errorNames = Object.keys(ErrorCode)

/** The name of an error code, for people. */
export function errorName(code: number): string {
  return errorNames[code] ?? `error ${code}`
}

/** What a client sends first. */
export const clientPreface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

/** Bytes of a frame's head. */
export const frameHeadBytes = 9
/** The largest payload a peer may send before SETTINGS say otherwise; we never send larger ones, so that streams take turns. */
export const defaultFrameBytes = 16_384
/** Flow-control windows before anybody changes them, and at most. */
export const defaultWindowBytes = 65_535
export const largestWindowBytes = 0x7fffffff

/** Writes the head of a frame; the payload is the caller's. */
export function writeFrameHead(output: OutputBuffer, length: number, type: number, flags: number, id: number): void {
  output.reserve(frameHeadBytes + length)
  const { bytes } = output
  const at = output.length
  bytes[at] = length >>> 16
  bytes[at + 1] = length >>> 8
  bytes[at + 2] = length
  bytes[at + 3] = type
  bytes[at + 4] = flags
  writeUint32(output, at + 5, id)
  output.length = at + frameHeadBytes
}

/** Sets the length of a frame whose head is at `at` and whose payload ends where the output ends. */
export function endFrame(output: OutputBuffer, at: number): void {
  const length = output.length - at - frameHeadBytes
  output.bytes[at] = length >>> 16
  output.bytes[at + 1] = length >>> 8
  output.bytes[at + 2] = length
}

/** RST_STREAM, or WINDOW_UPDATE: a frame of one number. */
export function writeNumberFrame(output: OutputBuffer, type: number, id: number, value: number): void {
  writeFrameHead(output, 4, type, 0, id)
  writeUint32(output, output.length, value)
  output.length += 4
}

/** SETTINGS of identifiers and values in turn. */
export function writeSettings(output: OutputBuffer, settings: readonly number[]): void {
  writeFrameHead(output, settings.length * 3, FrameType.SETTINGS, 0, 0)
  for (let at = 0; at < settings.length; at += 2) {
    output.bytes[output.length++] = (settings[at] as number) >>> 8
    output.bytes[output.length++] = settings[at] as number
    writeUint32(output, output.length, settings[at + 1] as number)
    output.length += 4
  }
}

/** GOAWAY; `detail` is for people who read the peer's logs. */
export function writeGoaway(output: OutputBuffer, lastId: number, code: number, detail: string): void {
  const text = detail.slice(0, 200)
  writeFrameHead(output, 8 + text.length, FrameType.GOAWAY, 0, 0)
  writeUint32(output, output.length, lastId)
  writeUint32(output, output.length + 4, code)
  output.bytes.write(text, output.length + 8, 'latin1')
  output.length += 8 + text.length
}

/** Writes a number of 32 bits at a place that is reserved. */
function writeUint32(output: OutputBuffer, at: number, value: number): void {
  const { bytes } = output
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

/** The first byte of a PING's payload: what we asked for with it. */
export const PingPurpose = { ALIVE: 1, DRAIN: 2 } as const
