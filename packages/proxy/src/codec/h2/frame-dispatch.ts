// Hands the frames of a connection to whom they concern, and puts heads together that come in several frames.
import { Buffer } from 'node:buffer'
import type { H2Connection } from './connection.ts'
import { ErrorCode, errorName, FrameFlag, FrameType, largestWindowBytes } from './frame.ts'
import type { FrameHead, FrameSink } from './frame-reader.ts'
import { frameShapeFault } from './frame-shape.ts'
import type { H2Stream } from './stream.ts'

/** A head that has begun and goes on in CONTINUATION frames. */
interface OpenBlock {
  readonly id: number
  readonly endStream: boolean
  readonly selfDependent: boolean
  readonly pieces: Buffer[]
  bytes: number
}

/** What a connection does with each frame. */
export class FrameDispatch implements FrameSink {
  readonly #connection: H2Connection
  #greeted = false
  #block: OpenBlock | undefined = undefined
  /** The stream of the DATA frame that is being read; undefined: it is dropped. */
  #stream: H2Stream | undefined = undefined
  #flags = 0
  #dataBytes = 0

  constructor(connection: H2Connection) {
    this.#connection = connection
  }

  /** True while a head has begun whose end has not come. */
  get inBlock(): boolean {
    return this.#block !== undefined
  }

  onFrameHead({ type, flags, id, length }: FrameHead): boolean {
    const connection = this.#connection
    const fault = frameShapeFault(type, flags, id, length)
    if (fault !== undefined) return connection.fail(fault.code, fault.detail)
    if (!this.#greeted) {
      if (type !== FrameType.SETTINGS || (flags & FrameFlag.ACK) !== 0) {
        return connection.fail(ErrorCode.PROTOCOL_ERROR, 'the first frame is not SETTINGS')
      }
      this.#greeted = true
    }
    if (this.#block === undefined ? type === FrameType.CONTINUATION : !this.#continues(type, id)) {
      return connection.fail(ErrorCode.PROTOCOL_ERROR, `frame type ${type} where a head goes on, or none does`)
    }
    return type !== FrameType.DATA || this.#onDataHead(flags, id, length)
  }

