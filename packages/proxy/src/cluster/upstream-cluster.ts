import type { TransportClose } from '@weft/core'
import {
  admits,
  type Cluster,
  type DynamicHost,
  type EjectionScope,
  type Endpoint,
  type EndpointSet,
  type Hash64,
  makePicker,
  OutlierDetector,
  type Pick,
  type Picker,
  pickWanted,
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
import type { ClusterCounters } from './cluster-stats.ts'
import { isToldWhere, keysOf, sameConnecting, startsSlowly } from './cluster-facts.ts'
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
  #endpoints: EndpointSet | undefined
  #picker: Picker
  /** Where the cluster asks for it: leaves out endpoints that fail. */
  #outliers: OutlierDetector | undefined
  #sweptMs = 0
  /** When endpoints joined, by key; undefined: the cluster does not ask. */
  #joined: Map<string, number> | undefined
  #activeRequests = 0
  #activeRetries = 0
  readonly #recent = new RecentRequests()

  constructor(cluster: Cluster, endpoints: EndpointSet | undefined, context: UpstreamClusterContext) {
    this.#context = context
    this.counters = context.counters(cluster.name)
    this.#budget = { cluster, connections: 0, pending: 0 }
    this.#join(cluster, endpoints)
    this.#endpoints = endpoints
    this.#outliers = cluster.outlier === undefined ? undefined : new OutlierDetector(cluster.outlier)
    this.#picker = makePicker(cluster, endpoints, undefined, undefined, this.#joined)
  }

  get cluster(): Cluster {
    return this.#budget.cluster
  }

  get budget(): PoolBudget {
    return this.#budget
  }

  /** Endpoints as last told; undefined: not told yet. */
  get endpoints(): EndpointSet | undefined {
    return this.#endpoints
  }

  /** Takes another compiled form of the same cluster; connections live on unless the way of connecting changed. */
  configure(cluster: Cluster): void {
    const before = this.#budget.cluster
    this.#budget.cluster = cluster
    if (!startsSlowly(cluster)) this.#joined = undefined
    else this.#joined ??= new Map()
    if (cluster.outlier === undefined) this.#outliers = undefined
    else if (this.#outliers === undefined) this.#outliers = new OutlierDetector(cluster.outlier)
    else this.#outliers.configure(cluster.outlier)
    this.#balance()
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
    this.#join(this.#budget.cluster, endpoints)
    this.#endpoints = endpoints
    const live = new Map<string, Endpoint>()
    for (const locality of endpoints?.localities ?? [])
      for (const endpoint of locality.endpoints) live.set(endpoint.key, endpoint)
    this.#outliers?.keep(new Set(live.keys()))
    this.#balance()
    // Where such a cluster leads, each connection or request says.
    if (isToldWhere(this.#budget.cluster)) return
    for (const [key, pool] of [...this.#pools]) {
      const endpoint = live.get(pool.endpoint.key)
      if (endpoint !== undefined && this.#sameTls(endpoint, pool.endpoint)) continue
      this.#pools.delete(key)
      pool.close()
    }
  }

  /** Chooses an endpoint, if it can one whose key is not in `avoid` (looked for `attempts` times more), by `hash` where that counts. */
  pick(avoid: readonly string[], attempts = 1, hash?: Hash64, priorities?: RetryPriorities): Pick {
    const context = this.#pickContext
    context.priorities = priorities
    context.previous = avoid
    context.attempts = attempts
    context.hash = hash
    return this.#picker.pick(context)
  }

  /** The priority of an endpoint; undefined: it is there no more. */
  priorityOf({ key }: Endpoint): number | undefined {
    const localities = this.#endpoints?.localities ?? []
    return localities.find(({ endpoints }) => endpoints.some((one) => one.key === key))?.priority
  }

  /** The endpoint of a session, if it can be used; undefined: choose one. */
  pickWanted(wanted: WantedEndpoint): Pick | undefined {
    return pickWanted(this.#endpoints, wanted, this.#outliers?.ejected)
  }

  /** As `HostCache.find`, of a cluster that takes what requests name. */
  findHost({ host }: DynamicHost, onAnswer: (answer: HostAnswer) => void): HostAnswer | (() => void) {
    return this.#hosts?.find(host, onAnswer) ?? { kind: 'failed', detail: 'the cluster looks up no hosts' }
  }

  /** The endpoint of a host that was found. */
  pickHost(host: DynamicHost): Pick {
    const endpoint = this.#hosts?.endpointOf(host)
    if (endpoint === undefined || this.#outliers?.ejected.has(endpoint.key) === true) return noHost
    return { kind: 'picked', endpoint, panic: false }
  }

  get #hosts(): HostCache | undefined {
    const { discovery } = this.#budget.cluster
    return discovery.kind === 'dynamic' ? this.#context.hosts.of(discovery.cache) : undefined
  }

  /** A new picker for what there is now; it goes on where the one before stood. */
  #balance(): void {
    const { cluster } = this.#budget
    this.#picker = makePicker(cluster, this.#endpoints, this.#outliers?.ejected, this.#picker, this.#joined)
  }

  /** Remembers since when endpoints are there, where the cluster starts them slowly. */
  #join(cluster: Cluster, endpoints: EndpointSet | undefined): void {
    if (!startsSlowly(cluster)) return
    const known = new Set(keysOf(this.#endpoints))
    const nowMs = this.#context.nowMs()
    const joined = new Map<string, number>()
    for (const key of keysOf(endpoints)) {
      const sinceMs = known.has(key) ? this.#joined?.get(key) : nowMs
      if (sinceMs !== undefined) joined.set(key, sinceMs)
    }
    this.#joined = joined
  }

  /** How a request to an endpoint ended: one that fails again and again is left out for a while. */
  observe(endpoint: Endpoint, result: RequestResult): void {
    const outliers = this.#outliers
    if (outliers === undefined) return
    if (outliers.onResult(endpoint.key, result, this.#ejectionScope())) this.#balance()
  }

  #ejectionScope(): EjectionScope {
    const known = (this.#endpoints?.localities ?? []).reduce((sum, { endpoints }) => sum + endpoints.length, 0)
    const total = this.#budget.cluster.discovery.kind === 'dynamic' ? this.#pools.size : known
    const { nowMs, random: draw } = this.#context
    return { nowMs: nowMs(), total, draw }
  }

  /** Whether `observe` has a use. */
  get observes(): boolean {
    return this.#outliers !== undefined
  }

  /** Whether `observe` has a use for connections that carry a request. */
  get observesConnections(): boolean {
    return this.#outliers !== undefined && this.cluster.outlier?.splitsLocal === true
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
    this.#sweepOutliers(nowMs)
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

  #sweepOutliers(nowMs: number): void {
    const { outlier } = this.#budget.cluster
    if (this.#outliers === undefined || outlier === undefined || nowMs - this.#sweptMs < outlier.intervalMs) return
    this.#sweptMs = nowMs
    if (this.#outliers.sweep(this.#ejectionScope())) this.#balance()
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

  /** What pickers ask; one for all picks, since a pick is over when it returns. */
  readonly #pickContext = {
    random: (): number => this.#context.random(),
    nowMs: (): number => this.#context.nowMs(),
    activeRequests: (key: string): number => this.#active.get(key)?.count ?? 0,
    previous: noKeys,
    attempts: 1,
    hash: noHash,
    priorities: noPriorities,
  }

  #sameTls(a: Endpoint, b: Endpoint): boolean {
    return transportSocketFor(this.#budget.cluster, a) === transportSocketFor(this.#budget.cluster, b)
  }
}

const noKeys: readonly string[] = []
const noHost: Pick = Object.freeze({ kind: 'none', reason: 'no-endpoints' })
const noHash: Hash64 | undefined = undefined
const noPriorities: RetryPriorities | undefined = undefined
/** Of one cluster, where requests or connections name them. */
const mostPools = 4096
