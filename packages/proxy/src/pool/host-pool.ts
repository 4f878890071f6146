import type { Timer } from '@weft/core'
import type { BreakerLimits, Cluster, Endpoint, UpstreamTls } from '@weft/engine'
import { H1ClientConnection } from '../codec/h1/client-connection.ts'
import { Deadline, type DeadlineLists } from '../exchange/deadline-lists.ts'
import { currentIdentity, expiresAtMs, type UpstreamIdentity } from '../tls/upstream-tls.ts'
import type { ClusterUse } from './cluster-use.ts'
import { type DialContext, type Dialled, type DialFailure, dial } from './dial.ts'

/** An idle connection is let go this long before the server said it would close it, milliseconds. */
const keepAliveMarginMs = 1_000

/** Someone in need of a connection. Exactly one of the two, possibly within `acquire`. */
export interface PoolWaiter {
  onConnection(connection: H1ClientConnection): void
  onPoolFailure(failure: DialFailure | { readonly kind: 'overflow'; readonly detail: string }): void
}

/** What a pool needs from its cluster. */
export interface PoolOwner {
  readonly cluster: Cluster
  readonly use: ClusterUse
  onEmpty(pool: HostPool): void
}

/** What a pool needs from the proxy. */
export interface PoolContext extends DialContext {
  readonly deadlines: DeadlineLists
}

interface Extra {
  readonly identity: UpstreamIdentity | undefined
  readonly idle: Deadline
  expiry: Timer | undefined
}

/**
 * The connections to one endpoint with one set of TLS settings. The one used last is used next: it is the most likely
 * to be alive, and the others get the chance to grow old.
 */
export class HostPool {
  readonly endpoint: Endpoint
  readonly tls: UpstreamTls | undefined
  /** Exchanges on connections of this pool, and waiting for one. */
  active = 0
  readonly #context: PoolContext
  readonly #owner: PoolOwner
  readonly #idle: H1ClientConnection[] = []
  readonly #connections = new Map<H1ClientConnection, Extra>()
  readonly #waiters: PoolWaiter[] = []
  readonly #dialling = new Set<() => void>()
  #retired = false

  constructor(context: PoolContext, owner: PoolOwner, endpoint: Endpoint, tls: UpstreamTls | undefined) {
    this.#context = context
    this.#owner = owner
    this.endpoint = endpoint
    this.tls = tls
  }

  /** Open connections. */
  get size(): number {
    return this.#connections.size
  }

