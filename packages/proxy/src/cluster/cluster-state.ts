import {
  type BreakerLimits,
  type Cluster,
  type Endpoint,
  type EndpointSet,
  makePicker,
  type Pick,
  type PickContext,
  type Picker,
  transportSocketFor,
  type UpstreamTls,
} from '@weft/engine'
import { type ClusterUse, unused } from '../pool/cluster-use.ts'
import { HostPool, type PoolContext, type PoolOwner } from '../pool/host-pool.ts'

/** Priority of a route, with limits of its own. */
export type Priority = 'default' | 'high'

interface PoolEntry {
  readonly pool: HostPool
  /** What the pool was last checked against; the same two objects: nothing to check. */
  cluster: Cluster
  endpoint: Endpoint
  readonly tlsKey: string
}

/** The living side of a cluster: endpoints as last told, balancer, pools and counters. Outlives configurations. */
export class ClusterState {
  cluster: Cluster
  readonly use: Readonly<Record<Priority, ClusterUse>> = { default: unused(), high: unused() }
  readonly #context: PoolContext
  readonly #pools: Readonly<Record<Priority, Map<string, PoolEntry>>> = { default: new Map(), high: new Map() }
  readonly #leaving = new Set<HostPool>()
  #endpoints: EndpointSet | undefined
  #picker: Picker

  constructor(context: PoolContext, cluster: Cluster, endpoints: EndpointSet | undefined) {
    this.#context = context
    this.cluster = cluster
    this.#endpoints = ownEndpoints(cluster) ?? endpoints
    this.#picker = makePicker(cluster, { endpoints: this.#endpoints })
  }

  /** Takes a new configuration of the same name; pools and counters stay. */
  reconfigure(cluster: Cluster, endpoints: EndpointSet | undefined): void {
    this.cluster = cluster
    this.setEndpoints(ownEndpoints(cluster) ?? endpoints)
  }

  /** Takes new endpoints; pools of those that went are retired. */
  setEndpoints(endpoints: EndpointSet | undefined): void {
    this.#endpoints = endpoints
    this.#picker = makePicker(this.cluster, { endpoints, previous: this.#picker })
    if (endpoints === undefined) return
    const known = new Set(endpoints.localities.flatMap((locality) => locality.endpoints.map(({ key }) => key)))
    for (const priority of priorities) {
      for (const [key, { pool }] of this.#pools[priority]) if (!known.has(key)) this.#retire(priority, key, pool)
    }
  }

  /** Chooses an endpoint; `originalDst` is where the client meant to go, for clusters that follow it. */
  pick(context: PickContext, originalDst: { readonly address: string; readonly port: number }): Pick {
    if (this.cluster.discovery.kind !== 'original-dst') return this.#picker.pick(context)
    return { kind: 'picked', endpoint: followed(originalDst), panic: false }
  }

  /** Requests active on an endpoint. */
  readonly activeRequests = (endpointKey: string): number => {
    const usual = this.#pools.default.get(endpointKey)?.pool.active ?? 0
    return this.#pools.high.size === 0 ? usual : usual + (this.#pools.high.get(endpointKey)?.pool.active ?? 0)
  }

  limits(priority: Priority): BreakerLimits {
    return this.cluster.breakers[priority]
  }

  /** The pool of an endpoint. */
  poolFor(endpoint: Endpoint, priority: Priority): HostPool {
    const entry = this.#pools[priority].get(endpoint.key)
    if (entry?.endpoint === endpoint && entry.cluster === this.cluster) return entry.pool
    const tls = transportSocketFor(this.cluster, endpoint)
    const tlsKey = tlsKeyOf(tls)
    if (entry?.tlsKey === tlsKey) {
      entry.cluster = this.cluster
      entry.endpoint = endpoint
      return entry.pool
    }
    if (entry !== undefined) this.#retire(priority, endpoint.key, entry.pool)
    const pool = new HostPool(this.#context, this.#ownerFor(priority), endpoint, tls)
    this.#pools[priority].set(endpoint.key, { pool, cluster: this.cluster, endpoint, tlsKey })
    return pool
  }

  /** TLS settings an endpoint is dialled with, for connections outside of pools. */
  tlsFor(endpoint: Endpoint): UpstreamTls | undefined {
    return transportSocketFor(this.cluster, endpoint)
  }

  onSecrets(): void {
    for (const priority of priorities) for (const { pool } of this.#pools[priority].values()) pool.onSecrets()
    for (const pool of this.#leaving) pool.onSecrets()
  }

  /** The cluster went: connections end after what they serve. */
  retire(): void {
    for (const priority of priorities) {
      for (const [key, { pool }] of this.#pools[priority]) this.#retire(priority, key, pool)
    }
  }

  destroy(): void {
    for (const priority of priorities) for (const { pool } of this.#pools[priority].values()) pool.destroy()
    for (const pool of this.#leaving) pool.destroy()
  }

  /** For the admin endpoint. */
  describe(): { readonly endpoints: EndpointSet | undefined; readonly connections: number } {
    return { endpoints: this.#endpoints, connections: this.use.default.connections + this.use.high.connections }
  }

  #ownerFor(priority: Priority): PoolOwner {
    const state = this
    return {
      get cluster() {
        return state.cluster
      },
      use: this.use[priority],
      onEmpty: (pool) => this.#leaving.delete(pool),
    }
  }

  #retire(priority: Priority, key: string, pool: HostPool): void {
    this.#pools[priority].delete(key)
    this.#leaving.add(pool)
    pool.retire()
  }
}

const priorities: readonly Priority[] = ['default', 'high']

function ownEndpoints(cluster: Cluster): EndpointSet | undefined {
  const { discovery } = cluster
  return discovery.kind === 'static' || discovery.kind === 'dns' ? discovery.endpoints : undefined
}

function followed({ address, port }: { readonly address: string; readonly port: number }): Endpoint {
  return {
    key: `${address}:${port}`,
    target: { kind: 'socket', address, port },
    hostname: '',
    health: 'unknown',
    weight: 1,
    metadata: {},
  }
}

const tlsKeys = new WeakMap<UpstreamTls, string>()

/** Equal for settings that say the same: a pool survives a configuration that repeats them. */
function tlsKeyOf(tls: UpstreamTls | undefined): string {
  if (tls === undefined) return ''
  let key = tlsKeys.get(tls)
  if (key === undefined) tlsKeys.set(tls, (key = JSON.stringify(tls)))
  return key
}
