import { Buffer } from 'node:buffer'
import type { Transport, TransportClose, TransportHandler } from '@weft/core'
import type { UpstreamConnection } from '../../pool/upstream-connection.ts'
import { type BodySink, ChunkedDecoder } from './chunked-decoder.ts'
import { responseFraming } from './framing.ts'
import type { HeadLimits } from '../message-head.ts'
import { H1Head } from './h1-head.ts'
import { HeaderKind } from '../header-kind.ts'
import { takeHopByHop } from '../hop-by-hop.ts'

/** Body pieces up to this size are joined with what is already waiting. */
const joinLimitBytes = 16 * 1024

/** Upstream heads may be larger than what we take from strangers; Envoy's default is 60 kB. */
const responseLimits: HeadLimits = { maxBytes: 60 * 1024, maxHeaders: 200 }

/** How a response ended early. */
export interface ResponseFailure {
  readonly kind: 'closed' | 'protocol'
  /** True when no byte of the response had arrived. */
  readonly silent: boolean
  readonly detail: string
}

/** One response being received; what its codec tells it. `bytes` are valid during the call. */
export interface ResponseReceiver {
  /** 102 and 103. */
  onInformational(head: H1Head): void
  onHead(head: H1Head, endOfBody: boolean, known: 'length' | 'chunked' | 'until-close'): void
  onData(bytes: Buffer, start: number, end: number): void
  onEnd(): void
  /** Everything of this read was told: send what was gathered. */
  onFlush(): void
  onWritable(): void
  onFailure(failure: ResponseFailure): void
}

/** 1xx responses before the final one; a server that sends more keeps an exchange going without ever answering. */
const maxInformational = 100

/** An idle connection is given up this long before the server said it would close it, milliseconds. */
const keepAliveMarginMs = 1_000

type State = 'idle' | 'head' | 'length' | 'chunked' | 'until-close' | 'done' | 'gone'

/** The client side of HTTP/1.1 on a pooled connection: one request at a time, while the connection is lent. */
export class H1ClientConnection implements TransportHandler {
  readonly transport: Transport
  readonly #pooled: UpstreamConnection
  readonly #head = new H1Head(true)
  #decoder: ChunkedDecoder | undefined = undefined
  #receiver: ResponseReceiver | undefined = undefined
  #state: State = 'idle'
  #method = ''
  #remaining = 0
  #informational = 0
  #carry: Buffer | undefined = undefined
  #out = ''
  #requestDone = false
  #reusable = true
  #silent = true
  #wrote = false
  #paused = false

  constructor(pooled: UpstreamConnection) {
    this.#pooled = pooled
    this.transport = pooled.transport
  }

  /** True when it served a request before: the server may have closed it without our knowing yet. */
  get reused(): boolean {
    return this.#pooled.requests > 1
  }

  /** Begins one exchange; `head` is the whole request head. */
  begin(receiver: ResponseReceiver, method: string, head: string): void {
    this.#receiver = receiver
    this.#method = method
    this.#state = 'head'
    this.#requestDone = false
    this.#reusable = true
    this.#silent = true
    this.#wrote = false
    this.#informational = 0
    this.transport.handler = this
    this.#head.reset()
    this.#out = head
  }

  /** False while nothing was handed to the socket: the peer cannot have seen the request. */
  get wrote(): boolean {
    return this.#wrote
  }

  /** Gathers text (chunk framing). */
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
    this.#wrote = true
    return this.transport.write(bytes.subarray(start, end))
  }

  flush(): boolean {
    if (this.#out === '') return true
    const out = this.#out
    this.#out = ''
    this.#wrote = true
    return this.transport.writeLatin1(out)
  }

  /** The request is sent as a whole. */
  requestDone(): void {
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

  /** Gives the exchange up; the connection ends with it. */
  abandon(): void {
    this.#receiver = undefined
    this.#close()
  }

  onData(chunk: Buffer): void {
    this.#consume(chunk, 0, chunk.length)
    this.#receiver?.onFlush()
  }

  onEnd(): void {
    if (this.#state === 'until-close') {
      this.#reusable = false
      this.#end(false)
      return
    }
    this.#fail('closed', 'the upstream closed the connection')
  }

  onDrain(): void {
    this.#receiver?.onWritable()
  }

  onClose(close: TransportClose): void {
    this.#fail('closed', close.detail === '' ? close.reason : close.detail)
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
    this.#out = ''
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
          if (this.#remaining === 0 && this.#state === 'length') this.#end(at < end)
          break
        }
        case 'chunked':
          at = this.#readChunks(bytes, at, end)
          break
        case 'until-close':
          this.#receiver?.onData(bytes, at, end)
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
    else if (decoder.done) this.#end(at < end)
    return at
  }

  #readHead(bytes: Buffer, start: number, end: number): number {
    this.#silent = false
    const carried = this.#carry
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
    const framing = responseFraming(head, this.#method)
    if ('status' in framing || head.status === 101) {
      this.#fail('protocol', 'status' in framing ? framing.details : 'an upgrade nobody asked for')
      return
    }
    if (head.status < 200) {
      if (++this.#informational > maxInformational) return this.#fail('protocol', 'too many informational responses')
      if (head.status !== 100) this.#receiver?.onInformational(head)
      head.reset()
      return
    }
    if (head.has(HeaderKind.KEEP_ALIVE)) this.#pooled.announcedIdleMs = announcedIdleMs(head)
    const options = takeHopByHop(head)
    if (options.close || (head.minor === 0 && !options.keepAlive)) this.#reusable = false
    const receiver = this.#receiver
    if (framing.kind === 'none' || (framing.kind === 'length' && framing.bytes === 0)) {
      receiver?.onHead(head, true, 'length')
      if (this.#state === 'head') this.#end(surplus)
      return
    }
    this.#state = framing.kind
    if (framing.kind === 'length') this.#remaining = framing.bytes
    if (framing.kind === 'chunked') {
      this.#decoder ??= new ChunkedDecoder()
      this.#decoder.reset()
    }
    receiver?.onHead(head, false, framing.kind)
  }

  /**
   * The response is complete. The connection goes back first, so that what the end sets off can use it. With a surplus
   * behind the response it does not go back: the next request would be answered by bytes sent before it was.
   */
  #end(surplus: boolean): void {
    if (surplus) this.#reusable = false
    const receiver = this.#receiver
    this.#receiver = undefined
    this.#state = 'done'
    if (this.#requestDone) this.#finish()
    receiver?.onEnd()
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
