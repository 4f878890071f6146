import { Buffer } from 'node:buffer'
import type { Transport, TransportClose, TransportHandler } from '@weft/core'
import type { UpstreamConnection } from '../../pool/upstream-connection.ts'
import { HeaderKind } from '../header-kind.ts'
import { takeHopByHop } from '../hop-by-hop.ts'
import type { OutgoingRequest, ResponseFailure, ResponseReceiver, UpstreamStream } from '../http-stream.ts'
import type { HeadLimits, MessageHead } from '../message-head.ts'
import { type BodySink, ChunkedDecoder } from './chunked-decoder.ts'
import { responseFraming } from './framing.ts'
import { H1Head } from './h1-head.ts'
import { H1Output } from './h1-output.ts'
import { isChunked, writeRequest } from './head-text.ts'
import { readTrailers } from './trailer-lines.ts'

/** Upstream heads may be larger than what we take from strangers; Envoy's default is 60 kB. */
const responseLimits: HeadLimits = { maxBytes: 80 * 1024, maxHeaders: 100 }

/** 1xx responses before the final one; a server that sends more keeps an exchange going without ever answering. */
const maxInformational = 100

/** An idle connection is given up this long before the server said it would close it, milliseconds. */
const keepAliveMarginMs = 1_000

type State = 'idle' | 'head' | 'length' | 'chunked' | 'until-close' | 'done' | 'tunnel' | 'gone'

/**
 * The client side of HTTP/1.1 on a pooled connection: one request at a time, while the connection is lent. After a switch
 * (101, CONNECT) bytes are kept until `tunnel` takes the transport, which `onFlush` may do; `abandon` ends the tunnel.
 */
export class H1ClientConnection implements UpstreamStream, TransportHandler {
  readonly transport: Transport
  readonly #pooled: UpstreamConnection
  readonly #head = new H1Head(true)
  #decoder: ChunkedDecoder | undefined = undefined
  #receiver: ResponseReceiver | undefined = undefined
  #state: State = 'idle'
  #method = ''
  #upgrade: string | undefined = undefined
  #chunkedOut = false
  #remaining = 0
  #informational = 0
  #carry: Buffer | undefined = undefined
  readonly #output: H1Output
  #requestDone = false
  #reusable = true
  #silent = true
  #paused = false

  constructor(pooled: UpstreamConnection) {
    this.#pooled = pooled
    this.transport = pooled.transport
    this.#output = new H1Output(pooled.transport)
  }

  get reused(): boolean {
    return this.#pooled.requests > 1
  }

