import type { Endpoint } from '@weft/engine'
import { H2ClientConnection, type H2ClientOwner } from '../codec/h2/client-connection.ts'
import { h2OptionsOf } from '../codec/h2/h2-options-of.ts'
import { Deadline, type DeadlineOwner } from '../exchange/deadline-lists.ts'
import type { UpstreamStream } from '../codec/http-stream.ts'
import type { LeafFacts } from '../config/secret-source.ts'
import type { Dialed } from './dial.ts'
import {
  endpointRemoved,
  type Pool,
  type PoolContext,
  type PooledConnection,
  type PoolWaiter,
  type ProtocolChoice,
} from './pool.ts'
import { WaitingLine } from './waiting-line.ts'

const http2Only: readonly string[] = ['h2']

/** HTTP/2 connections to one endpoint: one that carries all requests, more only when its streams are used up. */
export class Http2Pool implements Pool {
  readonly endpoint: Endpoint
  readonly #context: PoolContext
  readonly #choice: ProtocolChoice | undefined
  /** In order of their opening; those that drain are still there until they are closed. */
  readonly #open: Multiplexed[] = []
  readonly #waiters: WaitingLine
  #cancelDial: (() => void) | undefined = undefined
  #closing = false
  #serving = false

  constructor(endpoint: Endpoint, context: PoolContext, choice?: ProtocolChoice) {
    this.endpoint = endpoint
    this.#context = context
    this.#choice = choice
    this.#waiters = new WaitingLine(context)
  }

  get context(): PoolContext {
    return this.#context
  }

  get vacant(): boolean {
    return this.#open.length === 0 && this.#waiters.length === 0 && this.#cancelDial === undefined
  }

  take(): UpstreamStream | undefined {
    const nowMs = this.#context.nowMs()
    for (let at = 0; at < this.#open.length; at++) {
      const connection = this.#open[at] as Multiplexed
      if (connection.last || nowMs >= connection.retireMs) connection.h2.drain()
      else if (connection.h2.room > 0) return connection.stream()
    }
    return undefined
  }

  wait(waiter: PoolWaiter): void {
    if (this.#waiters.join(waiter)) this.#dialIfNeeded()
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

  drain(stale: (connection: PooledConnection) => boolean): void {
    for (const connection of [...this.#open]) if (stale(connection)) connection.h2.drain()
  }

  sweep(nowMs: number): void {
    for (const { h2, retireMs } of [...this.#open]) if (nowMs >= retireMs) h2.drain()
  }

  close(): void {
    this.#closing = true
    if (this.#cancelDial !== undefined) {
      this.#cancelDial()
      this.#cancelDial = undefined
      this.#context.budget.connections -= 1
    }
    for (const waiter of this.surrender()) waiter.onPoolFailure(endpointRemoved)
    this.drain(() => true)
    this.#emptied()
  }

  /** Streams may have become free: those who wait get them. */
  serve(): void {
    // What a connection says while it is asked for a stream changes nothing that the loop does not see.
    if (this.#serving) return
    this.#serving = true
    while (this.#waiters.length > 0) {
      const stream = this.take()
      if (stream === undefined) break
      this.#waiters.next()?.onStream(stream)
    }
    this.#serving = false
    this.#dialIfNeeded()
  }

  /** A connection is closed. */
  gone(connection: Multiplexed): void {
    const at = this.#open.indexOf(connection)
    if (at < 0) return
    this.#open.splice(at, 1)
    this.#context.budget.connections -= 1
    this.#context.onClosed()
    this.#dialIfNeeded()
    this.#emptied()
  }

  /** All who wait share one dial. As Envoy: a limit never leaves an endpoint without its first connection. */
  #dialIfNeeded(): void {
    if (this.#closing || this.#cancelDial !== undefined || this.#waiters.length === 0) return
    const { budget } = this.#context
    const usable = this.#open.some(({ h2 }) => !h2.draining)
    if (budget.connections >= budget.cluster.breakers.default.maxConnections && usable) return
    budget.connections += 1
    this.#cancelDial = this.#context.dial(
      this.endpoint,
      this.#choice?.offers ?? http2Only,
      (dialed) => {
        this.#cancelDial = undefined
        if (this.#choice?.accepts(dialed) !== false) return this.#opened(dialed)
        budget.connections -= 1
        this.#choice.onOther(dialed)
      },
      (close, timedOut) => {
        this.#cancelDial = undefined
        budget.connections -= 1
        this.#context.onConnectFailed()
        for (const waiter of this.surrender()) waiter.onPoolFailure({ kind: 'connect', close, timedOut })
        this.#emptied()
      },
    )
  }

  #opened(dialed: Dialed): void {
    const connection = new Multiplexed(this, dialed)
    this.#open.push(connection)
    this.#context.onOpened()
    connection.h2.start()
    this.serve()
  }

  #emptied(): void {
    if (this.#closing && this.#open.length === 0) this.#context.onEmpty(this)
  }
}

/** One connection of a pool. */
class Multiplexed implements H2ClientOwner, PooledConnection, DeadlineOwner {
  readonly h2: H2ClientConnection
  readonly own: LeafFacts | undefined
  /** Not to be used for new requests from then on, on the monotonic clock: see `Dialed.retireMs`. */
  readonly retireMs: number
  /** As many requests as it may carry were handed out. */
  last = false
  readonly #pool: Http2Pool
  /** Of `max_connection_duration`; only where there is one. */
  readonly #lifetime: Deadline | undefined
  #requests = 0

  constructor(pool: Http2Pool, { transport, own, retireMs }: Dialed) {
    const { context } = pool
    this.#pool = pool
    this.own = own
    this.retireMs = retireMs
    this.h2 = new H2ClientConnection(transport, this, context.h2, h2OptionsOf(context.budget.cluster.http.http2))
    const { maxConnectionDurationMs } = context.budget.cluster.http
    this.#lifetime = maxConnectionDurationMs > 0 ? new Deadline(this) : undefined
    if (this.#lifetime !== undefined) context.h2.deadlines.arm(this.#lifetime, maxConnectionDurationMs)
  }

  /** A stream for one request. */
  stream(): UpstreamStream {
    this.last = ++this.#requests === this.#pool.context.budget.cluster.http.maxRequestsPerConnection
    return this.h2.open()
  }

  onDeadline(): void {
    this.h2.drain()
  }

  idleMs(): number {
    return this.#pool.context.budget.cluster.http.idleTimeoutMs
  }

  onRoom(): void {
    if (this.last) this.h2.drain()
    this.#pool.serve()
  }

  onDraining(): void {
    this.#pool.serve()
  }

  onClosed(): void {
    if (this.#lifetime !== undefined) this.#pool.context.h2.deadlines.disarm(this.#lifetime)
    this.#pool.gone(this)
  }
}
