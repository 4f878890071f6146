import type { TransportClose } from '@weft/core'
import {
  admits,
  type Cluster,
  type DynamicHost,
  type Endpoint,
  type EndpointSet,
  type Hash64,
  type Pick,
  RecentRequests,
  type RequestResult,
  type RetryPriorities,
  transportSocketFor,
  type WantedEndpoint,
} from '@weft/engine'
import type { UpstreamStream } from '../codec/http-stream.ts'
import { givesWay } from '../config/gives-way.ts'
import { type Dialed, type DialContext, dialEndpoint } from '../pool/dial.ts'
import type { H2Shared } from '../codec/h2/connection.ts'
import { newPool } from '../pool/new-pool.ts'
import type { Pool, PoolBudget, PoolContext, PoolWaiter } from '../pool/pool.ts'
import type { InternalEnds } from '../listen/listener-manager.ts'
import { ClusterBalancer } from './cluster-balancer.ts'
import { isToldWhere, sameConnecting } from './cluster-facts.ts'
import type { ClusterCounters } from './cluster-stats.ts'
import type { HostAnswer, HostCache } from './host-cache.ts'
import type { HostCaches } from './host-caches.ts'

/** What one cluster needs from the proxy around it. */
export interface UpstreamClusterContext extends DialContext {
  nowMs(): number
  random(): number
  counters(clusterName: string): ClusterCounters
  readonly h2: H2Shared
  readonly hosts: HostCaches
}

/** How many requests are active on an endpoint, by its key. */
export interface ActiveRequests {
  readonly key: string
  count: number
}

/**
 * The living side of a cluster: its balancer, its pools and its counters. It outlives configuration changes; the compiled
 * cluster and the endpoints in it are replaced.
 */
export class UpstreamCluster implements PoolContext {
  readonly counters: ClusterCounters
  readonly #context: UpstreamClusterContext
  readonly #pools = new Map<string, Pool>()
  /** Requests active on endpoints, by key; kept at 0 while its pool lives, so that counting allocates nothing. */
  readonly #active = new Map<string, ActiveRequests>()
  readonly #budget: { cluster: Cluster; connections: number; pending: number }
  readonly #balancer: ClusterBalancer
  #activeRequests = 0
  #activeRetries = 0
  readonly #recent = new RecentRequests()

