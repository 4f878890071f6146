import { Buffer } from 'node:buffer'
import type { Transport, TransportClose, TransportHandler } from '@weft/core'
import { Deadline, type DeadlineLists, type DeadlineOwner } from '../../exchange/deadline-lists.ts'
import { HeaderKind } from '../header-kind.ts'
import { takeHopByHop } from '../hop-by-hop.ts'
import type { BodyExtent, DownstreamStream, RequestReceiver, ResetCause } from '../http-stream.ts'
import type { HeadFault, MessageHead } from '../message-head.ts'
import { Linger } from '../linger.ts'
import { type BodySink, ChunkedDecoder } from './chunked-decoder.ts'
import { EmptyLines } from './empty-lines.ts'
import { type Framing, requestFraming } from './framing.ts'
import { H1Head } from './h1-head.ts'
import { bareCr, forbiddenOption } from './head-faults.ts'
import { H1Output } from './h1-output.ts'
import { bodilessLine, chunkedLine, closeLine, opensTunnel, switchLines, writeAnswer } from './head-text.ts'
import type { RequestServer } from './request-server.ts'
import { readTrailers } from './trailer-lines.ts'

/** Bytes of following requests kept while an exchange is going on; then reading stops. */
const pipelineLimitBytes = 16 * 1024

type State = 'head' | 'length' | 'chunked' | 'wait' | 'tunnel' | 'discard'

/** The server side of one HTTP/1.1 connection: requests in order, one at a time, so that it is its own only stream. */
export class H1ServerConnection implements DownstreamStream, TransportHandler, DeadlineOwner {
  readonly transport: Transport
  /** Head of the request being served. */
  readonly head = new H1Head(false)
  requestBody: BodyExtent = 'none'
  readonly #server: RequestServer
  readonly #deadlines: DeadlineLists
  readonly #deadline: Deadline
  #decoder: ChunkedDecoder | undefined = undefined
  #state: State = 'head'
  #remaining = 0
  #receiver: RequestReceiver | undefined = undefined
  /** An unfinished head, or bytes behind the request being served. */
  #carry: Buffer | undefined = undefined
  readonly #emptyLines = new EmptyLines()
  #consuming = false
  #paused = false
  readonly #output: H1Output
  #closing = false
  /** The request's own headers allow another one. */
  #persistent = false
  /** The present answer told the client that the connection goes on. */
  #keepAlive = false
  #chunkedOut = false
  #inputEnded = false
  /** The client does not take what was written last. */
  #blocked = false
  /** An answer is over that the client has yet to take; what it asks next waits. */
  #held = false
  #lingering: Linger | undefined = undefined

  constructor(transport: Transport, server: RequestServer, deadlines: DeadlineLists) {
    this.transport = transport
    this.#output = new H1Output(transport)
    this.#server = server
    this.#deadlines = deadlines
    this.#deadline = new Deadline(this)
  }

  /** Begins to serve; `early` holds bytes already read. */
  start(early: Buffer | undefined): void {
    this.transport.handler = this
    this.#deadlines.arm(this.#deadline, this.#server.idleMs())
    if (early !== undefined && early.length > 0) this.onData(early)
    if (this.#state !== 'tunnel' && !this.#paused) this.transport.resume()
  }

  /** True when no request is being served and none has begun. */
  get idle(): boolean {
    return this.#receiver === undefined && this.#state === 'head' && this.#carry === undefined
  }

  /** True while the bytes of one read are being told. */
  get consuming(): boolean {
    return this.#consuming
  }

  get closing(): boolean {
    return this.#closing || this.#lastRequest || !this.#persistent
  }

  /** The client has closed its side, and nothing that it sent before waits to be read. */
  get #lastRequest(): boolean {
    return this.#inputEnded && this.#carry === undefined
  }

  /** True when the whole request was read. */
  get requestComplete(): boolean {
    return this.#state === 'wait' || this.#state === 'head'
  }

