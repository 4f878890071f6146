// Who may send DATA next. Streams whose data has to wait for the connection take turns, a frame each; those that wait for their
// own window stand aside.
import type { Buffer } from 'node:buffer'
import { ByteQueue } from './byte-queue.ts'
import type { ConnectionOutput } from './connection-output.ts'
import {
  defaultFrameBytes,
  defaultWindowBytes,
  frameHeadBytes,
  FrameType,
  largestWindowBytes,
  writeFrameHead,
} from './frame.ts'

/** A stream as the scheduler sees it. */
export interface DataSender {
  readonly id: number
  /** What the peer takes of this stream. */
  sendWindow: number
  /** Data that waits; undefined until some had to. */
  pending: ByteQueue | undefined
  /** The place of its last frame in the output, as long as that has not left: END_STREAM can still be put there. */
  frameAt: number
  frameWrites: number
  /** Its place in the turns. */
  inTurn: boolean
  next: DataSender | undefined
  /** Its data went out in part, or (nothing being left in `pending`) as a whole. */
  onProgress(): void
}

/** Bytes of a stream that wait. */
export function pendingBytes({ pending }: DataSender): number {
  return pending === undefined ? 0 : pending.bytes
}

/** Sends the DATA of one connection. */
export class DataScheduler {
  /** What the peer takes of all streams. */
  window = defaultWindowBytes
  /** DATA frames sent. */
  frames = 0
  readonly #output: ConnectionOutput
  #first: DataSender | undefined = undefined
  #last: DataSender | undefined = undefined

  constructor(output: ConnectionOutput) {
    this.#output = output
  }

  /** Takes all of `bytes[start, end)`: now, or, as a copy, when it may be sent. False: something waits. */
  send(sender: DataSender, bytes: Buffer, start: number, end: number): boolean {
    let at = start
    if (pendingBytes(sender) === 0 && this.#first === undefined) {
      while (at < end && this.#mayWrite(sender)) at = this.#write(sender, bytes, at, end)
      if (at === end) return true
    }
    if (at < end) {
      sender.pending ??= new ByteQueue()
      sender.pending.push(bytes, at, end)
      this.join(sender)
    }
    return false
  }

  /** The peer takes more of all streams. False: more than there can be. */
  widen(bytes: number): boolean {
    this.window += bytes
    return this.window <= largestWindowBytes
  }

  /** Lets a stream take part in the turns, when it has something it may send. */
  join(sender: DataSender): void {
    if (sender.inTurn || pendingBytes(sender) === 0 || sender.sendWindow <= 0) return
    sender.inTurn = true
    sender.next = undefined
    if (this.#last === undefined) this.#first = sender
    else this.#last.next = sender
    this.#last = sender
  }

  /** Sends what may be sent. */
  pump(): void {
    while (this.#first !== undefined && this.window > 0 && !this.#output.blocked) {
      const sender: DataSender = this.#first
      this.#first = sender.next
      if (this.#first === undefined) this.#last = undefined
      sender.inTurn = false
      sender.next = undefined
      const { pending } = sender
      // It was reset meanwhile.
      if (pending === undefined || pending.bytes === 0) continue
      this.#writePending(sender, pending)
      this.join(sender)
      sender.onProgress()
    }
  }

  #mayWrite(sender: DataSender): boolean {
    return sender.sendWindow > 0 && this.window > 0 && !this.#output.blocked
  }

  #writePending(sender: DataSender, pending: ByteQueue): void {
    const { first, firstStart, firstEnd } = pending
    pending.drop(this.#write(sender, first, firstStart, firstEnd) - firstStart)
  }

  /** Writes one frame; returns how far. */
  #write(sender: DataSender, bytes: Buffer, start: number, end: number): number {
    const output = this.#output
    const length = Math.min(end - start, defaultFrameBytes, sender.sendWindow, this.window)
    this.window -= length
    sender.sendWindow -= length
    this.frames++
    writeFrameHead(output, length, FrameType.DATA, 0, sender.id)
    sender.frameAt = output.length - frameHeadBytes
    sender.frameWrites = output.writes
    bytes.copy(output.bytes, output.length, start, start + length)
    output.length += length
    output.dirty()
    output.flushLarge()
    return start + length
  }
}
