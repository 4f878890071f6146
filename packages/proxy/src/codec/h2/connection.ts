// One HTTP/2 connection: what is the same on both sides (RFC 9113 3 to 6). Streams, and what opens them, are the sides' own.
import { Buffer } from 'node:buffer'
import type { Clock, Transport, TransportClose, TransportHandler } from '@weft/core'
import { Deadline, type DeadlineLists, type DeadlineOwner } from '../../exchange/deadline-lists.ts'
import type { HeadLimits, MessageHead } from '../message-head.ts'
import { Linger } from '../linger.ts'
import { ConnectionOutput, type H2Turn } from './connection-output.ts'
import { DataScheduler, pendingBytes } from './data-scheduler.ts'
import { FloodGuard } from './flood-guard.ts'
import { ErrorCode, FrameFlag, FrameType, largestWindowBytes, PingPurpose } from './frame.ts'
import { writeFrameHead, writeGoaway, writeNumberFrame, writeSettings } from './frame.ts'
import { FrameDispatch } from './frame-dispatch.ts'
import { FrameReader } from './frame-reader.ts'
import type { H2Options } from './h2-options.ts'
import { HeadReader } from './head-reader.ts'
import { writeTrailers } from './head-writer.ts'
import { KeepAlive, type KeptAlive } from './keep-alive.ts'
import { HpackDecoder } from './hpack-decoder.ts'
import { HpackEncoder } from './hpack-encoder.ts'
import { PeerSettings } from './peer-settings.ts'
import { ConnectionCredit } from './receive-credit.ts'
import type { H2Stream, StreamFailure } from './stream.ts'
import { StreamTable } from './stream-table.ts'

/** What all HTTP/2 connections of a proxy share. */
export interface H2Shared extends H2Turn {
  readonly deadlines: DeadlineLists
  readonly clock: Clock
}

/** A head as it came: its fields are still to be decoded. */
export interface HeadBlock {
  readonly id: number
  readonly endStream: boolean
  /** Its priority says that it depends on itself. */
  readonly selfDependent: boolean
}

/** Streams of which we remember that we reset them: what is on its way on them is no fault. */
const mostRemembered = 256

/** One side of a connection. */
export abstract class H2Connection implements TransportHandler, DeadlineOwner, KeptAlive {
  readonly transport: Transport
  readonly options: H2Options
  readonly deadlines: DeadlineLists
  readonly output: ConnectionOutput
  readonly data: DataScheduler
  readonly credit: ConnectionCredit
  readonly guard: FloodGuard
  readonly streams = new StreamTable<H2Stream>()
  readonly peerSettings = new PeerSettings()
  readonly encoder = new HpackEncoder()
  /** Streams that wait for `onWritable` and may have it once the output takes bytes. */
  readonly writable: H2Stream[] = []
  /** True while the frames of one read are being told. */
  consuming = false
  /** Nothing is read or sent any more. */
  over = false
  protected readonly heads = new HeadReader()
  /** Until then nothing is read but the rest of something begun. */
  protected readonly idleDeadline = new Deadline(this)
  readonly #decoder = new HpackDecoder()
  readonly #dispatch = new FrameDispatch(this)
  readonly #reader = new FrameReader(this.#dispatch)
  readonly #headDeadline = new Deadline(this)
  protected readonly keepAlive: KeepAlive
  /** Of which `#touchedCount` are to be told; never emptied by its length, so that it does not grow anew each time. */
  readonly #touched: (H2Stream | undefined)[] = []
  #touchedCount = 0
  readonly #resumed: H2Stream[] = []
  readonly #reset = new Set<number>()
  #lingering: Linger | undefined = undefined

  constructor(transport: Transport, shared: H2Shared, options: H2Options) {
    this.transport = transport
    this.options = options
    this.deadlines = shared.deadlines
    this.output = new ConnectionOutput(transport, shared, this)
    this.data = new DataScheduler(this.output)
    this.credit = new ConnectionCredit(options.connectionWindowBytes, options.heldBytes)
    this.guard = new FloodGuard(options.floods, shared.clock)
    this.keepAlive = new KeepAlive(this, shared.deadlines, shared.clock, options)
  }

