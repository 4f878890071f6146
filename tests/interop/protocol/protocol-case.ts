// One case of the comparison with Envoy, as data: the resources, what the client does, what the upstream does.
import type { ConnectionOptions, TlsOptions } from 'node:tls'
import type { JsonObject } from '@bufbuild/protobuf'
import type { FrameStep } from './h2-steps.ts'

/** Something one end does, or waits for. Text is latin1 and goes out as one write. */
export type Step =
  | string
  /** Goes on once this text has come, behind what an earlier step waited for. */
  | { readonly until: string }
  /** Goes on once the other end of the proxy has received this text. */
  | { readonly other: string }
  | { readonly pause: number }
  | { readonly act: 'end' | 'reset' | 'see the end' }
  | FrameStep

/** What an end speaks. `h2` is spoken in plaintext by prior knowledge. */
export type Wire = 'h1' | 'h2' | 'tcp'

/** What an upstream does with its connections: the last script also serves the connections behind it. */
export type UpstreamScript = 'ok' | 'echo' | 'refuses' | readonly (readonly Step[])[]

/** What of a case is TLS. */
export interface TlsCase {
  /** Filter chains: what they match, and their DownstreamTlsContext; absent: the listener is plaintext. */
  readonly chains?: readonly { readonly match?: JsonObject; readonly context: JsonObject }[]
  /** What the client offers; absent: it speaks plaintext. */
  readonly client?: ConnectionOptions
  /** The UpstreamTlsContext, and what the upstream is as a server. */
  readonly upstream?: { readonly context: JsonObject; readonly server: TlsOptions }
}

/** A case. The manager, route and cluster are what differs from the plain ones. */
export interface ProtocolCase {
  /** What happens, as a sentence; unique. */
  readonly name: string
  readonly client: readonly Step[]
  readonly upstream?: UpstreamScript
  readonly downstreamWire?: Wire
  readonly upstreamWire?: Wire
  /** Fields of the HttpConnectionManager. */
  readonly manager?: JsonObject
  /** Fields of the RouteAction. */
  readonly route?: JsonObject
  /** A whole RouteConfiguration instead of everything to the one cluster, which is called `up`. */
  readonly routes?: JsonObject
  /** Fields of the Cluster. */
  readonly cluster?: JsonObject
  /** Fields of the Listener. */
  readonly listener?: JsonObject
  /** In a TCP case, fields of the TcpProxy. */
  readonly tcpProxy?: JsonObject
  readonly tls?: TlsCase
  /** Methods of the client's requests where one is not GET-like: the reader of answers needs to know HEAD and CONNECT. */
  readonly methods?: readonly string[]
  /** Nothing at all comes back and the connection stays: the point of the case. */
  readonly silent?: true
  /** How long the case lasts at least once the client's script is over, where timers take part. */
  readonly lasts?: number
}

/** Cases about one matter. */
export interface Family {
  readonly name: string
  readonly cases: readonly ProtocolCase[]
}

/** Waits for text from the proxy. */
export const until = (text: string): Step => ({ until: text })
/** Waits for text to have reached the other end. */
export const other = (text: string): Step => ({ other: text })
/** Waits. */
export const pause = (ms: number): Step => ({ pause: ms })
/** Half-closes. */
export const end: Step = { act: 'end' }
/** Resets the connection. */
export const reset: Step = { act: 'reset' }
/** Goes on once the proxy has ended the connection. */
export const seeEnd: Step = { act: 'see the end' }
/** The end of a head. */
export const head = until('\r\n\r\n')

/** A request of HTTP/1.1 with Host and further lines, each ended by CRLF. */
export const request = (method: string, target: string, lines = '', body = ''): string =>
  `${method} ${target} HTTP/1.1\r\nHost: shop\r\n${lines}\r\n${body}`
/** A GET. */
export const get = (target = '/', lines = ''): string => request('GET', target, lines)
/** A POST with a length. */
export const post = (body: string, lines = ''): string =>
  request('POST', '/', `Content-Length: ${body.length}\r\n${lines}`, body)
/** A POST in chunks, the last one and trailers included. */
export const chunked = (chunks: readonly string[], trailers = '', lines = ''): string =>
  request(
    'POST',
    '/',
    `Transfer-Encoding: chunked\r\n${lines}`,
    `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n${trailers}\r\n`,
  )
/** An answer with a length. */
export const answer = (body = 'ok', lines = '', status = '200 OK'): string =>
  `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n${lines}\r\n${body}`
