// What the request path reports when an exchange or a connection is over: the only input of metrics and access logs.
import type { Cluster, ConnectionFacts, Endpoint, Route } from '@weft/engine'
import type { PeerIdentity } from '@weft/core'

/**
 * Envoy's response flags (substitution_formatter, `%RESPONSE_FLAGS%`): why an answer is not simply the upstream's.
 */
export type ResponseFlag =
  | 'UH' // no healthy upstream
  | 'UF' // upstream connection failure
  | 'UO' // upstream overflow (circuit breaking)
  | 'NR' // no route
  | 'URX' // upstream retry limit exceeded
  | 'NC' // no cluster
  | 'DT' // maximum duration of the stream
  | 'DC' // downstream connection termination
  | 'DR' // downstream remote reset
  | 'LH' // local service failed its health check
  | 'UT' // upstream request timeout
  | 'LR' // local reset
  | 'UR' // upstream remote reset
  | 'UC' // upstream connection termination
  | 'DI' // delay injected
  | 'FI' // abort injected
  | 'RL' // rate limited
  | 'UAEX' // denied by external authorization
  | 'RLSE' // rate limit service error
  | 'IH' // invalid value of a strictly checked header
  | 'SI' // stream idle timeout
  | 'DPE' // downstream protocol error
  | 'UPE' // upstream protocol error
  | 'UMSDR' // upstream request reached its maximum stream duration
  | 'OM' // overload manager
  | 'DO' // drop overload
  | 'DF' // the name of the upstream leads nowhere

/** Where the last attempt went. */
export interface UpstreamFacts {
  readonly cluster: Cluster
  /** Undefined: no endpoint was chosen. */
  readonly endpoint: Endpoint | undefined
  /** Verified identity of the server; undefined on plaintext. */
  readonly peer: PeerIdentity | undefined
  /** `address:port` on our side of the upstream connection. */
  readonly localAddress: string | undefined
  readonly attempts: number
  /** How many of them got a connection; absent: no request of HTTP. */
  readonly streams?: number
  /** Why the last connection could not be made, for `%UPSTREAM_TRANSPORT_FAILURE_REASON%`. */
  readonly transportFailure: string | undefined
}

/** A connection of bytes while it lasts. */
export interface CarriedBytes {
  /** Brings the numbers up to date. */
  count(): void
  readonly bytesReceived: number
  readonly bytesSent: number
}

/** How many messages went each way. */
export interface MessageNumbers {
  readonly requests: number
  readonly responses: number
}

/** The messages of a gRPC call, while it lasts and at its end. */
export interface CarriedMessages {
  /** Those that have come since this was asked last. */
  takeUncounted(): MessageNumbers
}

/** One finished HTTP exchange. Reported exactly once. */
export interface ExchangeRecord {
  /** Wall clock, milliseconds. */
  readonly startWallMs: number
  readonly durationMs: number
  /** From the request's last byte to the response's first, milliseconds. */
  readonly upstreamServiceMs: number | undefined
  readonly downstream: ConnectionFacts
  /** Verified identity of the client; undefined on plaintext. */
  readonly downstreamPeer: PeerIdentity | undefined
  readonly upstream: UpstreamFacts | undefined
  readonly route: Route | undefined
  readonly virtualHost: string | undefined
  /** `HTTP/1.1`, `HTTP/2`. */
  readonly protocol: string
  readonly method: string
  /** As received, with the query. */
  readonly path: string
  readonly authority: string
  readonly requestId: string | undefined
  /** 0: the downstream went away before any status. */
  readonly status: number
  /** The upstream's or our own `grpc-status`, when the request was gRPC. */
  readonly grpcStatus: string | undefined
  readonly flags: readonly ResponseFlag[]
  /** `%RESPONSE_CODE_DETAILS%`, e.g. `via_upstream`, `route_not_found`. */
  readonly details: string
  /** Body bytes. */
  readonly bytesReceived: number
  readonly bytesSent: number
  /** True: a CONNECT that this proxy answered, and so a connection of bytes, of whose beginning `onTcpOpened` told. */
  readonly tunnelled?: boolean
  /** Of a gRPC call that was sent on. */
  readonly messages?: CarriedMessages | undefined
  /** A request or response header by lower-case name. */
  requestHeader(name: string): string | undefined
  responseHeader(name: string): string | undefined
  responseTrailer(name: string): string | undefined
}

/** One finished TCP proxy connection; also a CONNECT tunnel that carries no HTTP. */
export interface TcpRecord {
  readonly startWallMs: number
  readonly durationMs: number
  readonly downstream: ConnectionFacts
  /** Verified identity of the client; undefined on plaintext. */
  readonly downstreamPeer: PeerIdentity | undefined
  readonly upstream: UpstreamFacts | undefined
  readonly flags: readonly ResponseFlag[]
  readonly details: string
  readonly bytesReceived: number
  readonly bytesSent: number
  /** What `onTcpOpened` was told, if it was. */
  readonly carried?: CarriedBytes
}

/** Where the request path reports to; one per filter chain, made by `listen/`. */
export interface TelemetrySink {
  /** Exactly once per exchange, after its last byte or its end by error. */
  onExchange(record: ExchangeRecord): void
  /** A gRPC call that goes on has carried messages: every `messagesEveryMs`, if it streams. */
  onMessages(record: ExchangeRecord): void
  messagesEveryMs(): number
  /** A TCP connection was accepted by a tcp_proxy; the matching end is `onTcpClosed`. */
  onTcpOpened(record: Pick<TcpRecord, 'downstream' | 'downstreamPeer' | 'upstream'>, carried: CarriedBytes): void
  onTcpClosed(record: TcpRecord): void
}
