import type { Endpoint } from '@weft/engine'
import { Deadline } from '../exchange/deadline-lists.ts'
import type { UpstreamStream } from '../codec/http-stream.ts'
import type { Dialed } from './dial.ts'
import { endpointRemoved, type Pool, type PoolContext, type PoolWaiter, type ProtocolChoice } from './pool.ts'
import { type ConnectionOwner, UpstreamConnection } from './upstream-connection.ts'
import { WaitingLine } from './waiting-line.ts'

const http1Only: readonly string[] = ['http/1.1']

/** HTTP/1.1 connections to one endpoint. Idle ones are lent last-in first-out, so that the hot ones stay hot. */
export class Http1Pool implements Pool, ConnectionOwner {
  readonly endpoint: Endpoint
  readonly #context: PoolContext
  readonly #idle: UpstreamConnection[] = []
  readonly #open = new Set<UpstreamConnection>()
  readonly #waiters: WaitingLine
  readonly #dials = new Set<() => void>()
  readonly #choice: ProtocolChoice | undefined
  #closing = false

  constructor(endpoint: Endpoint, context: PoolContext, choice?: ProtocolChoice) {
    this.endpoint = endpoint
    this.#context = context
    this.#choice = choice
    this.#waiters = new WaitingLine(context)
  }

  get vacant(): boolean {
    return this.#open.size === 0 && this.#waiters.length === 0 && this.#dials.size === 0
  }

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

  wait(waiter: PoolWaiter): void {
    if (!this.#waiters.join(waiter)) return
    // Somebody who gave up may have left a connection on its way.
    if (this.#waiters.length <= this.#dials.size) return
    // As Envoy: the limit holds back further connections, it never leaves an endpoint without its first one.
    const { budget } = this.#context
    const { maxConnections } = budget.cluster.breakers.default
    if (budget.connections < maxConnections || this.#open.size + this.#dials.size === 0) this.#dial()
  }

  cancel(waiter: PoolWaiter): void {
    this.#waiters.leave(waiter)
  }

  surrender(): readonly PoolWaiter[] {
    return this.#waiters.surrender()
  }

  /** Takes a connection that another pool dialled. */
  adopt(dialed: Dialed): void {
    this.#context.budget.connections += 1
    this.#opened(dialed)
  }

  drain(stale: (connection: UpstreamConnection) => boolean): void {
    for (const connection of [...this.#open]) {
      if (!stale(connection)) continue
      connection.draining = true
      if (!connection.lent) connection.discard()
    }
  }

  sweep(nowMs: number): void {
    const { idleTimeoutMs } = this.#context.budget.cluster.http
    this.drain(
      (connection) =>
        nowMs >= connection.retireMs ||
        (idleTimeoutMs > 0 && !connection.lent && nowMs - connection.idleSinceMs >= idleTimeoutMs),
    )
  }

  close(): void {
    this.#closing = true
    for (const give of this.#dials) {
      give()
      this.#context.budget.connections -= 1
    }
    this.#dials.clear()
    for (const waiter of this.surrender()) waiter.onPoolFailure(endpointRemoved)
    this.drain(() => true)
    this.#emptied()
  }

  released(connection: UpstreamConnection): void {
    const limit = this.#context.budget.cluster.http.maxRequestsPerConnection
    if (connection.draining || (limit > 0 && connection.requests >= limit)) return connection.discard()
    const waiter = this.#waiters.next()
    if (waiter !== undefined) return waiter.onStream(lend(connection))
    connection.idleSinceMs = this.#context.nowMs()
    this.#idle.push(connection)
  }

  gone(connection: UpstreamConnection): void {
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
    if (!this.#open.delete(connection)) return
    if (connection.lifetime !== undefined) this.#context.h2.deadlines.disarm(connection.lifetime)
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
      this.#choice?.offers ?? http1Only,
      (dialed) => {
        this.#dials.delete(cancel)
        if (this.#choice?.accepts(dialed) !== false) return this.#opened(dialed)
        budget.connections -= 1
        this.#choice.onOther(dialed)
      },
      (close, timedOut) => {
        this.#dials.delete(cancel)
        budget.connections -= 1
        this.#context.onConnectFailed()
        this.#waiters.next()?.onPoolFailure({ kind: 'connect', close, timedOut })
        this.#emptied()
      },
    )
    this.#dials.add(cancel)
  }

  #opened(dialed: Dialed): void {
    const context = this.#context
    const connection = new UpstreamConnection(this, {
      dialed,
      endpoint: this.endpoint,
      keepsTrailers: context.budget.cluster.http.http1Trailers,
    })
    this.#open.add(connection)
    const { maxConnectionDurationMs } = context.budget.cluster.http
    if (maxConnectionDurationMs > 0) {
      context.h2.deadlines.arm((connection.lifetime = new Deadline(connection)), maxConnectionDurationMs)
    }
    context.onOpened()
    dialed.transport.resume()
    connection.lent = true
    connection.release()
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
