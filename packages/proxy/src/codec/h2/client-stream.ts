import type { MessageReceiver, OutgoingRequest, ResponseReceiver, UpstreamStream } from '../http-stream.ts'
import type { BodyExtent } from '../http-stream.ts'
import type { FieldsHead } from '../fields-head.ts'
import type { MessageHead } from '../message-head.ts'
import type { H2ClientConnection } from './client-connection.ts'
import { ErrorCode } from './frame.ts'
import { H2Stream, type StreamFailure } from './stream.ts'

const failureOf: Readonly<Record<number, StreamFailure>> = {
  [ErrorCode.PROTOCOL_ERROR]: 'protocol',
  [ErrorCode.REFUSED_STREAM]: 'refused',
}
/** The code Envoy gives up with; servers that count cancelled requests would count other ones behind us than behind it. */
const givenUp = ErrorCode.INTERNAL_ERROR

/** A request over HTTP/2, and its answer. */
export class H2ClientStream extends H2Stream implements UpstreamStream {
  readonly reused: boolean
  readonly brokenOff = givenUp
  /** No final head of an answer came. */
  override headless = true
  /** No byte of an answer came. */
  silent = true
  method = ''
  informational = 0
  readonly #client: H2ClientConnection
  #writes = 0

  constructor(client: H2ClientConnection, reused: boolean) {
    super(client)
    this.#client = client
    this.reused = reused
  }

  get wrote(): boolean {
    return this.id !== 0 && this.connection.output.writes > this.#writes
  }

  begin(receiver: ResponseReceiver, request: OutgoingRequest): void {
    this.receiver = receiver
    this.method = request.upgrade === undefined ? request.method : 'CONNECT'
    const refusal = this.#client.refusal(request)
    if (refusal !== undefined) {
      // Never within the call of whoever begins.
      queueMicrotask(() => this.fail(refusal.kind, refusal.detail))
      return
    }
    const ends = request.body === 'none' && this.method !== 'CONNECT'
    this.#writes = this.connection.output.writes
    this.frameBegan(this.#client.writeRequest(this, request, ends))
    if (ends) this.sending = 'done'
  }

  end(trailers?: MessageHead): void {
    this.endSending(trailers)
  }

  pauseResponse(): void {
    this.pauseReceiving()
  }

  resumeResponse(): void {
    this.resumeReceiving()
  }

  abandon(): void {
    if (this.id === 0) this.leave(true)
    else this.resetNow(givenUp)
  }

  /** 1xx. */
  receiveInformational(head: FieldsHead): void {
    const receiver = this.receiver as ResponseReceiver | undefined
    this.connection.touch(this)
    receiver?.onInformational(head)
  }

  receiveHead(head: FieldsHead, body: BodyExtent): void {
    this.headless = false
    this.connection.touch(this)
    const receiver = this.receiver as ResponseReceiver | undefined
    receiver?.onHead(head, body)
  }

  /** It was our request. */
  get inVain(): boolean {
    return false
  }

  peerReset(code: number, detail: string): void {
    if (code === ErrorCode.NO_ERROR && this.remoteDone) {
      // The answer is complete; the server only wants no more of the request (RFC 9113 8.1).
      this.pending?.clear()
      this.sending = 'done'
    } else this.fail(failureOf[code] ?? 'reset', detail)
  }

  protected tellFailure(receiver: MessageReceiver, kind: StreamFailure, detail: string): void {
    const response = receiver as ResponseReceiver
    response.onFailure({ kind, silent: this.silent, detail })
  }

  protected onHalfClosed(): void {
    if (!this.remoteDone) return
    if (this.sending === 'done') this.leave(false)
    // Answered before the end of the request: what is left of it will not be sent.
    else if (!this.tunnelled) this.resetNow(givenUp)
  }
}