  /** Gives a connection now or later, within the cluster's limits. */
  acquire(waiter: PoolWaiter, limits: BreakerLimits): void {
    const { use } = this.#owner
    if (use.requests >= limits.maxRequests) return waiter.onPoolFailure({ kind: 'overflow', detail: 'requests' })
    const idle = this.#takeIdle()
    if (idle !== undefined) return waiter.onConnection(idle)
    if (use.pendingRequests >= limits.maxPendingRequests) {
      return waiter.onPoolFailure({ kind: 'overflow', detail: 'pending requests' })
    }
    this.#waiters.push(waiter)
    use.pendingRequests++
    const allowed = use.connections < limits.maxConnections || this.#connections.size + this.#dialling.size === 0
    if (allowed && this.#dialling.size < this.#waiters.length) this.#dial()
  }

  /** Takes a waiter back. */
  cancel(waiter: PoolWaiter): void {
    const at = this.#waiters.indexOf(waiter)
    if (at < 0) return
    this.#waiters.splice(at, 1)
    this.#owner.use.pendingRequests--
  }

  /** Secrets changed: connections made with other ones serve what they have, and end. */
  onSecrets(): void {
    if (this.tls === undefined) return
    const now = currentIdentity(this.tls, this.#context.secrets)
    for (const [connection, { identity }] of this.#connections) {
      if (identity?.certificate === now?.certificate && identity?.rootsPem === now?.rootsPem) continue
      connection.close()
    }
  }

  /** The endpoint or its settings went: idle connections end now, the others after what they serve. */
  retire(): void {
    this.#retired = true
    for (const connection of [...this.#connections.keys()]) connection.close()
    this.#tellWhenEmpty()
  }

  /** Ends everything at once. */
  destroy(): void {
    this.#retired = true
    for (const giveUp of this.#dialling) giveUp()
    this.#owner.use.connections -= this.#dialling.size
    this.#dialling.clear()
    for (const connection of [...this.#connections.keys()]) connection.abandon()
    this.#idle.length = 0
  }

  #takeIdle(): H1ClientConnection | undefined {
    for (let found = this.#idle.pop(); found !== undefined; found = this.#idle.pop()) {
      const extra = this.#connections.get(found)
      if (extra === undefined) continue
      this.#context.deadlines.disarm(extra.idle)
      return found
    }
    return undefined
  }

  #dial(): void {
    const { use, cluster } = this.#owner
    use.connections++
    const target = { cluster, endpoint: this.endpoint, tls: this.tls, ends: undefined }
    const giveUp = dial(
      this.#context,
      target,
      (dialled) => {
        this.#dialling.delete(giveUp)
        this.#opened(dialled)
      },
      (failure) => {
        this.#dialling.delete(giveUp)
        use.connections--
        const waiter = this.#waiters.shift()
        if (waiter !== undefined) {
          use.pendingRequests--
          waiter.onPoolFailure(failure)
        }
        this.#tellWhenEmpty()
      },
    )
    this.#dialling.add(giveUp)
  }

  #opened({ transport, identity }: Dialled): void {
    const connection = new H1ClientConnection(transport, {
      onReusable: (one) => this.#release(one),
      onGone: (one) => this.#gone(one),
    })
    const idle = new Deadline({ onDeadline: () => connection.close() })
    const extra: Extra = { identity, idle, expiry: undefined }
    this.#connections.set(connection, extra)
    const leftMs = expiresAtMs(identity, transport) - this.#context.runtime.clock.wallMs()
    if (leftMs !== Number.POSITIVE_INFINITY) extra.expiry = this.#armExpiry(connection, leftMs)
    if (this.#retired) connection.retired = true
    this.#give(connection)
  }

  /** No connection outlives a certificate: it is retired before, and cut at the end. */
  #armExpiry(connection: H1ClientConnection, leftMs: number): Timer {
    const { timers } = this.#context.runtime
    const options = { keepAlive: false }
    return timers.set(
      leftMs * 0.8,
      () => {
        connection.close()
        const extra = this.#connections.get(connection)
        if (extra !== undefined) extra.expiry = timers.set(leftMs * 0.2, () => connection.onClose(expired), options)
      },
      options,
    )
  }

  #release(connection: H1ClientConnection): void {
    const { cluster } = this.#owner
    const most = cluster.http.maxRequestsPerConnection
    if (this.#retired || (most > 0 && connection.requests >= most)) return connection.close()
    this.#give(connection)
  }

  #give(connection: H1ClientConnection): void {
    const waiter = this.#waiters.shift()
    if (waiter !== undefined) {
      this.#owner.use.pendingRequests--
      waiter.onConnection(connection)
      return
    }
    if (this.#retired || connection.retired) return connection.close()
    this.#idle.push(connection)
    const extra = this.#connections.get(connection)
    if (extra !== undefined) this.#context.deadlines.arm(extra.idle, this.#idleMs(connection))
  }

  /** The cluster's limit, or a little less than what the server announced: reusing what it is closing loses requests. */
  #idleMs(connection: H1ClientConnection): number {
    const { idleTimeoutMs } = this.#owner.cluster.http
    if (connection.keepAliveSeconds < 0) return idleTimeoutMs
    const announcedMs = Math.max(1, connection.keepAliveSeconds * 1000 - keepAliveMarginMs)
    return idleTimeoutMs === 0 ? announcedMs : Math.min(idleTimeoutMs, announcedMs)
  }

  #gone(connection: H1ClientConnection): void {
    const extra = this.#connections.get(connection)
    if (extra === undefined) return
    this.#connections.delete(connection)
    this.#owner.use.connections--
    this.#context.deadlines.disarm(extra.idle)
    extra.expiry?.cancel()
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
    if (this.#waiters.length > this.#dialling.size) this.#dial()
    this.#tellWhenEmpty()
  }

  #tellWhenEmpty(): void {
    if (this.#retired && this.#connections.size + this.#dialling.size + this.#waiters.length === 0) {
      this.#owner.onEmpty(this)
    }
  }
}

const expired = { reason: 'local', detail: 'the certificate of this connection has expired' } as const
