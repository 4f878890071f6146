import type { Buffer } from 'node:buffer'
import type { Transport } from '@weft/core'
import type { BodyExtent, DownstreamStream, RequestReceiver, ResetCause } from '../codec/http-stream.ts'
import type { MessageHead } from '../codec/message-head.ts'

/** The stream of a request that is sent elsewhere: answers go the same way back, and the request is all there. */
export class RedirectedStream implements DownstreamStream {
  readonly head: MessageHead
  readonly requestBody: BodyExtent
  readonly #under: DownstreamStream
  #telling = true

  constructor(under: DownstreamStream, head: MessageHead, requestBody: BodyExtent) {
    this.#under = under
    this.head = head
    this.requestBody = requestBody
  }

  /** Tells the receiver what the client has sent. */
  tell(receiver: RequestReceiver & { readonly done: boolean }, pieces: readonly Buffer[]): void {
    if (this.requestBody !== 'none') {
      for (const piece of pieces) receiver.onData(piece, 0, piece.length)
      receiver.onEnd(undefined)
    }
    this.#telling = false
    if (!receiver.done) receiver.onFlush()
  }

  get transport(): Transport {
    return this.#under.transport
  }
  get consuming(): boolean {
    return this.#telling || this.#under.consuming
  }
  get closing(): boolean {
    return this.#under.closing
  }
  attach(receiver: RequestReceiver): void {
    this.#under.attach(receiver)
  }
  inform(head: MessageHead): void {
    this.#under.inform(head)
  }
  respond(head: MessageHead, body: BodyExtent, keepAlive: boolean): void {
    this.#under.respond(head, body, keepAlive)
  }
  sendBytes(bytes: Buffer, start: number, end: number): boolean {
    return this.#under.sendBytes(bytes, start, end)
  }
  flush(): boolean {
    return this.#under.flush()
  }
  end(trailers?: MessageHead): void {
    this.#under.end(trailers)
  }
  reset(cause: ResetCause): void {
    this.#under.reset(cause)
  }
  /** Nothing more comes. */
  pauseRequest(): void {}
  resumeRequest(): void {}
  tunnel(): { readonly transport: Transport; readonly head: Buffer | undefined } {
    return this.#under.tunnel()
  }
}