  begin(receiver: ResponseReceiver, request: OutgoingRequest): void {
    this.#receiver = receiver
    this.#method = request.method
    this.#upgrade = request.upgrade
    this.#chunkedOut = isChunked(request)
    this.#state = 'head'
    this.#requestDone = false
    this.#reusable = true
    this.#silent = true
    this.#output.wrote = false
    this.#informational = 0
    this.transport.handler = this
    this.#output.clear()
    writeRequest(this.#output, request)
  }

  get wrote(): boolean {
    return this.#output.wrote
  }

  sendBytes(bytes: Buffer, start: number, end: number): boolean {
    return this.#chunkedOut ? this.#output.chunk(bytes, start, end) : this.#output.body(bytes, start, end)
  }

  flush(): boolean {
    return this.#output.flush()
  }

  end(trailers?: MessageHead): void {
    if (this.#chunkedOut) {
      const lines = trailers !== undefined && this.#pooled.keepsTrailers ? trailers.lines() : ''
      this.#output.text(`0\r\n${lines}\r\n`)
    }
    this.#requestDone = true
    if (this.#state === 'done') this.#finish()
  }

  pauseResponse(): void {
    if (this.#paused) return
    this.#paused = true
    this.transport.pause()
  }

  resumeResponse(): void {
    if (!this.#paused) return
    this.#paused = false
    this.transport.resume()
  }

  abandon(): void {
    this.#receiver = undefined
    // Nothing was asked: another request may have it.
    if (this.#state === 'idle') this.#pooled.release()
    else this.#close()
  }

  tunnel(): { readonly transport: Transport; readonly head: Buffer | undefined } {
    this.flush()
    const head = this.#carry
    this.#carry = undefined
    this.#receiver = undefined
    this.#state = 'tunnel'
    return { transport: this.transport, head }
  }

  onData(chunk: Buffer): void {
    this.onBytes(chunk, 0, chunk.length)
  }

  onBytes(bytes: Buffer, start: number, end: number): void {
    try {
      this.#consume(bytes, start, end)
      this.#receiver?.onFlush()
    } finally {
      // Whatever happens: other connections read into the same bytes.
      this.#head.settle(this.#state !== 'idle')
    }
  }

  onEnd(): void {
    if (this.#state === 'until-close') {
      this.#reusable = false
      this.#end(false, undefined)
      return
    }
    this.#fail(this.#lossKind(), 'the upstream closed the connection')
  }

  onDrain(): void {
    this.#receiver?.onWritable()
  }

  onClose(close: TransportClose): void {
    this.#fail(this.#lossKind(), close.detail === '' ? close.reason : close.detail)
  }

  /** A connection that goes in the middle of a message has broken a rule of HTTP, as its framing tells. */
  #lossKind(): ResponseFailure['kind'] {
    const inside = this.#state === 'length' || this.#state === 'chunked' || this.#carry !== undefined
    return inside && this.#state !== 'tunnel' ? 'protocol' : 'closed'
  }

  #fail(kind: ResponseFailure['kind'], detail: string): void {
    if (this.#state === 'gone') return
    const receiver = this.#receiver
    const silent = this.#silent
    this.#receiver = undefined
    this.#close()
    receiver?.onFailure({ kind, silent, detail })
  }

  #close(): void {
    if (this.#state === 'gone') return
    this.#state = 'gone'
    this.#carry = undefined
    this.#output.clear()
    this.#pooled.discard()
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
          this.#receiver?.onData(bytes, at, stop)
          at = stop
          if (this.#remaining === 0 && this.#state === 'length') this.#end(at < end, undefined)
          break
        }
        case 'chunked':
          at = this.#readChunks(bytes, at, end)
          break
        case 'until-close':
          this.#receiver?.onData(bytes, at, end)
          return
        case 'tunnel':
          this.#keep(bytes, at, end)
          return
        case 'gone':
          return
        default:
          // Bytes nobody asked for: the next response would be confused with them.
          this.#fail('protocol', 'the upstream sent bytes outside of a response')
          return
      }
    }
  }

  readonly #onChunk: BodySink = (bytes, start, end) => this.#receiver?.onData(bytes, start, end)

  #readChunks(bytes: Buffer, start: number, end: number): number {
    const decoder = this.#decoder as ChunkedDecoder
    const at = decoder.decode(bytes, start, end, this.#onChunk)
    if (this.#state !== 'chunked') return end
    if (decoder.fault !== undefined) this.#fail('protocol', decoder.fault)
    else if (decoder.done) this.#end(at < end, decoder.trailers === '' ? undefined : readTrailers(decoder.trailers))
    return at
  }

  #readHead(bytes: Buffer, start: number, end: number): number {
    this.#silent = false
    const carried = this.#carry
    // Not before: until then the head of the response before may still be asked for.
    if (carried === undefined) this.#head.reset()
    const source = carried === undefined ? bytes : Buffer.concat([carried, bytes.subarray(start, end)])
    const from = carried === undefined ? start : 0
    const outcome = this.#head.parse(source, from, carried === undefined ? end : source.length, responseLimits)
    if (outcome === 'more') {
      this.#carry = carried === undefined ? Buffer.from(bytes.subarray(start, end)) : source
      return end
    }
    this.#carry = undefined
    if (outcome === 'fault') {
      this.#fail('protocol', this.#head.fault?.details ?? 'malformed response')
      return end
    }
    const next = start + this.#head.length - (carried?.length ?? 0)
    this.#onHead(next < end)
    return next
  }

  #onHead(surplus: boolean): void {
    const head = this.#head
    if (this.#isSwitch(head.status)) return this.#switched(head)
    const framing = responseFraming(head, this.#method)
    if ('status' in framing || head.status === 101) {
      this.#fail('protocol', 'status' in framing ? framing.details : 'an upgrade nobody asked for')
      return
    }
    if (head.status < 200) {
      if (++this.#informational > maxInformational) return this.#fail('protocol', 'too many informational responses')
      this.#receiver?.onInformational(head)
      return
    }
    if (head.has(HeaderKind.KEEP_ALIVE)) this.#pooled.announcedIdleMs = announcedIdleMs(head)
    const options = takeHopByHop(head)
    if (options.close || (head.minor === 0 && !options.keepAlive)) this.#reusable = false
    const receiver = this.#receiver
    if (framing.kind === 'none' || (framing.kind === 'length' && framing.bytes === 0)) {
      receiver?.onHead(head, 'none')
      if (this.#state === 'head') this.#end(surplus, undefined)
      return
    }
    this.#state = framing.kind
    if (framing.kind === 'length') this.#remaining = framing.bytes
    if (framing.kind === 'chunked') {
      this.#decoder ??= new ChunkedDecoder(this.#pooled.keepsTrailers)
      this.#decoder.reset()
    }
    receiver?.onHead(head, framing.kind === 'length' ? 'length' : 'unknown')
  }

  /** True when the connection carries other bytes than HTTP behind this answer. */
  #isSwitch(status: number): boolean {
    if (status === 101) return this.#upgrade !== undefined
    return this.#method === 'CONNECT' && status >= 200 && status < 300
  }

  #switched(head: H1Head): void {
    // What the connection carries from now on (RFC 9110 15.2.2).
    const protocol = head.has(HeaderKind.UPGRADE) ? head.value('upgrade') : undefined
    if (head.status === 101 && protocol === undefined) return this.#fail('protocol', 'an upgrade to nothing')
    head.upgrade = protocol
    takeHopByHop(head)
    this.#state = 'tunnel'
    this.#receiver?.onHead(head, 'none')
  }

  /** Bytes behind a switch, until `tunnel` takes them. */
  #keep(bytes: Buffer, start: number, end: number): void {
    const more = bytes.subarray(start, end)
    this.#carry = this.#carry === undefined ? Buffer.from(more) : Buffer.concat([this.#carry, more])
  }

  /**
   * The response is complete. The connection goes back first, so that what the end sets off can use it. With a surplus
   * behind the response it does not go back: the next request would be answered by bytes sent before it was.
   */
  #end(surplus: boolean, trailers: MessageHead | undefined): void {
    if (surplus) this.#reusable = false
    const receiver = this.#receiver
    this.#receiver = undefined
    this.#state = 'done'
    if (this.#requestDone) this.#finish()
    receiver?.onEnd(trailers)
    // An answer before the end of the request: what is left of the request will not be sent.
    if ((this.#state as State) === 'done') this.#close()
  }

  #finish(): void {
    if (!this.#reusable) {
      this.#close()
      return
    }
    this.#state = 'idle'
    this.resumeResponse()
    this.#pooled.release()
  }
}

const timeoutParameter = /(?:^|[,;\s])timeout\s*=\s*(\d{1,6})/i

function announcedIdleMs(head: H1Head): number {
  const found = timeoutParameter.exec(head.value('keep-alive') ?? '')
  return found === null ? 0 : Math.max(1, Number(found[1]) * 1000 - keepAliveMarginMs)
}
