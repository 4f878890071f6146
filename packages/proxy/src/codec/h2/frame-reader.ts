// Cuts what is read into frames. DATA is told as it arrives; of other frames an unfinished one is kept until it is whole.
import { Buffer } from 'node:buffer'
import { FrameFlag, frameHeadBytes, FrameType } from './frame.ts'

/** The head of a frame, valid during the call. */
export interface FrameHead {
  readonly type: number
  readonly flags: number
  readonly id: number
  readonly length: number
}

/** Takes the frames of one connection. */
export interface FrameSink {
  /** Judges a frame by its head, before anything of it is kept. False: reading ends. */
  onFrameHead(head: FrameHead): boolean
  /** A whole frame that is not DATA: its head and its payload. */
  onFrame(head: FrameHead, bytes: Buffer, start: number, end: number): void
  /** A piece of a DATA frame, without padding. */
  onDataBytes(bytes: Buffer, start: number, end: number): void
  /** Length of the padding of the DATA frame that is being read, its length byte included. */
  onPadding(bytes: number): void
  /** The DATA frame is complete. */
  onDataEnd(): void
  /** The padding of a DATA frame is longer than the frame. */
  onBadPadding(): void
}

/** The frame loop of one connection. */
export class FrameReader implements FrameHead {
  type = 0
  flags = 0
  id = 0
  length = 0
  readonly #sink: FrameSink
  /** Bytes of a frame whose end has not come, its head included. */
  #kept: Buffer | undefined = undefined
  #keptBytes = 0
  #dataLeft = 0
  #paddingLeft = 0
  #inData = false
  #padded = false
  #stopped = false

  constructor(sink: FrameSink) {
    this.#sink = sink
  }

  /** True while a frame other than DATA has begun and not ended. */
  get partial(): boolean {
    return this.#kept !== undefined
  }

  /** Nothing is told any more. */
  stop(): void {
    this.#stopped = true
    this.#kept = undefined
  }

  read(bytes: Buffer, start: number, end: number): void {
    let at = start
    while (at < end && !this.#stopped) {
      if (this.#inData) at = this.#readData(bytes, at, end)
      else if (this.#kept !== undefined) at = this.#fill(bytes, at, end)
      else at = this.#readFrame(bytes, at, end)
    }
  }

  #readFrame(bytes: Buffer, start: number, end: number): number {
    if (end - start < frameHeadBytes) return this.#keep(bytes, start, end, frameHeadBytes)
    this.#readHead(bytes, start)
    if (!this.#sink.onFrameHead(this)) {
      this.stop()
      return end
    }
    const from = start + frameHeadBytes
    if (this.type === FrameType.DATA) {
      this.#beginData()
      return from
    }
    const to = from + this.length
    if (to > end) return this.#keep(bytes, start, end, frameHeadBytes + this.length)
    this.#sink.onFrame(this, bytes, from, to)
    return to
  }

  #readHead(bytes: Buffer, at: number): void {
    this.length = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number)
    this.type = bytes[at + 3] as number
    this.flags = bytes[at + 4] as number
    this.id =
      (((bytes[at + 5] as number) & 0x7f) << 24) |
      ((bytes[at + 6] as number) << 16) |
      ((bytes[at + 7] as number) << 8) |
      (bytes[at + 8] as number)
  }

  #keep(bytes: Buffer, start: number, end: number, size: number): number {
    this.#kept = Buffer.allocUnsafe(size)
    this.#keptBytes = end - start
    bytes.copy(this.#kept, 0, start, end)
    return end
  }

  /** Adds to an unfinished frame; returns how far. */
  #fill(bytes: Buffer, start: number, end: number): number {
    const kept = this.#kept as Buffer
    const taken = Math.min(end - start, kept.length - this.#keptBytes)
    bytes.copy(kept, this.#keptBytes, start, start + taken)
    this.#keptBytes += taken
    if (this.#keptBytes < kept.length) return end
    this.#kept = undefined
    if (kept.length > frameHeadBytes) {
      this.#sink.onFrame(this, kept, frameHeadBytes, kept.length)
      return start + taken
    }
    // A head alone: what follows of a frame with a payload is kept behind it.
    this.#readHead(kept, 0)
    if (!this.#sink.onFrameHead(this)) {
      this.stop()
      return end
    }
    if (this.type === FrameType.DATA) this.#beginData()
    else if (this.length === 0) this.#sink.onFrame(this, kept, frameHeadBytes, frameHeadBytes)
    else this.#keep(kept, 0, frameHeadBytes, frameHeadBytes + this.length)
    return start + taken
  }

  #beginData(): void {
    this.#inData = true
    this.#dataLeft = this.length
    this.#paddingLeft = 0
    this.#padded = (this.flags & FrameFlag.PADDED) !== 0
    if (this.#dataLeft > 0) return
    // Padding without room for its length.
    if (this.#padded) this.#badPadding()
    else this.#endData()
  }

  #readData(bytes: Buffer, start: number, end: number): number {
    let at = start
    if (this.#padded) {
      this.#padded = false
      const padding = bytes[at++] as number
      if (padding >= this.#dataLeft) {
        this.#badPadding()
        return end
      }
      this.#dataLeft -= 1 + padding
      this.#paddingLeft = padding
      this.#sink.onPadding(1 + padding)
    }
    if (this.#dataLeft > 0) {
      const stop = Math.min(end, at + this.#dataLeft)
      if (stop === at) return at
      this.#dataLeft -= stop - at
      this.#sink.onDataBytes(bytes, at, stop)
      at = stop
    }
    if (this.#dataLeft > 0) return at
    const skipped = Math.min(end - at, this.#paddingLeft)
    this.#paddingLeft -= skipped
    if (this.#paddingLeft === 0) this.#endData()
    return at + skipped
  }

  #badPadding(): void {
    this.#sink.onBadPadding()
    this.stop()
  }

  #endData(): void {
    this.#inData = false
    if (!this.#stopped) this.#sink.onDataEnd()
  }
}
