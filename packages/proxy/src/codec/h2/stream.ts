// What the streams of both sides have in common: DATA in both directions, their ends, and the byte stream of a tunnel.
import type { Buffer } from 'node:buffer'
import type { Transport } from '@weft/core'
import { Deadline, type DeadlineOwner } from '../../exchange/deadline-lists.ts'
import type { MessageReceiver, ResponseFailure } from '../http-stream.ts'
import type { MessageHead } from '../message-head.ts'
import { ByteQueue } from './byte-queue.ts'
import type { H2Connection } from './connection.ts'
import { type DataSender, pendingBytes } from './data-scheduler.ts'
import { ErrorCode, FrameFlag, FrameType, writeFrameHead, writeNumberFrame } from './frame.ts'
import { StreamCredit } from './receive-credit.ts'
import { StreamTransport } from './stream-transport.ts'

/** Why a stream ended before its time. */
export type StreamFailure = ResponseFailure['kind']

/** `open`: more may be sent; `ending`: all is said, some waits; `done`: END_STREAM is sent. */
type SendState = 'open' | 'ending' | 'done'

/** One stream of a connection. */
export abstract class H2Stream implements DataSender, DeadlineOwner {
  id = 0
  sendWindow = 0
  pending: ByteQueue | undefined = undefined
  frameAt = -1
  frameWrites = -1
  inTurn = false
  next: DataSender | undefined = undefined
  readonly connection: H2Connection
  readonly credit: StreamCredit
  /** END_STREAM came. */
  remoteDone = false
  /** A head has to come before anything else may. */
  headless = false
  /** Left the connection: neither side may send any more. */
  closed = false
  /** Its reader was told something in this read. */
  touched = false
  /** It waits for `onWritable`. */
  waits = false
  /** Bytes the body may still have by its `content-length`; -1: no such promise. */
  bodyLeft = -1
  /** The code that says that a tunnel's inside broke off. */
  abstract readonly brokenOff: number
  protected receiver: MessageReceiver | undefined = undefined
  protected sending: SendState = 'open'
  /** It is a byte stream whose directions end one by one. */
  protected tunnelled = false
  #trailers: MessageHead | undefined = undefined
  #paused = false
  #resuming = false
  /** What came while its reader had stopped. */
  #held: ByteQueue | undefined = undefined
  #heldEnd: { readonly trailers: MessageHead | undefined } | undefined = undefined
  #stall: Deadline | undefined = undefined

  constructor(connection: H2Connection) {
    this.connection = connection
    const { options } = connection
    this.credit = new StreamCredit(options.streamWindowBytes, options.largestStreamWindowBytes)
  }

  /** If the peer resets it now, it has made us work for nothing. */
  abstract get inVain(): boolean
  /** The peer sent RST_STREAM. */
  abstract peerReset(code: number, detail: string): void
  /** Tells the receiver that the stream is over. */
  protected abstract tellFailure(receiver: MessageReceiver, kind: StreamFailure, detail: string): void
  /** END_STREAM was sent, or received. */
  protected abstract onHalfClosed(): void

  get transport(): Transport {
    return this.connection.transport
  }

  get consuming(): boolean {
    return this.connection.consuming
  }

  sendBytes(bytes: Buffer, start: number, end: number): boolean {
    if (this.closed || this.sending !== 'open' || start === end) return true
    const { connection } = this
    if (!connection.data.send(this, bytes, start, end)) {
      if (pendingBytes(this) > 0) this.#armStall()
      return connection.wait(this)
    }
    return !connection.output.blocked || connection.wait(this)
  }

  flush(): boolean {
    if (this.closed) return true
    return (pendingBytes(this) === 0 && !this.connection.output.blocked) || this.connection.wait(this)
  }

  /** Nothing more will be sent. */
  protected endSending(trailers: MessageHead | undefined): void {
    if (this.closed || this.sending !== 'open') return
    this.waits = false
    if (pendingBytes(this) === 0) this.#sendEnd(trailers)
    else {
      this.sending = 'ending'
      this.#trailers = trailers
    }
  }