  /** The client asked for another protocol, and was not answered. */
  get #switching(): boolean {
    return this.#state === 'wait' && (this.head.upgrade !== undefined || opensTunnel(this.head, 200))
  }

  /** The next answer is the last one; without a request the connection ends after a while, in which one may be on its way. */
  retire(): void {
    this.closeAfterNext()
    if (this.idle) this.#deadlines.arm(this.#deadline, Math.max(1, this.#server.drainMs()))
  }

  /** The next answer is the last one; closing an idle connection would meet a request on its way. */
  closeAfterNext(): void {
    this.#closing = true
  }

  attach(receiver: RequestReceiver): void {
    this.#receiver = receiver
  }

  inform(head: MessageHead): void {
    if (this.head.minor === 1) writeAnswer(this.#output, head, '')
  }

  respond(head: MessageHead, body: BodyExtent, keepAlive: boolean): void {
    const { minor, upgrade } = this.head
    this.#chunkedOut = body === 'unknown' && minor === 1
    // Behind half a request, or behind a switch that did not happen, nobody knows what the next bytes mean.
    const clear = this.requestComplete && (upgrade === undefined || head.status === 101) && !opensTunnel(this.head, 200)
    this.#keepAlive = keepAlive && clear && !this.closing && (body !== 'unknown' || minor === 1)
    const output = this.#output
    if (head.status === 101) return writeAnswer(output, head, switchLines(head, head.protocolNamed() ?? upgrade), minor)
    // As Envoy: a 200 is all that one expects of a tunnel.
    if (opensTunnel(this.head, head.status)) return writeAnswer(output, head, head.status === 200 ? '' : closeLine)
    let framing = this.#chunkedOut ? chunkedLine : body === 'none' ? bodilessLine(head, this.head.method(), minor) : ''
    if (!this.#keepAlive) framing += closeLine
    else if (minor === 0) framing += 'connection: keep-alive\r\n'
    // Who is told to upgrade, or was not understood, hears the version we speak.
    const ours = minor === 1 || head.status === 426 || this.#state === 'discard'
    writeAnswer(output, head, framing, ours ? 1 : 0)
  }

  sendBytes(bytes: Buffer, start: number, end: number): boolean {
    const more = this.#chunkedOut ? this.#output.chunk(bytes, start, end) : this.#output.body(bytes, start, end)
    this.#blocked ||= !more
    return more
  }

  flush(): boolean {
    const more = this.#output.flush()
    this.#blocked ||= !more
    return more
  }

  pauseRequest(): void {
    if (this.#paused) return
    this.#paused = true
    this.transport.pause()
  }

  resumeRequest(): void {
    if (!this.#paused) return
    this.#paused = false
    this.transport.resume()
  }

  end(trailers?: MessageHead): void {
    if (this.#chunkedOut) {
      this.#chunkedOut = false
      const lines = trailers !== undefined && this.#server.keepsTrailers() ? trailers.lines() : ''
      this.#output.text(`0\r\n${lines}\r\n`)
    }
    this.flush()
    this.#receiver = undefined
    // A drain that began after this answer's head has told nobody: the client may already be sending on.
    if (!this.#keepAlive || !this.requestComplete || this.#lastRequest) return this.#linger()
    this.#deadlines.arm(this.#deadline, this.#server.idleMs())
    // Who asks on and on and reads nothing would have all answers kept here.
    this.#held = this.#blocked
    if (this.#held) return
    this.#state = 'head'
    if (!this.#consuming) this.#nextRequest()
  }

  reset(_cause: ResetCause): void {
    this.#receiver = undefined
    this.#state = 'discard'
    // Whoever asked sees how far the answer came.
    this.#output.flush()
    this.#deadlines.disarm(this.#deadline)
    this.transport.destroy(true)
  }

  tunnel(): { readonly transport: Transport; readonly head: Buffer | undefined } {
    this.flush()
    const head = this.#carry
    this.#carry = undefined
    this.#receiver = undefined
    this.#state = 'tunnel'
    this.#deadlines.disarm(this.#deadline)
    // A client that finished before is heard by whoever takes over.
    if (this.#inputEnded) queueMicrotask(() => this.transport.handler.onEnd())
    return { transport: this.transport, head }
  }

  onData(chunk: Buffer): void {
    this.onBytes(chunk, 0, chunk.length)
  }

  onBytes(bytes: Buffer, start: number, end: number): void {
    this.#consuming = true
    try {
      this.#consume(bytes, start, end)
      this.#consuming = false
      this.#receiver?.onFlush()
    } finally {
      // Whatever happens: other connections read into the same bytes.
      this.head.settle(true)
    }
  }

  onEnd(): void {
    this.#inputEnded = true
    if (this.#state === 'discard') return
    if (this.#held) return
    if (this.#receiver === undefined) this.transport.destroy()
    else if (!this.requestComplete) this.#gone()
  }

  onDrain(): void {
    this.#blocked = false
    if (!this.#held) return this.#receiver?.onWritable()
    this.#held = false
    this.#state = 'head'
    this.#deadlines.arm(this.#deadline, this.#server.idleMs())
    this.#nextRequest()
  }

  onClose(close: TransportClose): void {
    this.#deadlines.disarm(this.#deadline)
    this.#lingering?.over()
    const receiver = this.#receiver
    this.#receiver = undefined
    if (this.#state === 'head' && this.#carry !== undefined) this.#server.onHeadCutOff(this.head.protocol)
    this.#state = 'discard'
    receiver?.onGone(close.detail === '' ? close.reason : close.detail)
    this.#server.onClosed(close)
  }

  onDeadline(): void {
    if (this.#held) this.transport.destroy()
    else if (this.#carry !== undefined) this.#server.onHeadTimeout(this)
    // Who has never asked anything is not about to; others are given the time of a drain, as by Envoy.
    else if (this.#closing || !this.#persistent) this.#linger()
    else this.retire()
  }

  #gone(): void {
    const receiver = this.#receiver
    this.#receiver = undefined
    receiver?.onGone('the downstream ended inside its request')
    this.#state = 'discard'
    this.transport.destroy()
  }

  /** Nothing more is served: what comes until the client closes is read and dropped. */
  #linger(): void {
    this.#state = 'discard'
    this.#carry = undefined
    this.#deadlines.disarm(this.#deadline)
    this.#lingering ??= new Linger(this.transport, this.#deadlines, this.#server.lingerMs())
    if (!this.#inputEnded) this.resumeRequest()
  }

  #nextRequest(): void {
    const carry = this.#carry
    this.#carry = undefined
    if (carry !== undefined) this.onData(carry)
    // Nothing follows half a request whose sender has closed its side.
    if (this.#inputEnded && this.#receiver === undefined && this.#state === 'head') this.#linger()
    else if (this.#inputEnded && !this.requestComplete) this.#gone()
    else if (this.#state === 'head') this.resumeRequest()
  }

  #consume(bytes: Buffer, start: number, end: number): void {
    let at = start
    while (at < end) {
      switch (this.#state) {
        case 'head':
          at = this.#readHead(bytes, at, end)
          break
        case 'length': {
          const stop = Math.min(end, at + this.#remaining)
          this.#remaining -= stop - at
          const from = at
          at = stop
          if (this.#remaining === 0) this.#state = 'wait'
          const receiver = this.#receiver
          receiver?.onData(bytes, from, stop)
          if (this.#remaining === 0) receiver?.onEnd(undefined)
          break
        }
        case 'chunked':
          at = this.#readChunks(bytes, at, end)
          break
        case 'wait':
        case 'tunnel':
          this.#keep(bytes, at, end)
          return
        default:
          return
      }
    }
  }

  readonly #onChunk: BodySink = (bytes, start, end) => this.#receiver?.onData(bytes, start, end)

  #readChunks(bytes: Buffer, start: number, end: number): number {
    const decoder = this.#decoder as ChunkedDecoder
    const receiver = this.#receiver
    const at = decoder.decode(bytes, start, end, this.#onChunk)
    if (decoder.fault !== undefined) {
      this.#closing = true
      this.#state = 'discard'
      receiver?.onBodyFault(`http1.${decoder.fault}`)
      return end
    }
    if (decoder.done) {
      if (this.#state === 'chunked') this.#state = 'wait'
      receiver?.onEnd(decoder.trailers === '' ? undefined : readTrailers(decoder.trailers))
    }
    return at
  }

  /** Reads (on) a head; returns where it ended, or `end` when it is kept for later. */
  #readHead(bytes: Buffer, start: number, end: number): number {
    let at = start
    if (this.#carry === undefined) {
      at = this.#emptyLines.skip(bytes, start, end)
      if (at < 0) this.#fault(bareCr)
      if (at < 0 || at >= end) return end
      this.head.reset()
    }
    const limits = this.#server.limits()
    const carried = this.#carry
    const source = carried === undefined ? bytes : Buffer.concat([carried, bytes.subarray(at, end)])
    const from = carried === undefined ? at : 0
    const outcome = this.head.parse(source, from, carried === undefined ? end : source.length, limits)
    if (outcome === 'more') {
      if (carried === undefined) this.#deadlines.arm(this.#deadline, this.#server.headMs())
      this.#carry = carried === undefined ? Buffer.from(bytes.subarray(at, end)) : source
      return end
    }
    this.#carry = undefined
    const framing = outcome === 'fault' ? (this.head.fault as HeadFault) : requestFraming(this.head)
    if ('status' in framing) {
      this.#fault(framing)
      return end
    }
    const used = this.head.length - (carried?.length ?? 0)
    this.#begin(framing)
    return at + used
  }

  #fault(fault: HeadFault): void {
    this.#closing = true
    this.#state = 'discard'
    this.#server.onHeadFault(this, fault)
  }

  #begin(framing: Framing): void {
    this.#deadlines.disarm(this.#deadline)
    const { head } = this
    const upgrade = head.has(HeaderKind.UPGRADE) ? head.value('upgrade') : undefined
    const options = takeHopByHop(head)
    if (options.forbidden) return this.#fault(forbiddenOption)
    this.#persistent = !options.close && (head.minor === 1 || options.keepAlive)
    // What is ignored is not refused: h2c as Envoy does, and an upgrade that `connection` does not name.
    if (options.upgrade && head.minor === 1 && upgrade?.toLowerCase() !== 'h2c') head.upgrade = upgrade
    this.#state = 'wait'
    this.requestBody = 'none'
    // As Envoy: what comes behind the head of an upgrade is of the other protocol, whatever the head says of a body.
    if (head.upgrade !== undefined) return this.#server.onRequest(this)
    if (framing.kind === 'length' && framing.bytes > 0) {
      this.#remaining = framing.bytes
      this.#state = 'length'
      const unframed = head.has(HeaderKind.CONNECTION) && head.value('content-length') === undefined
      this.requestBody = unframed ? 'unknown' : 'length'
    } else if (framing.kind === 'chunked') {
      this.#decoder ??= new ChunkedDecoder(this.#server.keepsTrailers())
      this.#decoder.reset()
      this.#state = 'chunked'
      this.requestBody = 'unknown'
    }
    this.#server.onRequest(this)
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    if (this.#switching) this.#receiver?.onAhead(end - start)
    const more = bytes.subarray(start, end)
    this.#carry = this.#carry === undefined ? Buffer.from(more) : Buffer.concat([this.#carry, more])
    if (this.#carry.length > pipelineLimitBytes) this.pauseRequest()
  }
}