  abstract headLimits(): HeadLimits
  /** Milliseconds for a frame or head that has begun, and for the peer's first one; 0: no limit. */
  protected abstract headMs(): number
  /** The largest id of a stream the peer has opened. */
  protected abstract lastPeerId(): number
  /** True when the stream was never opened. */
  protected abstract isUnopened(id: number): boolean
  protected abstract settings(): number[]
  /** A head came as a whole: its block must go through `decode`. */
  abstract onBlock(block: HeadBlock, bytes: Buffer, start: number, end: number): void
  abstract onGoaway(lastId: number, code: number, detail: string): void
  protected abstract onPeerSettings(): void
  protected abstract onDrainPong(): void
  protected abstract onStreamLeft(): void
  protected abstract onIdle(): void
  /** The connection ends where a head had begun; only a server cares. */
  protected onHeadCutOff(): void {}
  /** A stream ended that had not begun; only a client's can. */
  protected onUnbegun(): void {}
  protected abstract onOver(close: TransportClose): void

  /** Begins; `early` holds bytes already read. */
  protected begin(early: Buffer | undefined): void {
    this.transport.handler = this
    writeSettings(this.output, this.settings())
    const more = this.credit.open()
    if (more > 0) writeNumberFrame(this.output, FrameType.WINDOW_UPDATE, 0, more)
    this.output.dirty()
    this.deadlines.arm(this.#headDeadline, this.headMs())
    this.keepAlive.start()
    if (early !== undefined && early.length > 0) this.onData(early)
    if (!this.over) this.transport.resume()
  }

  onData(chunk: Buffer): void {
    this.onBytes(chunk, 0, chunk.length)
  }

  onBytes(bytes: Buffer, start: number, end: number): void {
    if (this.over) return
    this.keepAlive.heard()
    this.guard.onRead()
    this.consuming = true
    this.readFrames(bytes, start, end)
    this.consuming = false
    this.#flushTouched()
    if (this.over) return
    this.#afterRead()
  }

  /** The server side has the preface to read first. */
  protected readFrames(bytes: Buffer, start: number, end: number): void {
    this.#reader.read(bytes, start, end)
  }

  #flushTouched(): void {
    const touched = this.#touched
    for (let at = 0; at < this.#touchedCount; at++) (touched[at] as H2Stream).tellFlush()
    while (this.#touchedCount > 0) touched[--this.#touchedCount] = undefined
  }

  #afterRead(): void {
    const unfinished = this.#reader.partial || this.#dispatch.inBlock || !this.peerSettings.known
    if (!unfinished) this.deadlines.disarm(this.#headDeadline)
    else if (this.#headDeadline.list === undefined) this.deadlines.arm(this.#headDeadline, this.headMs())
    this.#proceed()
    if (this.output.length > 0) this.output.dirty()
    const flood = this.output.blocked ? this.guard.onQueued(this.output.owed, this.output.heads) : false
    if (flood !== false) this.calm(flood)
  }

  /** Sends what may be sent, and tells those who wait. */
  #proceed(): void {
    this.data.pump()
    const { writable } = this
    let at = 0
    while (at < writable.length && !this.output.blocked) (writable[at++] as H2Stream).tellWritable()
    if (at > 0) writable.splice(0, at)
    const more = this.credit.allow()
    if (more > 0) writeNumberFrame(this.output, FrameType.WINDOW_UPDATE, 0, more)
  }

  /** Once per turn, after `output.dirty`. */
  atTurnEnd(): void {
    this.output.turnOver()
    if (this.over) return
    const resumed = this.#resumed
    for (let at = 0; at < resumed.length; at++) (resumed[at] as H2Stream).deliverHeld()
    if (resumed.length > 0) resumed.length = 0
    this.#proceed()
    this.output.flush()
  }

  onDrain(): void {
    if (this.over) return
    this.output.drained()
    this.#proceed()
    this.output.flush()
  }

  onEnd(): void {
    this.finish('the peer closed the connection')
  }

  onClose(close: TransportClose): void {
    this.over = true
    this.#lingering?.over()
    this.#reader.stop()
    this.keepAlive.stop()
    this.deadlines.disarm(this.idleDeadline)
    this.deadlines.disarm(this.#headDeadline)
    this.#failStreams('closed', close.detail === '' ? close.reason : close.detail)
    this.output.clear()
    this.onOver(close)
  }

  /** The peer broke a rule of the connection: it ends. Returns false. */
  fail(code: number, detail: string): false {
    if (this.over) return false
    if (this.#dispatch.inBlock) this.onHeadCutOff()
    writeGoaway(this.output, this.lastPeerId(), code, detail)
    this.finish(detail, code === ErrorCode.NO_ERROR ? 'closed' : 'protocol')
    return false
  }

  /** The peer does too much of something: the connection ends. Returns false. */
  calm(what: string): false {
    return this.fail(ErrorCode.ENHANCE_YOUR_CALM, `too many ${what}`)
  }

  /** Sends what was gathered and closes; streams that are still open are told. */
  finish(detail: string, kind: StreamFailure = 'closed'): void {
    if (this.over) return
    this.over = true
    this.#reader.stop()
    this.#failStreams(kind, detail)
    this.deadlines.disarm(this.#headDeadline)
    this.keepAlive.stop()
    this.output.blocked = false
    this.output.flush()
    this.deadlines.disarm(this.idleDeadline)
    this.#lingering = new Linger(this.transport, this.deadlines, this.options.lingerMs)
    this.transport.resume()
  }

  #failStreams(kind: StreamFailure, detail: string): void {
    for (const stream of this.streams.all()) stream.fail(kind, detail)
  }

  /** Its reader is told of the end of this read. */
  touch(stream: H2Stream): void {
    if (stream.touched || !this.consuming) return
    stream.touched = true
    this.#touched[this.#touchedCount++] = stream
  }

  /** Its reader goes on: what was held back is told at the end of the turn. */
  resume(stream: H2Stream): void {
    this.#resumed.push(stream)
    this.output.dirty()
  }

  /** The stream waits until it may send. Returns false. */
  wait(stream: H2Stream): false {
    if (!stream.waits) {
      stream.waits = true
      if (pendingBytes(stream) === 0) this.writable.push(stream)
    }
    return false
  }

  /** A stream is over. `ours`: we reset it, so that the peer may not know yet. */
  left(stream: H2Stream, ours: boolean): void {
    if (stream.id === 0) return this.onUnbegun()
    this.streams.delete(stream.id)
    if (ours) this.remember(stream.id)
    this.onStreamLeft()
    if (this.streams.size === 0 && !this.over) this.onIdle()
  }

  protected remember(id: number): void {
    this.#reset.add(id)
    if (this.#reset.size <= mostRemembered) return
    for (const oldest of this.#reset) {
      this.#reset.delete(oldest)
      break
    }
  }

  protected remembers(id: number): boolean {
    return this.#reset.has(id)
  }

  /** A frame on a stream that is not open. False: the connection ended. */
  onStrayFrame(id: number, isData: boolean): boolean {
    if (this.isUnopened(id)) return this.fail(ErrorCode.PROTOCOL_ERROR, `a frame on stream ${id}, which is not open`)
    if (!isData || this.#reset.has(id)) return true
    this.resetId(id, ErrorCode.STREAM_CLOSED)
    return !this.over
  }

  /** Resets a stream that has no object, by the peer's fault. */
  protected resetId(id: number, code: number): void {
    this.remember(id)
    writeNumberFrame(this.output, FrameType.RST_STREAM, id, code)
    this.output.owed++
    this.countReset()
  }

  /** The peer broke a rule of a stream. */
  refuse(stream: H2Stream, code: number, detail: string): void {
    stream.refuse(code, detail)
    this.output.owed++
    // What a server answers wrong it was asked for.
    if (!this.isClient) this.countReset()
  }

  /** The peer broke a rule on a stream in a way that a peer that works cannot: see `streamErrorOnMalformed`. */
  offend(stream: H2Stream, code: number, detail: string): void {
    if (this.options.streamErrorOnMalformed) this.refuse(stream, code, detail)
    else this.fail(code, detail)
  }

  /** A stream was reset by the peer, or by its fault. False: that is one too many. */
  countReset(): boolean {
    const flood = this.guard.onReset()
    return flood === false || this.calm(flood)
  }

  onSettings(bytes: Buffer, start: number, end: number): void {
    const flood = this.guard.onControl()
    if (flood !== false) return void this.calm(flood)
    const { peerSettings } = this
    const windowBytes = peerSettings.windowBytes
    const fault = peerSettings.read(bytes, start, end, this.isClient)
    if (fault !== undefined) return void this.fail(fault.code, fault.detail)
    this.encoder.setLimit(peerSettings.headerTableBytes)
    const wider = peerSettings.windowBytes - windowBytes
    if (wider !== 0) {
      for (const stream of this.streams.all()) {
        stream.sendWindow += wider
        if (stream.sendWindow > largestWindowBytes) {
          return void this.fail(ErrorCode.FLOW_CONTROL_ERROR, 'a window too large')
        }
        this.data.join(stream)
      }
    }
    writeFrameHead(this.output, 0, FrameType.SETTINGS, FrameFlag.ACK, 0)
    this.output.owed++
    if (wider > 0) this.data.pump()
    this.onPeerSettings()
  }

  protected abstract get isClient(): boolean

  onSettingsAck(): void {
    this.#decoder.setLimit(this.options.headerTableBytes)
  }

  onPing(ack: boolean, bytes: Buffer, at: number): void {
    // That there is an answer is all that a question about being alive wants to know.
    if (ack) return bytes[at] === PingPurpose.DRAIN ? this.onDrainPong() : undefined
    const flood = this.guard.onControl()
    if (flood !== false) return void this.calm(flood)
    const { output } = this
    writeFrameHead(output, 8, FrameType.PING, FrameFlag.ACK, 0)
    bytes.copy(output.bytes, output.length, at, at + 8)
    output.length += 8
    output.owed++
  }

  onUnknown(): void {
    const flood = this.guard.onControl()
    if (flood !== false) this.calm(flood)
  }

  protected ping(purpose: number): void {
    const { output } = this
    writeFrameHead(output, 8, FrameType.PING, 0, 0)
    output.bytes.fill(0, output.length, output.length + 8)
    output.bytes[output.length] = purpose
    output.length += 8
    output.dirty()
  }

  askAlive(): void {
    this.ping(PingPurpose.ALIVE)
  }

  onSilence(): void {
    this.finish('no answer to a PING')
    this.transport.destroy()
  }

  onDeadline(deadline: Deadline): void {
    if (deadline === this.#headDeadline) this.fail(ErrorCode.ENHANCE_YOUR_CALM, 'a frame or head takes too long')
    else this.onIdleDeadline()
  }

  protected abstract onIdleDeadline(): void

  /** Decodes a block into `heads`. False: the connection ended. */
  protected decode(bytes: Buffer, start: number, end: number): boolean {
    const fault = this.#decoder.decode(bytes, start, end, this.heads)
    if (fault !== undefined) return this.fail(ErrorCode.COMPRESSION_ERROR, fault)
    this.heads.finish()
    return true
  }

  /** Trailers of ours, which end the stream. */
  writeTrailers(id: number, trailers: MessageHead): void {
    writeTrailers({ output: this.output, encoder: this.encoder, id, ends: true }, trailers)
  }
}
