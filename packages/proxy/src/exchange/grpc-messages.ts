import type { Buffer } from 'node:buffer'
import { GrpcMessageCounter } from '../codec/grpc-message-counter.ts'
import { HeaderKind } from '../codec/header-kind.ts'
import type { CarriedMessages, MessageNumbers, TelemetrySink } from '../telemetry/exchange-record.ts'
import { Deadline, type DeadlineOwner } from './deadline-lists.ts'
import type { Exchange } from './exchange.ts'

/** The messages of one gRPC call. A call that streams is reported every so often while it lasts. */
export class GrpcMessages implements CarriedMessages, DeadlineOwner {
  readonly #exchange: Exchange
  readonly #sink: TelemetrySink
  readonly #requests = new GrpcMessageCounter()
  readonly #responses = new GrpcMessageCounter()
  /** Armed from the second message of a direction on: of a unary call there is nothing to tell before its end. */
  #report: Deadline | undefined = undefined
  #reported: MessageNumbers = none

  constructor(exchange: Exchange, sink: TelemetrySink) {
    this.#exchange = exchange
    this.#sink = sink
    for (const piece of exchange.body.pieces) this.request(piece, 0, piece.length)
  }

  /** Bytes of the request's body. */
  request(bytes: Buffer, start: number, end: number): void {
    this.#requests.push(bytes, start, end)
    if (this.#requests.count > 1 && this.#report === undefined) this.#reportLater()
  }

  /** Bytes of the answer's body. */
  response(bytes: Buffer, start: number, end: number): void {
    // What says something else to a gRPC client, an error page for one, has no messages.
    if (this.#responses.count === 0 && !isGrpcAnswer(this.#exchange)) return
    this.#responses.push(bytes, start, end)
    if (this.#responses.count > 1 && this.#report === undefined) this.#reportLater()
  }

  takeUncounted(): MessageNumbers {
    const before = this.#reported
    const requests = this.#requests.count
    const responses = this.#responses.count
    this.#reported = { requests, responses }
    return { requests: requests - before.requests, responses: responses - before.responses }
  }

  onDeadline(): void {
    this.#sink.onMessages(this.#exchange)
    this.#arm()
  }

  #reportLater(): void {
    const report = (this.#report = new Deadline(this))
    const { deadlines } = this.#exchange.context
    this.#exchange.onDone(() => deadlines.disarm(report))
    this.#arm()
  }

  #arm(): void {
    this.#exchange.context.deadlines.arm(this.#report as Deadline, this.#sink.messagesEveryMs())
  }
}

const none: MessageNumbers = { requests: 0, responses: 0 }

/** gRPC-Web too: its type has been put in by then. */
function isGrpcAnswer({ responseHead }: Exchange): boolean {
  return responseHead?.valueOf(HeaderKind.CONTENT_TYPE, 'content-type')?.startsWith('application/grpc') === true
}
