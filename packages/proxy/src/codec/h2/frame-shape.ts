import { defaultFrameBytes, ErrorCode, FrameFlag, FrameType } from './frame.ts'
import type { FrameFault } from './peer-settings.ts'

const fixedLength = new Map<number, number>([
  [FrameType.PRIORITY, 5],
  [FrameType.RST_STREAM, 4],
  [FrameType.PING, 8],
  [FrameType.WINDOW_UPDATE, 4],
])
/** Frames of a stream, and frames of the connection; WINDOW_UPDATE is either. */
const ofStream: ReadonlySet<number> = new Set([
  ...[FrameType.DATA, FrameType.HEADERS, FrameType.PRIORITY, FrameType.RST_STREAM, FrameType.CONTINUATION],
])
const ofConnection: ReadonlySet<number> = new Set([
  ...[FrameType.SETTINGS, FrameType.PING, FrameType.GOAWAY, FrameType.PRIORITY_UPDATE],
])

/** Judges a frame by its head alone (RFC 9113 4.2 and 6); such faults end the connection. */
export function frameShapeFault(type: number, flags: number, id: number, length: number): FrameFault | undefined {
  if (length > defaultFrameBytes) return size(`a frame of ${length} bytes`)
  // The two of every request, first.
  if (type === FrameType.DATA || type === FrameType.HEADERS) return id === 0 ? order(type, id) : undefined
  if (id === 0 ? ofStream.has(type) : ofConnection.has(type)) return order(type, id)
  if (type === FrameType.PUSH_PROMISE) return order(type, id)
  const wanted = fixedLength.get(type)
  if (wanted !== undefined && length !== wanted) return size(`frame type ${type} of ${length} bytes`)
  if (type === FrameType.GOAWAY && length < 8) return size('a short GOAWAY')
  if (type === FrameType.SETTINGS && ((flags & FrameFlag.ACK) === 0 ? length % 6 : length) !== 0) {
    return size(`SETTINGS of ${length} bytes`)
  }
  return undefined
}

function size(detail: string): FrameFault {
  return { code: ErrorCode.FRAME_SIZE_ERROR, detail }
}

function order(type: number, id: number): FrameFault {
  return { code: ErrorCode.PROTOCOL_ERROR, detail: `frame type ${type} on stream ${id}` }
}
