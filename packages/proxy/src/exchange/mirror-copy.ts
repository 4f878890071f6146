import type { Buffer } from 'node:buffer'
import type { Endpoint } from '@weft/engine'
import type { ActiveRequests, UpstreamCluster } from '../cluster/upstream-cluster.ts'
import type { OutgoingRequest, ResponseReceiver, UpstreamStream } from '../codec/http-stream.ts'
import type { MessageHead } from '../codec/message-head.ts'
import type { PoolWaiter } from '../pool/pool.ts'
import { Deadline, type DeadlineLists, type DeadlineOwner } from './deadline-lists.ts'

/** So much of a body waits for a mirror that is slow; what is longer is not copied. */
const waitLimitBytes = 64 * 1024
/** So much of an answer is read to keep its connection. */
const answerLimitBytes = 1024 * 1024

/** What a copy is sent with. */
export interface MirrorSending {
  readonly cluster: UpstreamCluster
  readonly request: OutgoingRequest
  /** The client speaks HTTP/2. */
  readonly http2: boolean
  readonly deadlines: DeadlineLists
  /** So long it may take. */
  readonly limitMs: number
  onOver(): void
}

/** One copy of a request on its way. Whatever becomes of it, the exchange does not notice. */
export class MirrorCopy implements ResponseReceiver, PoolWaiter, DeadlineOwner {
  readonly http2: boolean
  readonly #sending: MirrorSending
  readonly #deadline = new Deadline(this)
  #endpoint: Endpoint | undefined = undefined
  #active: ActiveRequests | undefined = undefined
  #stream: UpstreamStream | undefined = undefined
  #cancelWait: (() => void) | undefined = undefined
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #blocked = false
  /** The request is whole; its trailers. */
  #whole: { readonly trailers: MessageHead | undefined } | undefined = undefined
  #ended = false
  #answerBytes = 0
  #over = false

  constructor(sending: MirrorSending) {
    this.#sending = sending
    this.http2 = sending.http2
  }

  /** Nothing is sent any more. */
  get over(): boolean {
    return this.#over
  }

  /** Finds an endpoint and sends what is there already. */
  start(): void {
    const { cluster, deadlines, limitMs } = this.#sending
    deadlines.arm(this.#deadline, limitMs)
    const picked = cluster.pick([])
    if (picked.kind !== 'picked') return this.#finish()
    this.#active = cluster.beginRequest(picked.endpoint)
    if (this.#active === undefined) return this.#finish()
    this.#endpoint = picked.endpoint
    const idle = cluster.takeIdle(picked.endpoint, this.http2)
    if (idle !== undefined) return this.onStream(idle)
    const cancel = cluster.connect(picked.endpoint, this)
    if (this.#stream === undefined && !this.#over) this.#cancelWait = cancel
  }

  /** A piece of the body; it is kept as it is. */
  data(piece: Buffer): void {
    if (this.#over) return
    this.#waiting.push(piece)
    this.#waitingBytes += piece.length
    this.#send()
    if (this.#waitingBytes > waitLimitBytes) this.abandon()
  }

  /** The request is whole. */
  end(trailers: MessageHead | undefined): void {
    this.#whole = { trailers }
    this.#send()
  }

  /** Gives the copy up. */
  abandon(): void {
    if (this.#over) return
    this.#stream?.abandon()
    this.#finish()
  }

  onStream(stream: UpstreamStream): void {
    this.#cancelWait = undefined
    if (this.#over) return stream.abandon()
    const { cluster, request } = this.#sending
    if (cluster.observesConnections) cluster.observe(this.#endpoint as Endpoint, 'connected')
    this.#stream = stream
    stream.begin(this, request)
    this.#send()
  }

  onPoolFailure(): void {
    this.#cancelWait = undefined
    this.#missed()
  }

  onInformational(): void {}

  onHead(head: MessageHead): void {
    this.#sending.cluster.observe(this.#endpoint as Endpoint, head)
  }

  onData(_bytes: Buffer, start: number, end: number): void {
    this.#answerBytes += end - start
    if (this.#answerBytes > answerLimitBytes) this.abandon()
  }

  onEnd(): void {
    // An answer before the request is whole: what is left of it has nowhere to go.
    if (!this.#ended) return this.abandon()
    this.#finish()
  }

  onFlush(): void {}

  onWritable(): void {
    this.#blocked = false
    this.#send()
  }

  onFailure(): void {
    this.#stream = undefined
    this.#missed()
  }

  onDeadline(): void {
    this.abandon()
  }

  #send(): void {
    const stream = this.#stream
    if (stream === undefined || this.#blocked || this.#over || this.#ended) return
    for (let piece = this.#waiting.shift(); piece !== undefined; piece = this.#waiting.shift()) {
      this.#waitingBytes -= piece.length
      if (!stream.sendBytes(piece, 0, piece.length)) {
        this.#blocked = true
        break
      }
    }
    if (!this.#blocked && this.#whole !== undefined) {
      this.#ended = true
      stream.end(this.#whole.trailers)
    }
    // The stream may have told its end meanwhile.
    if (this.#stream === stream && !stream.flush()) this.#blocked = true
  }

  #missed(): void {
    if (this.#over) return
    if (this.#endpoint !== undefined) this.#sending.cluster.observe(this.#endpoint, 'local-failure')
    this.#finish()
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    this.#stream = undefined
    this.#waiting = []
    this.#cancelWait?.()
    const { cluster, deadlines, onOver } = this.#sending
    deadlines.disarm(this.#deadline)
    if (this.#active !== undefined) cluster.endRequest(this.#active)
    onOver()
  }
}
