import { Buffer } from 'node:buffer'
import type { Transport, TransportClose, TransportHandler } from '@weft/core'
import { Deadline, type DeadlineLists, type DeadlineOwner } from '../../exchange/deadline-lists.ts'
import { type BodySink, ChunkedDecoder } from './chunked-decoder.ts'
import { type Framing, requestFraming } from './framing.ts'
import type { HeadFault, HeadLimits } from '../message-head.ts'
import { H1Head } from './h1-head.ts'

/** Body pieces up to this size are joined with what is already waiting, so that head and body leave in one write. */
const joinLimitBytes = 16 * 1024
/** Bytes of following requests kept while an exchange is going on; then reading stops. */
const pipelineLimitBytes = 16 * 1024

/** One request being received; what its codec tells it. `bytes` are valid during the call. */
export interface RequestReceiver {
  onData(bytes: Buffer, start: number, end: number): void
  onEnd(): void
  /** Everything of this read was told: send what was gathered. */
  onFlush(): void
  /** The downstream takes bytes again. */
  onWritable(): void
  onBodyFault(details: string): void
  /** The downstream went away before the exchange was over. */
  onGone(): void
}

/** Who answers the requests of a connection. */
export interface RequestServer {
  limits(): HeadLimits
  /** Milliseconds an idle connection is kept; 0: for ever. */
  idleMs(): number
  /** Milliseconds from a head's first byte to its last; 0: no limit. */
  headMs(): number
  /** Milliseconds a closed connection may take to read our last bytes. */
  lingerMs(): number
  /** Must `attach` a receiver, or answer and finish, before it returns. */
  onRequest(connection: H1ServerConnection, framing: Framing): void
  /** A head that cannot be served: answer it with `refuse`. */
  onHeadFault(connection: H1ServerConnection, fault: HeadFault): void
  onHeadTimeout(connection: H1ServerConnection): void
  onClosed(close: TransportClose): void
}

type State = 'head' | 'length' | 'chunked' | 'wait' | 'tunnel' | 'discard'

/** The server side of one HTTP/1.1 connection: requests in order, one at a time. */
export class H1ServerConnection implements TransportHandler, DeadlineOwner {
  readonly transport: Transport
  /** Head of the request being served. */
  readonly head = new H1Head(false)
  readonly #server: RequestServer
  readonly #deadlines: DeadlineLists
  readonly #deadline: Deadline
  #decoder: ChunkedDecoder | undefined = undefined
  #state: State = 'head'
  #remaining = 0
  #receiver: RequestReceiver | undefined = undefined
  /** An unfinished head, or bytes behind the request being served. */
  #carry: Buffer | undefined = undefined
  #sawCr = false
  #consuming = false
  #paused = false
  #out = ''
  #closing = false
  #inputEnded = false

  constructor(transport: Transport, server: RequestServer, deadlines: DeadlineLists) {
    this.transport = transport
    this.#server = server
    this.#deadlines = deadlines
    this.#deadline = new Deadline(this)
  }

