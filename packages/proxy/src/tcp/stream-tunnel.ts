import type { Buffer } from 'node:buffer'
import type { Timer, Timers, Transport } from '@weft/core'
import { type Endpoint, type Tunneling, type TunnelTarget } from '@weft/engine'
import type { UpstreamCluster } from '../cluster/upstream-cluster.ts'
import { FieldsHead } from '../codec/fields-head.ts'
import type { OutgoingRequest, ResponseFailure, ResponseReceiver, UpstreamStream } from '../codec/http-stream.ts'
import type { MessageHead } from '../codec/message-head.ts'
import type { PoolFailure, PoolWaiter } from '../pool/pool.ts'

/** A connection that goes away between our asking and its reading is not the upstream's answer; so many in a row are. */
const maxUnseen = 3

/** How asking for a tunnel ended; exactly one is called, unless it was given up. */
export interface StreamTunnelOutcome {
  /** Paused. */
  onOpen(tunnel: { readonly transport: Transport; readonly head: Buffer | undefined }): void
  onFail(detail: string, timedOut: boolean): void
}

/**
 * A tunnel as one stream of an HTTP/2 connection that the cluster's pool shares: CONNECT (or POST), and the stream is a byte stream once it
 * is answered with 2xx. The cluster's connect timeout bounds all of it.
 */
export class StreamTunnel implements PoolWaiter, ResponseReceiver {
  readonly http2 = true
  readonly #cluster: UpstreamCluster
  readonly #endpoint: Endpoint
  readonly #request: OutgoingRequest
  readonly #outcome: StreamTunnelOutcome
  readonly #timer: Timer
  #cancelWait: (() => void) | undefined
  #stream: UpstreamStream | undefined
  #agreed = false
  #unseen = 0
  #over = false

  constructor(
    to: { readonly cluster: UpstreamCluster; readonly endpoint: Endpoint },
    request: OutgoingRequest,
    timers: Timers,
    outcome: StreamTunnelOutcome,
  ) {
    this.#cluster = to.cluster
    this.#endpoint = to.endpoint
    this.#request = request
    this.#outcome = outcome
    const { connectTimeoutMs } = to.cluster.cluster
    this.#timer = timers.set(connectTimeoutMs, () => this.#fail(`no tunnel within ${connectTimeoutMs} ms`, true))
    // The outcome never comes before the caller holds its way to give up.
    queueMicrotask(() => this.#ask())
  }

  giveUp(): void {
    if (this.#settle()) this.#stream?.abandon()
  }

  onStream(stream: UpstreamStream): void {
    this.#cancelWait = undefined
    this.#stream = stream
    stream.begin(this, this.#request)
    stream.flush()
  }

  onPoolFailure(failure: PoolFailure): void {
    this.#cancelWait = undefined
    if (failure.kind === 'overflow') this.#fail('too many wait for a connection already', false)
    else this.#fail(failure.close.detail, failure.timedOut)
  }

  onInformational(_head: MessageHead): void {}

  onHead({ status }: MessageHead): void {
    if (status < 200 || status > 299) {
      this.#stream?.abandon()
      return this.#fail(`${this.#request.method} was answered with ${status}`, false)
    }
    // What comes behind the head is the tunnel's.
    this.#stream?.pauseResponse()
    this.#agreed = true
  }

  onFlush(): void {
    if (this.#agreed && this.#settle()) this.#outcome.onOpen((this.#stream as UpstreamStream).tunnel())
  }

  onFailure({ kind, detail }: ResponseFailure): void {
    const { reused } = this.#stream as UpstreamStream
    this.#stream = undefined
    // Not a byte of the tunnel was sent: asking again repeats nothing.
    const unseen = kind === 'refused' || (kind === 'closed' && reused)
    if (unseen && !this.#over && ++this.#unseen <= maxUnseen) return this.#ask()
    this.#fail(detail, false)
  }

  onData(): void {}
  onEnd(): void {
    this.#fail('the stream ended before the tunnel was there', false)
  }
  onWritable(): void {}

  #ask(): void {
    if (this.#over) return
    const ready = this.#cluster.takeIdle(this.#endpoint, true)
    if (ready !== undefined) this.onStream(ready)
    else this.#cancelWait = this.#cluster.connect(this.#endpoint, this)
  }

  #fail(detail: string, timedOut: boolean): void {
    if (!this.#settle()) return
    if (timedOut) this.#stream?.abandon()
    this.#outcome.onFail(detail, timedOut)
  }

  #settle(): boolean {
    if (this.#over) return false
    this.#over = true
    this.#timer.cancel()
    this.#cancelWait?.()
    return true
  }
}

/** The request for a tunnel. */
export function streamTunnelRequest({ post }: Tunneling, { authority, headers }: TunnelTarget): OutgoingRequest {
  return {
    method: post === undefined ? 'CONNECT' : 'POST',
    path: post ?? '',
    authority,
    scheme: 'https',
    upgrade: undefined,
    head: new FieldsHead(),
    extra: headers,
    body: 'unknown',
  }
}
