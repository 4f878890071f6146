// One xDS stream as a gRPC call on an HTTP/2 connection of its own.
import type { Buffer } from 'node:buffer'
import type { Runtime, Transport, TransportClose } from '@weft/core'
import type { XdsStream, XdsStreamHandler } from '@weft/xds'
import { FieldsHead } from '../codec/fields-head.ts'
import { H2ClientConnection, type H2ClientOwner } from '../codec/h2/client-connection.ts'
import { defaultH2Options, type H2Options } from '../codec/h2/h2-options.ts'
import { createH2Shared } from '../codec/h2/h2-shared.ts'
import type { ResponseFailure, ResponseReceiver, UpstreamStream } from '../codec/http-stream.ts'
import type { MessageHead } from '../codec/message-head.ts'
import { type FrameReader, frameMessage, frameReader } from './grpc-frames.ts'

/** Configurations come in pieces of megabytes; pings find out about a peer that vanished without a word. */
const options: H2Options = {
  ...defaultH2Options,
  streamWindowBytes: 1024 * 1024,
  largestStreamWindowBytes: 4 * 1024 * 1024,
  connectionWindowBytes: 4 * 1024 * 1024,
  pingIntervalMs: 20_000,
  pingTimeoutMs: 10_000,
}

/** Which call it is. */
export interface GrpcMethod {
  readonly path: string
  readonly kind: 'delta' | 'sotw'
  readonly authority: string
  /** Where the far end is, for logs. */
  readonly remote: string
}

/** Begins the call; `transport` is connected, secured if it has to be, and paused. */
export function openGrpcCall(
  runtime: Pick<Runtime, 'clock' | 'timers'>,
  transport: Transport,
  method: GrpcMethod,
): XdsStream {
  return new GrpcCall(runtime, transport, method)
}

class GrpcCall implements XdsStream, ResponseReceiver, H2ClientOwner {
  readonly kind: 'delta' | 'sotw'
  readonly remote: string
  readonly #connection: H2ClientConnection
  readonly #stream: UpstreamStream
  readonly #frames: FrameReader
  #handler: XdsStreamHandler | undefined = undefined
  #closed = false
  /** How it ended, when that was before anybody listened. */
  #untold: { readonly error: string | undefined } | undefined = undefined

  constructor(runtime: Pick<Runtime, 'clock' | 'timers'>, transport: Transport, method: GrpcMethod) {
    this.kind = method.kind
    this.remote = method.remote
    this.#frames = frameReader((message) => {
      if (!this.#closed) this.#handler?.onMessage(message)
    })
    this.#connection = new H2ClientConnection(transport, this, createH2Shared(runtime), options)
    this.#connection.start()
    this.#stream = this.#connection.open()
    const head = new FieldsHead()
    head.push('content-type', 'application/grpc')
    head.push('te', 'trailers')
    const { path, authority } = method
    const scheme = transport.alpn === undefined ? 'http' : 'https'
    const request = { method: 'POST', path, authority, scheme, upgrade: undefined, head, extra: [] }
    this.#stream.begin(this, { ...request, body: 'unknown' })
    // Nothing is told before `start`.
    this.#stream.pauseResponse()
  }

  get peer(): XdsStream['peer'] {
    return this.#stream.transport.peer
  }

  start(handler: XdsStreamHandler): void {
    this.#handler = handler
    if (this.#untold !== undefined) handler.onClose(this.#untold.error)
    else this.#stream.resumeResponse()
  }

  send(bytes: Uint8Array): boolean {
    if (this.#closed) return true
    const frame = frameMessage(bytes)
    return this.#stream.sendBytes(frame, 0, frame.length)
  }

  close(error?: string): void {
    if (this.#closed) return
    this.#closed = true
    this.#stream.abandon()
    this.#connection.drain()
    queueMicrotask(() => this.#tellClose(error))
  }

  onInformational(): void {}

  onHead(head: MessageHead): void {
    if (head.status !== 200) this.#finish(`HTTP status ${head.status}`)
    // The answer to a call that failed at once is a head alone.
    else if (head.value('grpc-status') !== undefined) this.#finish(outcomeOf(head))
  }

  onData(bytes: Buffer, start: number, end: number): void {
    const problem = this.#frames.push(bytes.subarray(start, end))
    if (problem !== undefined) this.#finish(problem)
  }

  onEnd(trailers: MessageHead | undefined): void {
    this.#finish(trailers === undefined ? undefined : outcomeOf(trailers))
  }

  onFlush(): void {}

  onWritable(): void {
    if (!this.#closed) this.#handler?.onDrain()
  }

  onFailure({ detail }: ResponseFailure): void {
    this.#finish(detail)
  }

  idleMs(): number {
    return 0
  }

  onRoom(): void {}

  onDraining(): void {
    this.#finish('the server asks to reconnect')
  }

  onClosed({ reason, detail }: TransportClose): void {
    this.#finish(detail === '' ? `connection closed (${reason})` : detail)
  }

  #finish(error: string | undefined): void {
    if (this.#closed) return
    this.#closed = true
    this.#stream.abandon()
    this.#connection.transport.destroy()
    this.#tellClose(error)
  }

  #tellClose(error: string | undefined): void {
    if (this.#handler === undefined) this.#untold = { error }
    else this.#handler.onClose(error)
  }
}

/** The far end's status as text; undefined for OK. */
function outcomeOf(head: MessageHead): string | undefined {
  const code = head.value('grpc-status')
  if (code === undefined) return 'the call ended without a gRPC status'
  return code === '0' ? undefined : `gRPC status ${code}: ${decodePercent(head.value('grpc-message') ?? '')}`
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