  constructor(cluster: Cluster, endpoints: EndpointSet | undefined, context: UpstreamClusterContext) {
    this.#context = context
    this.counters = context.counters(cluster.name)
    this.#budget = { cluster, connections: 0, pending: 0 }
    this.#balancer = new ClusterBalancer(cluster, endpoints, {
      nowMs: () => context.nowMs(),
      random: () => context.random(),
      activeRequests: (key) => this.#active.get(key)?.count ?? 0,
      namedEndpoints: () => this.#pools.size,
    })
  }

  get cluster(): Cluster {
    return this.#budget.cluster
  }

  get budget(): PoolBudget {
    return this.#budget
  }

  /** Endpoints as last told; undefined: not told yet. */
  get endpoints(): EndpointSet | undefined {
    return this.#balancer.endpoints
  }

  /** Takes another compiled form of the same cluster; connections live on unless the way of connecting changed. */
  configure(cluster: Cluster): void {
    const before = this.#budget.cluster
    this.#budget.cluster = cluster
    this.#balancer.configure(cluster)
    if (sameConnecting(before, cluster)) return
    for (const [key, pool] of [...this.#pools]) {
      const waiters = pool.surrender()
      this.#pools.delete(key)
      pool.close()
      for (const waiter of waiters) this.connect(pool.endpoint, waiter)
    }
  }

  /** Takes the endpoints as they are now: pools of those that went finish what they carry. */
  setEndpoints(endpoints: EndpointSet | undefined): void {
    this.#balancer.setEndpoints(endpoints)
    // Where such a cluster leads, each connection or request says.
    if (isToldWhere(this.#budget.cluster)) return
    const live = new Map<string, Endpoint>()
    for (const locality of endpoints?.localities ?? [])
      for (const endpoint of locality.endpoints) live.set(endpoint.key, endpoint)
    for (const [key, pool] of [...this.#pools]) {
      const endpoint = live.get(pool.endpoint.key)
      if (endpoint !== undefined && this.#sameTls(endpoint, pool.endpoint)) continue
      this.#pools.delete(key)
      pool.close()
    }
  }

  /** As `ClusterBalancer.pick`. */
  pick(avoid: readonly string[], attempts?: number, hash?: Hash64, priorities?: RetryPriorities): Pick {
    return this.#balancer.pick(avoid, attempts, hash, priorities)
  }

  /** As `ClusterBalancer.priorityOf`. */
  priorityOf(endpoint: Endpoint): number | undefined {
    return this.#balancer.priorityOf(endpoint)
  }

  /** As `ClusterBalancer.pickWanted`. */
  pickWanted(wanted: WantedEndpoint): Pick | undefined {
    return this.#balancer.pickWanted(wanted)
  }

  /** As `HostCache.find`, of a cluster that takes what requests name. */
  findHost({ host }: DynamicHost, onAnswer: (answer: HostAnswer) => void): HostAnswer | (() => void) {
    return this.#hosts?.find(host, onAnswer) ?? { kind: 'failed', detail: 'the cluster looks up no hosts' }
  }

  /** The endpoint of a host that was found. */
  pickHost(host: DynamicHost): Pick {
    const endpoint = this.#hosts?.endpointOf(host)
    if (endpoint === undefined || this.#balancer.ejected?.has(endpoint.key) === true) return noHost
    return { kind: 'picked', endpoint, panic: false }
  }

  get #hosts(): HostCache | undefined {
    const { discovery } = this.#budget.cluster
    return discovery.kind === 'dynamic' ? this.#context.hosts.of(discovery.cache) : undefined
  }

  /** As `ClusterBalancer.observe`. */
  observe(endpoint: Endpoint, result: RequestResult): void {
    this.#balancer.observe(endpoint, result)
  }

  /** Whether `observe` has a use. */
  get observes(): boolean {
    return this.#balancer.observes
  }

  /** Whether `observe` has a use for connections that carry a request. */
  get observesConnections(): boolean {
    return this.#balancer.observesConnections
  }

  /** Counts a request against the limits; undefined: too many are active. What it returns is for `endRequest`, once. */
  beginRequest({ key }: Endpoint): ActiveRequests | undefined {
    const { maxRequests, retryBudget } = this.#budget.cluster.breakers.default
    if (this.#activeRequests >= maxRequests) return undefined
    this.#activeRequests += 1
    if (retryBudget !== undefined && retryBudget.intervalMs > 0)
      this.#recent.add(this.#context.nowMs(), retryBudget.intervalMs)
    let active = this.#active.get(key)
    if (active === undefined) this.#active.set(key, (active = { key, count: 0 }))
    active.count += 1
    return active
  }

  endRequest(active: ActiveRequests): void {
    this.#activeRequests -= 1
    active.count -= 1
    if (active.count === 0 && !this.#pools.has(active.key)) this.#active.delete(active.key)
  }

  /** Counts a repetition against the limits; false: too many are under way. Each success is ended by `endRetry`. */
  beginRetry(): boolean {
    const { cluster, connections, pending } = this.#budget
    const intervalMs = cluster.breakers.default.retryBudget?.intervalMs ?? 0
    const recent = intervalMs > 0 ? this.#recent.count(this.#context.nowMs(), intervalMs) : undefined
    const active = { requests: this.#activeRequests, retries: this.#activeRetries, recent }
    const use = { connections, pendingRequests: pending, ...active }
    if (!admits(cluster.breakers.default, use, 'retries')) return false
    this.#activeRetries += 1
    return true
  }

  endRetry(): void {
    this.#activeRetries -= 1
  }

  /** A stream to the endpoint, without waiting; undefined: `connect`. */
  takeIdle(endpoint: Endpoint, http2: boolean): UpstreamStream | undefined {
    return this.#pools.get(endpoint.poolKey ?? endpoint.key)?.take(http2)
  }

  /** Waits for a stream to the endpoint; returns how to stop waiting. */
  connect(endpoint: Endpoint, waiter: PoolWaiter): () => void {
    const key = endpoint.poolKey ?? endpoint.key
    let pool = this.#pools.get(key)
    if (pool === undefined) {
      // Pools of hosts are as many as clients name hosts; each may have a first connection whatever the limit of them.
      if (endpoint.poolKey !== undefined && this.#pools.size >= mostPools) {
        waiter.onPoolFailure({ kind: 'overflow' })
        return () => {}
      }
      this.#pools.set(key, (pool = newPool(endpoint, this)))
    }
    pool.wait(waiter)
    // Those who wait move when the pool is replaced.
    return () => this.#pools.get(key)?.cancel(waiter)
  }

  /** One connection outside the pools, for TCP and tunnels. The caller owns it. */
  dialRaw(
    endpoint: Endpoint,
    ends: InternalEnds | undefined,
    onOpen: (dialed: Dialed) => void,
    onFail: (close: TransportClose, timedOut: boolean) => void,
  ): () => void {
    return dialEndpoint(this.#budget.cluster, endpoint, ends, this.#context, {
      onOpen: (dialed) => {
        this.counters.opened()
        onOpen(dialed)
      },
      onFail: (close, timedOut) => {
        this.counters.connectFailed()
        this.#hosts?.unreachable(endpoint)
        onFail(close, timedOut)
      },
    })
  }

  /** Connections whose certificate gives way to the present one are let go after what they carry. */
  certificateRotated(): void {
    for (const pool of this.#pools.values()) {
      const certificateSecret = transportSocketFor(this.#budget.cluster, pool.endpoint)?.certificateSecret
      if (certificateSecret === undefined) continue
      const present = this.#context.secrets.certificate(certificateSecret)?.facts
      const wallMs = this.#context.runtime.clock.wallMs()
      pool.drain(({ own }) => givesWay(own, present, wallMs))
    }
  }

  /** Ends what was idle or open for too long. */
  sweep(nowMs: number): void {
    for (const pool of this.#pools.values()) pool.sweep(nowMs)
    this.#balancer.sweep(nowMs)
    // Nobody says that such an endpoint is gone: its pool goes with its last connection.
    const { cluster } = this.#budget
    this.#leaveFormerAddresses()
    if (!isToldWhere(cluster) && cluster.http.autoNames === undefined) return
    for (const [key, pool] of this.#pools) if (pool.vacant) this.#pools.delete(key)
  }

  /** Connections to where a host is no more take no further requests. */
  #leaveFormerAddresses(): void {
    const hosts = this.#hosts
    for (const pool of this.#pools.values()) if (hosts?.isAt(pool.endpoint) === false) pool.drain(() => true)
  }

  /** The cluster is gone: finishes what is under way. */
  close(): void {
    for (const pool of this.#pools.values()) pool.close()
    this.#pools.clear()
  }

  nowMs(): number {
    return this.#context.nowMs()
  }

  get h2(): H2Shared {
    return this.#context.h2
  }

  dial(
    endpoint: Endpoint,
    offers: readonly string[],
    onOpen: (dialed: Dialed) => void,
    onFail: (close: TransportClose, timedOut: boolean) => void,
  ): () => void {
    return dialEndpoint(this.#budget.cluster, endpoint, undefined, this.#context, {
      offers,
      onOpen,
      onFail: (close, timedOut) => {
        this.#hosts?.unreachable(endpoint)
        onFail(close, timedOut)
      },
    })
  }

  onOpened(): void {
    this.counters.opened()
  }

  onClosed(): void {
    this.counters.closed()
  }

  onConnectFailed(): void {
    this.counters.connectFailed()
  }

  onEmpty(pool: Pool): void {
    const { key, poolKey = key } = pool.endpoint
    if (this.#pools.get(poolKey) === pool) this.#pools.delete(poolKey)
    if (!this.#pools.has(key) && this.#active.get(key)?.count === 0) this.#active.delete(key)
  }

  #sameTls(a: Endpoint, b: Endpoint): boolean {
    return transportSocketFor(this.#budget.cluster, a) === transportSocketFor(this.#budget.cluster, b)
  }
}

const noHost: Pick = Object.freeze({ kind: 'none', reason: 'no-endpoints' })
/** Of one cluster, where requests or connections name them. */
const mostPools = 4096