  #sendEnd(trailers: MessageHead | undefined): void {
    this.sending = 'done'
    this.#disarmStall()
    const { output } = this.connection
    if (trailers !== undefined) this.connection.writeTrailers(this.id, trailers)
    else if (this.frameWrites === output.writes && output.length > 0) {
      output.bytes[this.frameAt + 4] = (output.bytes[this.frameAt + 4] as number) | FrameFlag.END_STREAM
    } else writeFrameHead(output, 0, FrameType.DATA, FrameFlag.END_STREAM, this.id)
    output.dirty()
    this.onHalfClosed()
  }

  /** The last frame of the stream so far begins here in the output. */
  protected frameBegan(at: number): void {
    this.frameAt = at
    this.frameWrites = this.connection.output.writes
  }

  onProgress(): void {
    if (pendingBytes(this) > 0) {
      this.#armStall()
      return
    }
    this.#disarmStall()
    if (this.sending === 'ending') this.#sendEnd(this.#trailers)
    else if (this.waits) this.connection.writable.push(this)
  }

  /** It may send again. */
  tellWritable(): void {
    if (this.closed || !this.waits) return
    this.waits = false
    this.receiver?.onWritable()
  }

  /** RST_STREAM; the stream is gone, and nobody is told. */
  resetNow(code: number): void {
    if (this.closed) return
    const { output } = this.connection
    writeNumberFrame(output, FrameType.RST_STREAM, this.id, code)
    output.dirty()
    this.leave(true)
  }

  /** Leaves the connection. `ours`: by our decision, so that what is on its way to us is ignored. */
  leave(ours: boolean): void {
    if (this.closed) return
    this.closed = true
    this.receiver = undefined
    this.pending?.clear()
    this.#disarmStall()
    this.#dropHeld()
    this.connection.left(this, ours)
  }

  /** The stream is over before its time: its receiver is told. */
  fail(kind: StreamFailure, detail: string): void {
    if (this.closed) return
    const { receiver } = this
    this.leave(false)
    if (receiver !== undefined) this.tellFailure(receiver, kind, detail)
  }

  /** The peer broke a rule of this stream: it is reset, and the receiver told. */
  refuse(code: number, detail: string): void {
    if (this.closed) return
    const { receiver } = this
    this.resetNow(code)
    if (receiver !== undefined) this.tellFailure(receiver, 'protocol', detail)
  }

  /** Body bytes came. Returns what is wrong with that, if anything. */
  receiveData(bytes: Buffer, start: number, end: number): string | undefined {
    const length = end - start
    if (this.bodyLeft >= 0) {
      this.bodyLeft -= length
      if (this.bodyLeft < 0) return 'more body than content-length says'
    }
    if (this.receiver === undefined) return undefined
    this.connection.touch(this)
    if (this.#paused || this.#held !== undefined) {
      this.#held ??= new ByteQueue()
      this.#held.push(bytes, start, end)
      this.connection.credit.hold(length)
      return undefined
    }
    this.receiver.onData(bytes, start, end)
    this.taken(length)
    return undefined
  }

  /** The message is complete. Returns what is wrong with that, if anything. */
  receiveEnd(trailers: MessageHead | undefined): string | undefined {
    if (this.bodyLeft > 0) return 'less body than content-length says'
    this.remoteDone = true
    if (this.#paused || this.#held !== undefined) this.#heldEnd = { trailers }
    else this.#tellEnd(trailers)
    return undefined
  }

  #tellEnd(trailers: MessageHead | undefined): void {
    this.connection.touch(this)
    this.receiver?.onEnd(trailers)
    if (!this.closed) this.onHalfClosed()
  }

  /** Bytes were taken, padding among them: the peer may send as many again, unless the reader has stopped. */
  taken(bytes: number): void {
    this.credit.taken(bytes)
    this.#allowMore()
  }

  #allowMore(): void {
    if (this.#paused || this.closed || this.remoteDone) return
    const more = this.credit.allow()
    if (more === 0) return
    const { output } = this.connection
    writeNumberFrame(output, FrameType.WINDOW_UPDATE, this.id, more)
    output.dirty()
  }

  protected pauseReceiving(): void {
    if (this.#paused) return
    this.#paused = true
    this.credit.slow()
  }

  protected resumeReceiving(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#allowMore()
    if ((this.#held === undefined && this.#heldEnd === undefined) || this.#resuming) return
    this.#resuming = true
    this.connection.resume(this)
  }

  /** Tells what was held back, until it is paused again. */
  deliverHeld(): void {
    this.#resuming = false
    const held = this.#held
    while (held !== undefined && held.bytes > 0 && !this.#paused && this.receiver !== undefined) {
      const { first, firstStart, firstEnd } = held
      const length = firstEnd - firstStart
      const spent = held.advance(length)
      this.connection.credit.release(length)
      this.receiver.onData(first, firstStart, firstEnd)
      held.recycle(spent)
      // However fast it takes what was held back: that it had to be held back says more.
      this.credit.slow()
      this.taken(length)
    }
    if (this.closed || (held !== undefined && held.bytes > 0)) return
    this.#held = undefined
    if (this.#heldEnd !== undefined && !this.#paused) {
      const { trailers } = this.#heldEnd
      this.#heldEnd = undefined
      this.#tellEnd(trailers)
    }
    if (!this.touched) this.receiver?.onFlush()
  }

  #dropHeld(): void {
    if (this.#held !== undefined) this.connection.credit.release(this.#held.bytes)
    this.#held = undefined
    this.#heldEnd = undefined
  }

  /** Everything of this read was told. */
  tellFlush(): void {
    this.touched = false
    this.receiver?.onFlush()
  }

  /** The stream as a byte stream; `receiver` is told nothing any more. */
  tunnel(): { readonly transport: Transport; readonly head: Buffer | undefined } {
    const transport = new StreamTransport(this)
    this.receiver = transport
    this.tunnelled = true
    this.bodyLeft = -1
    this.pauseReceiving()
    // An end that was told before, to somebody else, is told again.
    if (this.remoteDone && this.#heldEnd === undefined) queueMicrotask(() => transport.onEnd())
    return { transport, head: undefined }
  }

  /** For the tunnel. */
  pauseTunnel(): void {
    this.pauseReceiving()
  }
  resumeTunnel(): void {
    this.resumeReceiving()
  }
  endTunnel(): void {
    this.endSending(undefined)
  }

  #armStall(): void {
    const { deadlines, options } = this.connection
    this.#stall ??= new Deadline(this)
    deadlines.arm(this.#stall, options.stallMs)
  }

  #disarmStall(): void {
    if (this.#stall !== undefined) this.connection.deadlines.disarm(this.#stall)
  }

  /** The peer has taken nothing of this stream for too long. */
  onDeadline(): void {
    const { receiver } = this
    this.resetNow(ErrorCode.CANCEL)
    if (receiver !== undefined) this.tellFailure(receiver, 'reset', 'the peer does not take the data of this stream')
  }
}
