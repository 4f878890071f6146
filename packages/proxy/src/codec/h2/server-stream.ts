import type { FieldsHead } from '../fields-head.ts'
import type { BodyExtent, DownstreamStream, MessageReceiver, RequestReceiver, ResetCause } from '../http-stream.ts'
import type { MessageHead } from '../message-head.ts'
import type { H2Connection } from './connection.ts'
import { ErrorCode } from './frame.ts'
import { writeResponse } from './head-writer.ts'
import { H2Stream, type StreamFailure } from './stream.ts'

const resetCodes: Readonly<Record<ResetCause, number>> = {
  cancel: ErrorCode.CANCEL,
  internal: ErrorCode.INTERNAL_ERROR,
  refused: ErrorCode.REFUSED_STREAM,
  protocol: ErrorCode.PROTOCOL_ERROR,
  connect: ErrorCode.CONNECT_ERROR,
}

/** Who gives up sooner did not wait for an answer; as in Envoy. */
const prematureMs = 1_000

/** A request that came over HTTP/2, and its answer. */
export class H2ServerStream extends H2Stream implements DownstreamStream {
  readonly head: FieldsHead
  readonly requestBody: BodyExtent
  /** GOAWAY says that a connection ends, not an answer. */
  readonly closing = false
  /** RFC 9113 8.5. */
  readonly brokenOff = ErrorCode.CONNECT_ERROR
  readonly #beganMs: number
  #answered = false

  constructor(connection: H2Connection, id: number, head: FieldsHead, requestBody: BodyExtent) {
    super(connection)
    this.id = id
    this.head = head
    this.requestBody = requestBody
    this.remoteDone = requestBody === 'none'
    this.sendWindow = connection.peerSettings.windowBytes
    this.#beganMs = connection.guard.nowMs
  }

  /** Not once it was answered, nor when somebody has waited for the answer and gives up. */
  get inVain(): boolean {
    return !this.#answered && this.connection.guard.nowMs - this.#beganMs < prematureMs
  }

  attach(receiver: RequestReceiver): void {
    this.receiver = receiver
  }

  inform(head: MessageHead): void {
    if (!this.closed && this.sending === 'open') this.#write(head, head.status, 'none')
  }

  respond(head: MessageHead, body: BodyExtent, _keepAlive: boolean): void {
    if (this.closed || this.sending !== 'open') return
    this.#answered = true
    this.connection.guard.onAnswer()
    // An extended CONNECT succeeds with 200 where HTTP/1.1 switches protocols (RFC 8441 5).
    const switched = head.status === 101 && this.head.connectProtocol !== undefined
    this.#write(head, switched ? 200 : head.status, switched ? 'unknown' : body)
  }

  #write(head: MessageHead, status: number, body: BodyExtent): void {
    const { output, encoder } = this.connection
    this.frameBegan(writeResponse({ output, encoder, id: this.id, ends: false }, head, status, body))
    output.heads++
    output.dirty()
  }

  end(trailers?: MessageHead): void {
    if (!this.tunnelled) this.receiver = undefined
    this.endSending(trailers)
  }

  reset(cause: ResetCause): void {
    this.resetNow(resetCodes[cause])
  }

  pauseRequest(): void {
    this.pauseReceiving()
  }

  resumeRequest(): void {
    this.resumeReceiving()
  }

  peerReset(_code: number, detail: string): void {
    this.fail('reset', detail)
  }

  protected tellFailure(receiver: MessageReceiver, kind: StreamFailure, detail: string): void {
    const request = receiver as RequestReceiver
    request.onGone(detail, kind === 'refused' ? 'reset' : kind)
  }

  protected onHalfClosed(): void {
    if (this.sending !== 'done') return
    if (this.remoteDone) this.leave(false)
    // The answer is complete, and what is left of the request is not read (RFC 9113 8.1).
    else if (!this.tunnelled) this.resetNow(ErrorCode.NO_ERROR)
  }
}