  /** Begins to serve; `early` holds bytes already read. */
  start(early: Buffer | undefined): void {
    this.transport.handler = this
    this.#deadlines.arm(this.#deadline, this.#server.idleMs())
    if (early !== undefined && early.length > 0) this.onData(early)
    if (this.#state !== 'tunnel') this.transport.resume()
  }

  /** True when no request is being served and none has begun. */
  get idle(): boolean {
    return this.#receiver === undefined && this.#state === 'head' && this.#carry === undefined
  }

  /** True while the bytes of one read are being told. */
  get consuming(): boolean {
    return this.#consuming
  }

  /** Answers must say `connection: close` from now on. */
  get closing(): boolean {
    return this.#closing || this.#inputEnded
  }

  /** True when the whole request was read. */
  get requestComplete(): boolean {
    return this.#state === 'wait' || this.#state === 'head'
  }

  /** The next answer is the last one; closing an idle connection would meet a request on its way. */
  closeAfterNext(): void {
    this.#closing = true
  }

  /** Gathers text of an answer (latin1); sent by `flush`. */
  send(text: string): void {
    this.#out = this.#out === '' ? text : this.#out + text
  }

  /** Gathers or sends body bytes. False: wait for `onWritable`. */
  sendBytes(bytes: Buffer, start: number, end: number): boolean {
    if (end - start <= joinLimitBytes) {
      this.send(bytes.latin1Slice(start, end))
      return this.#out.length <= joinLimitBytes || this.flush()
    }
    this.flush()
    return this.transport.write(bytes.subarray(start, end))
  }

  /** Sends what was gathered. False: wait for `onWritable`. */
  flush(): boolean {
    if (this.#out === '') return true
    const out = this.#out
    this.#out = ''
    return this.transport.writeLatin1(out)
  }

  /** Stops reading the request's body; idempotent. */
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

  /** The answer is complete. The next request is served, or the connection closed. */
  responseDone(keepAlive: boolean): void {
    this.flush()
    this.#receiver = undefined
    // A drain that began after this answer's head has told nobody: the client may already be sending on.
    if (!keepAlive || !this.requestComplete || this.#inputEnded) return this.#linger()
    this.#state = 'head'
    this.#deadlines.arm(this.#deadline, this.#server.idleMs())
    if (!this.#consuming) this.#nextRequest()
  }

  /** Ends everything at once: an answer cannot be finished. */
  abort(): void {
    this.#receiver = undefined
    this.#state = 'discard'
    this.#deadlines.disarm(this.#deadline)
    this.transport.destroy(true)
  }

  /** Hands the transport over to a tunnel, with the bytes read behind the head. */
  takeOver(): Buffer | undefined {
    this.flush()
    const rest = this.#carry
    this.#carry = undefined
    this.#receiver = undefined
    this.#state = 'tunnel'
    this.#deadlines.disarm(this.#deadline)
    return rest
  }

  onData(chunk: Buffer): void {
    this.#consuming = true
    this.#consume(chunk, 0, chunk.length)
    this.#consuming = false
    this.#receiver?.onFlush()
  }

  onEnd(): void {
    this.#inputEnded = true
    if (this.#state === 'discard') return
    if (this.#receiver === undefined) this.transport.destroy()
    else if (!this.requestComplete) this.#gone()
  }

  onDrain(): void {
    this.#receiver?.onWritable()
  }

  onClose(close: TransportClose): void {
    this.#deadlines.disarm(this.#deadline)
    const receiver = this.#receiver
    this.#receiver = undefined
    this.#state = 'discard'
    receiver?.onGone()
    this.#server.onClosed(close)
  }

  onDeadline(): void {
    if (this.#state === 'discard') this.transport.destroy()
    else if (this.#carry !== undefined) this.#server.onHeadTimeout(this)
    else this.#linger()
  }

  /** Answers a request that never became an exchange, and closes. */
  refuse(answer: string): void {
    this.send(answer)
    this.flush()
    this.#linger()
  }

  #gone(): void {
    const receiver = this.#receiver
    this.#receiver = undefined
    receiver?.onGone()
    this.#state = 'discard'
    this.transport.destroy()
  }

  /** Sends FIN and reads on for a moment, so that a reset does not destroy our last bytes on their way. */
  #linger(): void {
    this.#state = 'discard'
    this.#carry = undefined
    if (this.#inputEnded) {
      this.transport.end()
      return
    }
    this.#deadlines.arm(this.#deadline, Math.max(1, this.#server.lingerMs()))
    this.transport.end()
    this.resumeRequest()
  }

  #nextRequest(): void {
    const carry = this.#carry
    this.#carry = undefined
    if (carry !== undefined) this.onData(carry)
    if (this.#state === 'head') this.resumeRequest()
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
          if (this.#remaining === 0) receiver?.onEnd()
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
      receiver?.onEnd()
    }
    return at
  }

  /** Reads (on) a head; returns where it ended, or `end` when it is kept for later. */
  #readHead(bytes: Buffer, start: number, end: number): number {
    let at = start
    if (this.#carry === undefined) {
      at = this.#skipEmptyLines(bytes, start, end)
      if (at >= end) return end
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
    if (framing.kind === 'length' && framing.bytes > 0) {
      this.#remaining = framing.bytes
      this.#state = 'length'
    } else if (framing.kind === 'chunked') {
      this.#decoder ??= new ChunkedDecoder()
      this.#decoder.reset()
      this.#state = 'chunked'
    } else this.#state = 'wait'
    this.#server.onRequest(this, framing)
  }

  /** The exchange introduces itself before it does anything, so that it can finish within the same call. */
  attach(receiver: RequestReceiver): void {
    this.#receiver = receiver
  }

  /** RFC 9112 2.2: empty lines before a request are ignored; only whole ones. */
  #skipEmptyLines(bytes: Buffer, start: number, end: number): number {
    let at = start
    while (at < end) {
      const byte = bytes[at]
      if (this.#sawCr) {
        this.#sawCr = false
        if (byte !== 10) {
          this.#fault({ status: 400, details: 'http1.bare_cr' })
          return end
        }
      } else if (byte === 13) this.#sawCr = true
      else break
      at++
    }
    return at
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    const more = bytes.subarray(start, end)
    this.#carry = this.#carry === undefined ? Buffer.from(more) : Buffer.concat([this.#carry, more])
    if (this.#carry.length > pipelineLimitBytes) this.pauseRequest()
  }
}
