import type { TransportClose } from '@weft/core'
import type { Cluster, Endpoint } from '@weft/engine'
import type { UpstreamStream } from '../codec/http-stream.ts'
import type { Dialed } from './dial.ts'
import { type ConnectionOwner, UpstreamConnection } from './upstream-connection.ts'

/** Why no connection could be had. */
export type PoolFailure =
  | { readonly kind: 'overflow' }
  | { readonly kind: 'connect'; readonly close: TransportClose; readonly timedOut: boolean }

/** Waits for a stream; exactly one of the two is called, unless the wait is cancelled. */
export interface PoolWaiter {
  onStream(stream: UpstreamStream): void
  onPoolFailure(failure: PoolFailure): void
}

/** What the pools of one cluster share: its limits and what counts against them. */
export interface PoolBudget {
  readonly cluster: Cluster
  connections: number
  pending: number
}

/** What a pool needs from its cluster. */
export interface PoolContext {
  readonly budget: PoolBudget
  nowMs(): number
  dial(
    endpoint: Endpoint,
    onOpen: (dialed: Dialed) => void,
    onFail: (close: TransportClose, timedOut: boolean) => void,
  ): () => void
  onOpened(): void
  onClosed(): void
  onConnectFailed(): void
  /** The pool holds nothing and its endpoint is gone. */
  onEmpty(pool: Http1Pool): void
}

/** HTTP/1.1 connections to one endpoint. Idle ones are lent last-in first-out, so that the hot ones stay hot. */
export class Http1Pool implements ConnectionOwner {
  readonly endpoint: Endpoint
  readonly #context: PoolContext
  readonly #idle: UpstreamConnection[] = []
  readonly #open = new Set<UpstreamConnection>()
  readonly #waiters: PoolWaiter[] = []
  readonly #dials = new Set<() => void>()
  #closing = false

  constructor(endpoint: Endpoint, context: PoolContext) {
    this.endpoint = endpoint
    this.#context = context
  }

  /** A stream on an idle connection; undefined: ask `wait`. */
  take(): UpstreamStream | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      const { announcedIdleMs, idleSinceMs, retireMs } = connection
      const nowMs = this.#context.nowMs()
      if (nowMs < retireMs && (announcedIdleMs === 0 || nowMs - idleSinceMs < announcedIdleMs)) return lend(connection)
      // The server is about to close it: a request sent now may be lost.
      connection.discard()
    }
    return undefined
  }

  /** Hands over a connection when one is free or dialled, in order of asking. */
  wait(waiter: PoolWaiter): void {
    const { budget } = this.#context
    const limits = budget.cluster.breakers.default
    if (budget.pending >= limits.maxPendingRequests) return waiter.onPoolFailure({ kind: 'overflow' })
    budget.pending += 1
    this.#waiters.push(waiter)
    // As Envoy: the limit holds back further connections, it never leaves an endpoint without its first one.
    if (budget.connections < limits.maxConnections || this.#open.size + this.#dials.size === 0) this.#dial()
  }

  /** Forgets a waiter; what is being dialled for it becomes an idle connection. */
  cancel(waiter: PoolWaiter): void {
    const at = this.#waiters.indexOf(waiter)
    if (at < 0) return
    this.#waiters.splice(at, 1)
    this.#context.budget.pending -= 1
  }

  /** Ends idle connections that `stale` picks; lent ones that it picks are not lent again. */
  drain(stale: (connection: UpstreamConnection) => boolean): void {
    for (const connection of [...this.#open]) {
      if (!stale(connection)) continue
      connection.draining = true
      if (!connection.lent) connection.discard()
    }
  }

  /** Ends idle connections that were idle or open for too long, or that the server is about to end. */
  sweep(nowMs: number): void {
    const { idleTimeoutMs, maxConnectionDurationMs } = this.#context.budget.cluster.http
    this.drain(
      (connection) =>
        nowMs >= connection.retireMs ||
        (maxConnectionDurationMs > 0 && nowMs - connection.openedMs >= maxConnectionDurationMs) ||
        (idleTimeoutMs > 0 && !connection.lent && nowMs - connection.idleSinceMs >= idleTimeoutMs),
    )
  }

  /** The endpoint is gone: finishes what is lent out, fails what waits. */
  close(): void {
    this.#closing = true
    for (const give of this.#dials) {
      give()
      this.#context.budget.connections -= 1
    }
    this.#dials.clear()
    for (const waiter of this.#waiters.splice(0)) {
      this.#context.budget.pending -= 1
      waiter.onPoolFailure({ kind: 'connect', close: { reason: 'local', detail: 'endpoint removed' }, timedOut: false })
    }
    this.drain(() => true)
    this.#emptied()
  }

  released(connection: UpstreamConnection): void {
    const limit = this.#context.budget.cluster.http.maxRequestsPerConnection
    if (connection.draining || (limit > 0 && connection.requests >= limit)) return connection.discard()
    const waiter = this.#nextWaiter()
    if (waiter !== undefined) return waiter.onStream(lend(connection))
    connection.idleSinceMs = this.#context.nowMs()
    this.#idle.push(connection)
  }

  gone(connection: UpstreamConnection): void {
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
    if (!this.#open.delete(connection)) return
    this.#context.budget.connections -= 1
    this.#context.onClosed()
    // A waiter may have been held back by the connection limit.
    if (this.#waiters.length > this.#dials.size && !this.#closing) this.#dial()
    this.#emptied()
  }

  #dial(): void {
    const { budget } = this.#context
    budget.connections += 1
    const cancel = this.#context.dial(
      this.endpoint,
      (dialed) => {
        this.#dials.delete(cancel)
        const connection = new UpstreamConnection(this, {
          dialed,
          endpoint: this.endpoint,
          nowMs: this.#context.nowMs(),
          keepsTrailers: budget.cluster.http.http1Trailers,
        })
        this.#open.add(connection)
        this.#context.onOpened()
        dialed.transport.resume()
        connection.lent = true
        connection.release()
      },
      (close, timedOut) => {
        this.#dials.delete(cancel)
        budget.connections -= 1
        this.#context.onConnectFailed()
        this.#nextWaiter()?.onPoolFailure({ kind: 'connect', close, timedOut })
        this.#emptied()
      },
    )
    this.#dials.add(cancel)
  }

  #nextWaiter(): PoolWaiter | undefined {
    const waiter = this.#waiters.shift()
    if (waiter !== undefined) this.#context.budget.pending -= 1
    return waiter
  }

  #emptied(): void {
    if (this.#closing && this.#open.size === 0 && this.#dials.size === 0) this.#context.onEmpty(this)
  }
}

function lend(connection: UpstreamConnection): UpstreamStream {
  connection.lent = true
  connection.requests += 1
  return connection.codec
}
