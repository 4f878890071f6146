import {
  type Cluster,
  type EjectionScope,
  type Endpoint,
  type EndpointSet,
  type Hash64,
  makePicker,
  OutlierDetector,
  type Pick,
  type Picker,
  pickWanted,
  type RequestResult,
  type RetryPriorities,
  type WantedEndpoint,
} from '@weft/engine'
import { keysOf, startsSlowly } from './cluster-facts.ts'

/** What a balancer asks about the cluster it chooses for. */
export interface Balanced {
  nowMs(): number
  random(): number
  /** Requests active on an endpoint, by its key. */
  activeRequests(key: string): number
  /** Endpoints that there are only since requests named them. */
  namedEndpoints(): number
}

/**
 * Chooses the endpoints of one cluster: by its picker, without those that fail again and again. It outlives configuration changes and
 * goes on where it stood.
 */
export class ClusterBalancer {
  readonly #balanced: Balanced
  #cluster: Cluster
  #endpoints: EndpointSet | undefined
  #picker: Picker
  /** Where the cluster asks for it: leaves out endpoints that fail. */
  #outliers: OutlierDetector | undefined
  #sweptMs = 0
  /** When endpoints joined, by key; undefined: the cluster does not ask. */
  #joined: Map<string, number> | undefined

  constructor(cluster: Cluster, endpoints: EndpointSet | undefined, balanced: Balanced) {
    this.#balanced = balanced
    this.#cluster = cluster
    this.#join(endpoints)
    this.#endpoints = endpoints
    this.#outliers = cluster.outlier === undefined ? undefined : new OutlierDetector(cluster.outlier)
    this.#picker = makePicker(cluster, endpoints, undefined, undefined, this.#joined)
  }

  /** Endpoints as last told; undefined: not told yet. */
  get endpoints(): EndpointSet | undefined {
    return this.#endpoints
  }

  /** Keys of endpoints that are left out for now. */
  get ejected(): ReadonlySet<string> | undefined {
    return this.#outliers?.ejected
  }

  /** Takes another compiled form of the same cluster. */
  configure(cluster: Cluster): void {
    this.#cluster = cluster
    if (!startsSlowly(cluster)) this.#joined = undefined
    else this.#joined ??= new Map()
    if (cluster.outlier === undefined) this.#outliers = undefined
    else if (this.#outliers === undefined) this.#outliers = new OutlierDetector(cluster.outlier)
    else this.#outliers.configure(cluster.outlier)
    this.#balance()
  }

  /** Takes the endpoints as they are now. */
  setEndpoints(endpoints: EndpointSet | undefined): void {
    this.#join(endpoints)
    this.#endpoints = endpoints
    this.#outliers?.keep(new Set(keysOf(endpoints)))
    this.#balance()
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

  /** The endpoint of a session, if it can be used; undefined: choose one. */
  pickWanted(wanted: WantedEndpoint): Pick | undefined {
    return pickWanted(this.#endpoints, wanted, this.#outliers?.ejected)
  }

  /** The priority of an endpoint; undefined: it is there no more. */
  priorityOf({ key }: Endpoint): number | undefined {
    const localities = this.#endpoints?.localities ?? []
    return localities.find(({ endpoints }) => endpoints.some((one) => one.key === key))?.priority
  }

  /** How a request to an endpoint ended: one that fails again and again is left out for a while. */
  observe(endpoint: Endpoint, result: RequestResult): void {
    const outliers = this.#outliers
    if (outliers === undefined) return
    if (outliers.onResult(endpoint.key, result, this.#ejectionScope())) this.#balance()
  }

  /** Whether `observe` has a use. */
  get observes(): boolean {
    return this.#outliers !== undefined
  }

  /** Whether `observe` has a use for connections that carry a request. */
  get observesConnections(): boolean {
    return this.#outliers !== undefined && this.#cluster.outlier?.splitsLocal === true
  }

  /** Looks again at what failed, once an interval. */
  sweep(nowMs: number): void {
    const { outlier } = this.#cluster
    if (this.#outliers === undefined || outlier === undefined || nowMs - this.#sweptMs < outlier.intervalMs) return
    this.#sweptMs = nowMs
    if (this.#outliers.sweep(this.#ejectionScope())) this.#balance()
  }

  /** A new picker for what there is now; it goes on where the one before stood. */
  #balance(): void {
    this.#picker = makePicker(this.#cluster, this.#endpoints, this.#outliers?.ejected, this.#picker, this.#joined)
  }

  /** Remembers since when endpoints are there, where the cluster starts them slowly. */
  #join(endpoints: EndpointSet | undefined): void {
    if (!startsSlowly(this.#cluster)) return
    const known = new Set(keysOf(this.#endpoints))
    const nowMs = this.#balanced.nowMs()
    const joined = new Map<string, number>()
    for (const key of keysOf(endpoints)) {
      const sinceMs = known.has(key) ? this.#joined?.get(key) : nowMs
      if (sinceMs !== undefined) joined.set(key, sinceMs)
    }
    this.#joined = joined
  }

  #ejectionScope(): EjectionScope {
    const known = (this.#endpoints?.localities ?? []).reduce((sum, { endpoints }) => sum + endpoints.length, 0)
    const total = this.#cluster.discovery.kind === 'dynamic' ? this.#balanced.namedEndpoints() : known
    return { nowMs: this.#balanced.nowMs(), total, draw: () => this.#balanced.random() }
  }

  /** What pickers ask; one for all picks, since a pick is over when it returns. */
  readonly #pickContext = {
    random: (): number => this.#balanced.random(),
    nowMs: (): number => this.#balanced.nowMs(),
    activeRequests: (key: string): number => this.#balanced.activeRequests(key),
    previous: noKeys,
    attempts: 1,
    hash: noHash,
    priorities: noPriorities,
  }
}

const noKeys: readonly string[] = []
const noHash: Hash64 | undefined = undefined
const noPriorities: RetryPriorities | undefined = undefined
