import { Buffer } from 'node:buffer'
import { dropKind, setHeader } from '../codec/head-edits.ts'
import { HeaderKind } from '../codec/header-kind.ts'
import type { MessageHead } from '../codec/message-head.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { Base64Reader } from './base64-reader.ts'
import type { BodySink, FilterKind, FilterVerdict, StreamFilter } from './http-filter.ts'

const binary = new Set(['application/grpc-web', 'application/grpc-web+proto'])
const text = new Set(['application/grpc-web-text', 'application/grpc-web-text+proto'])
const trailersFlag = 0x80

/** `envoy.filters.http.grpc_web`: gRPC for browsers, which see no trailers: they come as the last frame of the body. */
export const grpcWebFilter: FilterKind = {
  begin(exchange) {
    if (exchange.method !== 'POST') return undefined
    const type = exchange.requestHeader('content-type')
    if (type === undefined || !(binary.has(type) || text.has(type))) return undefined
    return new GrpcWeb(exchange, text.has(type), text.has(exchange.requestHeader('accept') ?? ''))
  },
}

class GrpcWeb implements StreamFilter {
  readonly #exchange: Exchange
  readonly #reader: Base64Reader | undefined
  readonly #textResponse: boolean
  /** The answer is gRPC: its trailers become a frame. */
  #translates = false

  constructor(exchange: Exchange, textRequest: boolean, textResponse: boolean) {
    this.#exchange = exchange
    this.#reader = textRequest ? new Base64Reader() : undefined
    this.#textResponse = textResponse
  }

  onRequestHead(): FilterVerdict {
    const { head } = this.#exchange.head
    this.#exchange.keepsStatus = true
    dropKind(head, HeaderKind.CONTENT_LENGTH)
    setHeader(head, 'content-type', 'application/grpc')
    setHeader(head, 'te', 'trailers')
    setHeader(head, 'grpc-accept-encoding', 'identity')
    return 'continue'
  }

  onRequestData(bytes: Buffer, start: number, end: number, next: BodySink): void {
    if (this.#reader === undefined) return next(bytes, start, end)
    const decoded = this.#reader.read(bytes.latin1Slice(start, end))
    if (decoded === undefined) return this.#refuse('grpc_base_64_decode_failed')
    if (decoded.length > 0) next(decoded, 0, decoded.length)
  }

  onRequestEnd(trailers: MessageHead | undefined): MessageHead | undefined {
    if (this.#reader?.whole === false) this.#refuse('grpc_base_64_decode_failed_bad_size')
    return trailers
  }

  onResponseHead(head: MessageHead, end: boolean): void {
    if (head.value('content-type')?.startsWith('application/grpc') !== true) return
    this.#translates = !end
    setHeader(
      head,
      'content-type',
      this.#textResponse ? 'application/grpc-web-text+proto' : 'application/grpc-web+proto',
    )
    if (!end) dropKind(head, HeaderKind.CONTENT_LENGTH)
  }

  onResponseData(bytes: Buffer, start: number, end: number, next: BodySink): void {
    if (!this.#translates || !this.#textResponse) return next(bytes, start, end)
    // Each piece padded by itself, so that a message never waits for the one behind it.
    const encoded = Buffer.from(bytes.toString('base64', start, end), 'latin1')
    next(encoded, 0, encoded.length)
  }

  onResponseEnd(trailers: MessageHead | undefined, next: BodySink): MessageHead | undefined {
    if (!this.#translates || trailers === undefined) return trailers
    const lines = Buffer.from(trailers.lines().replaceAll(': ', ':'), 'latin1')
    const frame = Buffer.alloc(5 + lines.length)
    frame[0] = trailersFlag
    frame.writeUInt32BE(lines.length, 1)
    lines.copy(frame, 5)
    this.onResponseData(frame, 0, frame.length, next)
    return undefined
  }

  #refuse(details: string): void {
    this.#exchange.reply({
      status: 400,
      body: 'Bad gRPC-web request, invalid base64 data.',
      details,
      close: true,
    })
  }
}
