// One request and its answer as codecs carry them, whatever the protocol: HTTP/1.1 has one stream at a time per
// connection, HTTP/2 many. The exchange knows only these interfaces.
import type { Buffer } from 'node:buffer'
import type { Transport } from '@weft/core'
import type { MessageHead } from './message-head.ts'

/** How much of a body follows a head: nothing, as many bytes as `content-length` says, or until its end is told. */
export type BodyExtent = 'none' | 'length' | 'unknown'

/** A message being received behind its head; what its codec tells. `bytes` are valid during the call. */
export interface MessageReceiver {
  onData(bytes: Buffer, start: number, end: number): void
  /** The message is complete; `trailers` are those received, undefined without any. */
  onEnd(trailers: MessageHead | undefined): void
  /** Everything of this read was told: send what was gathered. */
  onFlush(): void
  /** The stream takes bytes again, after a send returned false. */
  onWritable(): void
}

/** A request being received. */
export interface RequestReceiver extends MessageReceiver {
  /** So many bytes came behind a head that asks for a switch: whose they are, the answer says. */
  onAhead(bytes: number): void
  /** The body cannot be read on; the stream still takes an answer. */
  onBodyFault(details: string): void
  /**
   * The stream is over before the exchange was: the connection is `closed` (when nothing is said), the client `reset` the stream,
   * or broke the `protocol` so that it was reset.
   */
  onGone(detail: string, how?: 'closed' | 'reset' | 'protocol'): void
}

/** Why a stream of ours is cut off: HTTP/2 says it by an error code, HTTP/1.1 by a reset of the connection. */
export type ResetCause = 'cancel' | 'internal' | 'refused' | 'protocol' | 'connect'

/** The server side of one request. Sends gather; `flush` writes. Output of streams of one connection leaves in one write. */
export interface DownstreamStream {
  /** The connection underneath. Only tunnels over HTTP/1.1 write to it. */
  readonly transport: Transport
  readonly head: MessageHead
  /** How much of a body the request has. */
  readonly requestBody: BodyExtent
  /** True while bytes of one read are being told: gathered output is flushed at its end. */
  readonly consuming: boolean
  /** True when the next answer is the last of this connection: HTTP/1.1 says so in it. */
  readonly closing: boolean
  /** The exchange introduces itself before it does anything, so that it can finish within the same call. */
  attach(receiver: RequestReceiver): void
  /** An informational answer (1xx); HTTP/1.0 peers get none. */
  inform(head: MessageHead): void
  /**
   * The head of the answer. Framing and `connection` are the codec's: it never passes those of `head` on. `keepAlive` false:
   * an HTTP/1.1 connection ends with this answer.
   */
  respond(head: MessageHead, body: BodyExtent, keepAlive: boolean): void
  /** A piece of the answer's body. False: wait for `onWritable`. */
  sendBytes(bytes: Buffer, start: number, end: number): boolean
  /** False: wait for `onWritable`. */
  flush(): boolean
  /** The answer is complete; nothing may be called afterwards. What is left of the request is not read. */
  end(trailers?: MessageHead): void
  /** Cuts the stream off: the answer cannot be finished. Nothing is told afterwards. */
  reset(cause: ResetCause): void
  pauseRequest(): void
  resumeRequest(): void
  /**
   * After a 2xx to CONNECT (RFC 9110 9.3.6, RFC 8441) or a 101: the stream as a byte stream in both directions. In HTTP/1.1 the
   * connection itself; in HTTP/2 DATA frames of the stream, END_STREAM being the end of a direction. `head`: bytes that were
   * read already. `attach`'s receiver is told nothing any more; an end that it was told is told to the transport's handler.
   */
  tunnel(): { readonly transport: Transport; readonly head: Buffer | undefined }
}

/** How a response ended early. */
export interface ResponseFailure {
  /**
   * `closed`: the connection went; `protocol`: what it sent cannot be read; `reset`: the peer reset the stream; `refused`: the peer
   * said that it has not looked at the request (REFUSED_STREAM, or GOAWAY before it), so that it is safe to repeat.
   */
  readonly kind: 'closed' | 'protocol' | 'reset' | 'refused'
  /** True when no byte of the response had arrived. */
  readonly silent: boolean
  readonly detail: string
}

/** One response being received. */
export interface ResponseReceiver extends MessageReceiver {
  /** 1xx but 101. */
  onInformational(head: MessageHead): void
  /** `end`: the message is complete with its head; `onEnd` follows. `trailers-only` gRPC answers are of this form. */
  onHead(head: MessageHead, body: BodyExtent): void
  /** Nothing is told afterwards. */
  onFailure(failure: ResponseFailure): void
}

/** A request as it is written upstream. */
export interface OutgoingRequest {
  readonly method: string
  /** Path with query; `''` for CONNECT. */
  readonly path: string
  /** True when method and path are what `head` begins with, in origin form. */
  readonly asReceived?: boolean
  readonly authority: string
  readonly scheme: string
  /** `websocket`: an upgrade, HTTP/1.1 `upgrade` or extended CONNECT (RFC 8441) as the connection needs it. */
  readonly upgrade: string | undefined
  /** Header lines, hop-by-hop and `host` dropped. */
  readonly head: MessageHead
  /** Further headers of this attempt: lower-case name and value in turn. */
  readonly extra: readonly string[]
  readonly body: BodyExtent
}

/** The client side of one request. */
export interface UpstreamStream {
  /** The connection underneath, for facts about it. */
  readonly transport: Transport
  /** True when the connection served a request before: its server may have closed it without our knowing yet. */
  readonly reused: boolean
  /** False while nothing was handed to the socket: the peer cannot have seen the request. */
  readonly wrote: boolean
  begin(receiver: ResponseReceiver, request: OutgoingRequest): void
  /** False: wait for `onWritable`. */
  sendBytes(bytes: Buffer, start: number, end: number): boolean
  /** False: wait for `onWritable`. */
  flush(): boolean
  /** The request is complete. */
  end(trailers?: MessageHead): void
  pauseResponse(): void
  resumeResponse(): void
  /** Gives the exchange up: RST_STREAM in HTTP/2; in HTTP/1.1 the connection ends with it. Nothing is told afterwards. */
  abandon(): void
  /** As `DownstreamStream.tunnel`, after a 101, or a 2xx to CONNECT. */
  tunnel(): { readonly transport: Transport; readonly head: Buffer | undefined }
}
