// How HTTP/2 is spoken, down- and upstream: Envoy's Http2ProtocolOptions. Undefined: the codec's own choice.

/** Http2ProtocolOptions. */
export interface Http2Options {
  readonly hpackTableBytes: number | undefined
  /** As a server: streams a client may have open. As a client: streams we open at most on one connection. */
  readonly maxConcurrentStreams: number | undefined
  readonly initialStreamWindowBytes: number | undefined
  readonly initialConnectionWindowBytes: number | undefined
  /** Extended CONNECT (RFC 8441) is offered and taken. */
  readonly allowConnect: boolean
  readonly maxOutboundFrames: number | undefined
  readonly maxOutboundControlFrames: number | undefined
  readonly maxConsecutiveEmptyFrames: number | undefined
  readonly maxPriorityFramesPerStream: number | undefined
  readonly maxWindowUpdatesPerDataFrame: number | undefined
  /** A malformed message ends its stream only, not the connection. */
  readonly streamErrorOnMalformed: boolean
  /** Pings; undefined: none. */
  readonly keepAlive: Http2KeepAlive | undefined
}

/** KeepaliveSettings, milliseconds. */
export interface Http2KeepAlive {
  /** A ping after so long without a frame; 0: never. */
  readonly intervalMs: number
  /** A ping in front of a request after so long without a frame; 0: never. */
  readonly idleMs: number
  /** Without an answer for so long the connection ends. */
  readonly timeoutMs: number
}
