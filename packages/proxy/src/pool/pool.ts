import type { TransportClose } from '@weft/core'
import type { Cluster, Endpoint } from '@weft/engine'
import type { H2Shared } from '../codec/h2/connection.ts'
import type { UpstreamStream } from '../codec/http-stream.ts'
import type { LeafFacts } from '../config/secret-source.ts'
import type { Dialed } from './dial.ts'

/** Why no stream could be had. */
export type PoolFailure =
  | { readonly kind: 'overflow' }
  | { readonly kind: 'connect'; readonly close: TransportClose; readonly timedOut: boolean }

/** Waits for a stream; exactly one of the two is called, unless the wait is cancelled. */
export interface PoolWaiter {
  /** The client speaks HTTP/2, for pools that follow it. */
  readonly http2: boolean
  onStream(stream: UpstreamStream): void
  onPoolFailure(failure: PoolFailure): void
}

/** What the pools of one cluster share: its limits and what counts against them. */
export interface PoolBudget {
  readonly cluster: Cluster
  connections: number
  pending: number
}

/** A connection as whoever drains pools sees it. */
export interface PooledConnection {
  /** Our certificate in the handshake; undefined on plaintext. */
  readonly own: LeafFacts | undefined
}

/** What a pool needs from its cluster. */
export interface PoolContext {
  readonly budget: PoolBudget
  readonly h2: H2Shared
  nowMs(): number
  /** `offers`: ALPN, when the transport socket names none. */
  dial(
    endpoint: Endpoint,
    offers: readonly string[],
    onOpen: (dialed: Dialed) => void,
    onFail: (close: TransportClose, timedOut: boolean) => void,
  ): () => void
  onOpened(): void
  onClosed(): void
  onConnectFailed(): void
  /** The pool holds nothing and its endpoint is gone. */
  onEmpty(pool: Pool): void
}

/** Connections to one endpoint. */
export interface Pool {
  readonly endpoint: Endpoint
  /** No connection, and nobody who waits for one. */
  readonly vacant: boolean
  /** A stream that can be had at once; undefined: ask `wait`. `http2` as in `PoolWaiter`. */
  take(http2: boolean): UpstreamStream | undefined
  /** Hands over a stream when there is one, in order of asking. */
  wait(waiter: PoolWaiter): void
  /** Forgets a waiter; what is being dialled for it stays. */
  cancel(waiter: PoolWaiter): void
  /** Lets go of those who wait, who find another pool. */
  surrender(): readonly PoolWaiter[]
  /** Connections that `stale` picks take no further requests, and end when they carry none. */
  drain(stale: (connection: PooledConnection) => boolean): void
  /** Ends connections that were idle or open for too long, or that the server is about to end. */
  sweep(nowMs: number): void
  /** The endpoint is gone: finishes what is under way, fails what waits. */
  close(): void
}

/** How a pool is told that a server chose another protocol than its own. */
export interface ProtocolChoice {
  /** ALPN to offer. */
  readonly offers: readonly string[]
  accepts(dialed: Dialed): boolean
  onOther(dialed: Dialed): void
}

/** Why those who wait on a pool that closes get nothing. */
export const endpointRemoved: PoolFailure = {
  kind: 'connect',
  close: { reason: 'local', detail: 'endpoint removed' },
  timedOut: false,
}