  #continues(type: number, id: number): boolean {
    return type === FrameType.CONTINUATION && this.#block?.id === id
  }

  #onDataHead(flags: number, id: number, length: number): boolean {
    const connection = this.#connection
    this.#flags = flags
    this.#dataBytes = 0
    this.#stream = undefined
    if (length > connection.credit.left) {
      return connection.fail(ErrorCode.FLOW_CONTROL_ERROR, 'more than the connection takes')
    }
    connection.credit.arrived(length)
    const stream = connection.streams.get(id)
    if (stream === undefined) return connection.onStrayFrame(id, true)
    if (stream.remoteDone) {
      connection.refuse(stream, ErrorCode.STREAM_CLOSED, 'DATA behind the end of the stream')
    } else if (length > stream.credit.left) {
      connection.refuse(stream, ErrorCode.FLOW_CONTROL_ERROR, 'more than the stream takes')
    } else if ((flags & FrameFlag.END_STREAM) !== 0 && stream.bodyLeft > length) {
      // Before anything of the frame is passed on.
      connection.refuse(stream, ErrorCode.PROTOCOL_ERROR, 'less body than content-length says')
    } else {
      stream.credit.left -= length
      this.#stream = stream
    }
    return true
  }

  onPadding(bytes: number): void {
    this.#stream?.taken(bytes)
  }

  onBadPadding(): void {
    this.#connection.fail(ErrorCode.PROTOCOL_ERROR, 'more padding than frame')
  }

  onDataBytes(bytes: Buffer, start: number, end: number): void {
    const stream = this.#stream
    this.#dataBytes += end - start
    if (stream === undefined || stream.closed) return
    if (stream.headless) return this.#connection.offend(stream, ErrorCode.PROTOCOL_ERROR, 'DATA before a head')
    const fault = stream.receiveData(bytes, start, end)
    if (fault !== undefined) this.#connection.refuse(stream, ErrorCode.PROTOCOL_ERROR, fault)
  }

  onDataEnd(): void {
    const connection = this.#connection
    const ends = (this.#flags & FrameFlag.END_STREAM) !== 0
    const flood = connection.guard.onPayload(this.#dataBytes, ends)
    if (flood !== false) return void connection.calm(flood)
    const stream = this.#stream
    this.#stream = undefined
    if (!ends || stream === undefined || stream.closed) return
    if (stream.headless) return connection.offend(stream, ErrorCode.PROTOCOL_ERROR, 'an end before a head')
    const fault = stream.receiveEnd(undefined)
    if (fault !== undefined) connection.refuse(stream, ErrorCode.PROTOCOL_ERROR, fault)
  }

  onFrame(head: FrameHead, bytes: Buffer, start: number, end: number): void {
    const connection = this.#connection
    const { flags, id } = head
    switch (head.type) {
      case FrameType.HEADERS:
        return this.#onHeaders(flags, id, bytes, start, end)
      case FrameType.CONTINUATION:
        return this.#onContinuation(flags, bytes, start, end)
      case FrameType.WINDOW_UPDATE:
        return this.#onWindowUpdate(id, bytes.readUInt32BE(start) & largestWindowBytes)
      case FrameType.RST_STREAM:
        return this.#onReset(id, bytes.readUInt32BE(start))
      case FrameType.SETTINGS:
        if ((flags & FrameFlag.ACK) === 0) connection.onSettings(bytes, start, end)
        else connection.onSettingsAck()
        return
      case FrameType.PING:
        connection.onPing((flags & FrameFlag.ACK) !== 0, bytes, start)
        return
      case FrameType.GOAWAY: {
        const detail = bytes.latin1Slice(start + 8, Math.min(end, start + 208))
        connection.onGoaway(bytes.readUInt32BE(start) & largestWindowBytes, bytes.readUInt32BE(start + 4), detail)
        return
      }
      case FrameType.PRIORITY:
        return this.#onPriority(id, bytes, start)
      case FrameType.PRIORITY_UPDATE: {
        const flood = connection.guard.onPriority()
        if (flood !== false) connection.calm(flood)
        return
      }
      default:
        // Unknown types are ignored (RFC 9113 5.5); many of them are still too many.
        return connection.onUnknown()
    }
  }

  #onPriority(id: number, bytes: Buffer, start: number): void {
    const connection = this.#connection
    const flood = connection.guard.onPriority()
    if (flood !== false) return void connection.calm(flood)
    if ((bytes.readUInt32BE(start) & largestWindowBytes) !== id) return
    connection.fail(ErrorCode.PROTOCOL_ERROR, 'a stream that depends on itself')
  }

  #onReset(id: number, code: number): void {
    const connection = this.#connection
    const stream = connection.streams.get(id)
    if (stream === undefined) {
      connection.onStrayFrame(id, false)
      return
    }
    if (!stream.inVain || connection.countReset())
      stream.peerReset(code, `the peer reset the stream: ${errorName(code)}`)
  }

  #onWindowUpdate(id: number, more: number): void {
    const connection = this.#connection
    connection.guard.dataFrames = connection.data.frames
    const flood = connection.guard.onWindowUpdate()
    if (flood !== false) return void connection.calm(flood)
    if (id === 0) {
      if (more === 0) connection.fail(ErrorCode.PROTOCOL_ERROR, 'WINDOW_UPDATE of nothing')
      else if (!connection.data.widen(more)) connection.fail(ErrorCode.FLOW_CONTROL_ERROR, 'a window too large')
      else connection.data.pump()
      return
    }
    const stream = connection.streams.get(id)
    if (stream === undefined) connection.onStrayFrame(id, false)
    else if (more === 0) connection.offend(stream, ErrorCode.PROTOCOL_ERROR, 'WINDOW_UPDATE of nothing')
    else if (stream.sendWindow + more > largestWindowBytes) {
      connection.offend(stream, ErrorCode.FLOW_CONTROL_ERROR, 'a window too large')
    } else {
      stream.sendWindow += more
      connection.data.join(stream)
      // At once: what it allows leaves before the answer to the next frame, whether that came with the same read or not.
      connection.data.pump()
    }
  }

  #onHeaders(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    const connection = this.#connection
    let from = start
    let to = end
    if ((flags & FrameFlag.PADDED) !== 0) {
      // An empty frame has no room for the length of its padding.
      to = from < to ? to - (bytes[from++] as number) : -1
    }
    let selfDependent = false
    if ((flags & FrameFlag.PRIORITY) !== 0 && from + 5 <= to) {
      selfDependent = (bytes.readUInt32BE(from) & largestWindowBytes) === id
      from += 5
    } else if ((flags & FrameFlag.PRIORITY) !== 0) to = -1
    if (from > to) return void connection.fail(ErrorCode.PROTOCOL_ERROR, 'HEADERS too short for padding or priority')
    const endStream = (flags & FrameFlag.END_STREAM) !== 0
    const flood = connection.guard.onPayload(to - from, endStream)
    if (flood !== false) return void connection.calm(flood)
    if ((flags & FrameFlag.END_HEADERS) !== 0) {
      connection.onBlock({ id, endStream, selfDependent }, bytes, from, to)
      return
    }
    const first = Buffer.from(bytes.subarray(from, to))
    this.#block = { id, endStream, selfDependent, pieces: [first], bytes: first.length }
  }

  #onContinuation(flags: number, bytes: Buffer, start: number, end: number): void {
    const connection = this.#connection
    const block = this.#block as OpenBlock
    const { maxBytes } = connection.headLimits()
    const ends = (flags & FrameFlag.END_HEADERS) !== 0
    block.pieces.push(Buffer.from(bytes.subarray(start, end)))
    block.bytes += end - start
    const flood =
      connection.guard.onPayload(end - start, ends) ||
      connection.guard.onContinuation(block.pieces.length - 1, maxBytes)
    if (flood !== false) return void connection.calm(flood)
    // Codes make a block smaller than its fields; what is larger by far is not worth keeping to find out.
    if (block.bytes > 2 * maxBytes + 16_384) return void connection.calm('bytes of one head')
    if (!ends) return
    this.#block = undefined
    const whole = Buffer.concat(block.pieces)
    connection.onBlock(block, whole, 0, whole.length)
  }
}
