// The control plane without its I/O: takes configuration and instances, builds snapshots, translates them for every proxy,
// hands the tables to the distributor, and can tell what it did.
import type { BootstrapPatches } from './patches/bootstrap-patches.ts'
import { ok, type PeerIdentity, type Result, type Runtime, type Timer } from '@weft/core'
import { isConfigured, type WorkloadInstance } from '@weft/resources'
import type { ResourceTable } from '@weft/xds'
import type { Node } from '@weft/xds/lean'
import type { GeneratorProblem, Loser, ProxyRef } from './generators/generator.ts'
import { type TranslationWork, workBetween } from './generators/build-memory.ts'
import { findingsOf, Translator, type Translation } from './generators/translator.ts'
import { withReadiness } from './probes/with-readiness.ts'
import { claimOf, instanceOf, mayServe, proxyIdOf, spiffeIdOf } from './proxy-identity.ts'
import type { Distributor } from './serve/distributor-api.ts'
import { withDerived } from './snapshot/derive.ts'
import { buildSnapshot, type ConfigPart, type MeshSnapshot } from './snapshot/mesh-snapshot.ts'
import type { MeshSettings } from './snapshot/mesh-settings.ts'
import { type HistoryEntry, remember } from './snapshot/snapshot-history.ts'
import { type SourceMap, sourceMapOf } from './snapshot/source-map.ts'
import type { StoreState } from './store/store-state.ts'

/** What a control plane needs. */
export interface ControlPlaneOptions {
  readonly runtime: Pick<Runtime, 'clock' | 'timers' | 'log'>
  readonly settings: MeshSettings
  readonly distributor: Distributor
  /** Called after each rebuild with what it cost. */
  readonly onRebuild?: (rebuild: Rebuild) => void
  /** Called with configuration that is another than before. */
  readonly onConfig?: (config: ConfigPart) => void
}

/** What one rebuild did. */
export interface Rebuild {
  readonly version: string
  /** What it took. */
  readonly work: TranslationWork
  /** Proxies whose table changed. */
  readonly changedProxies: number
  readonly durationMs: number
}

/** One control plane. Any number of them can live in a process. */
export class ControlPlane {
  readonly #options: ControlPlaneOptions
  readonly #translator = new Translator()
  /** What the newest node of a proxy said. */
  readonly #claims = new Map<string, Pick<ProxyRef, 'flavor' | 'certificates'>>()
  readonly #translations = new Map<string, Translation>()
  #store: StoreState | undefined
  #instances: readonly WorkloadInstance[] | undefined
  /** Keys of WorkloadEntries that their probes found not ready. */
  #unready: ReadonlySet<string> = new Set()
  #withProxy: ReadonlyMap<string, WorkloadInstance> = new Map()
  #snapshot: MeshSnapshot | undefined
  #history: readonly HistoryEntry[] = []
  #pending: Timer | undefined
  /** What SMI and Ingress say that nothing follows from. */
  #derivedProblems: readonly GeneratorProblem[] = []

  constructor(options: ControlPlaneOptions) {
    this.#options = options
  }

  /** The store published a state. */
  setStoreState(state: StoreState): void {
    this.#store = state
    this.#schedule()
  }

  /** The registry changed. */
  setInstances(instances: readonly WorkloadInstance[]): void {
    this.#instances = instances
    this.#withProxy = new Map(instances.filter(isConfigured).map((instance) => [proxyIdOf(instance), instance]))
    this.#schedule()
  }

  /** Probes changed their mind about WorkloadEntries. */
  setUnready(unready: ReadonlySet<string>): void {
    this.#unready = unready
    this.#schedule()
  }

  /** Both inputs were read once and every proxy has its table: what is served is whole. */
  get ready(): boolean {
    return this.#snapshot !== undefined
  }

  /** The newest snapshot; undefined before `ready`. */
  get snapshot(): MeshSnapshot | undefined {
    return this.#snapshot
  }

  /** The newest source map. */
  get sourceMap(): SourceMap {
    return this.#history[0]?.sourceMap ?? sourceMapOf([])
  }

  /** The last snapshots, newest first. */
  get history(): readonly HistoryEntry[] {
    return this.#history
  }

  /** The state the store last published. */
  get storeState(): StoreState | undefined {
    return this.#store
  }

  /** Instances that have a proxy, by proxy id. */
  get proxies(): readonly ProxyRef[] {
    return [...this.#withProxy.values()].map((instance) => this.#ref(instance))
  }

  /** The SPIFFE ids of the instances that have a proxy: those the node's agent may ask certificates for. */
  get workloadIds(): ReadonlySet<string> {
    return new Set(this.proxies.map(({ instance }) => spiffeIdOf(instance, this.#options.settings.trustDomain)))
  }

  /** The table of a proxy; undefined when there is no such proxy (yet). */
  tableOf(proxyId: string): ResourceTable | undefined {
    return this.#translations.get(proxyId)?.table
  }

  /** What EnvoyFilters change in the bootstrap of a proxy that is an Envoy; undefined when there is no such proxy (yet). */
  bootstrapOf(proxyId: string): BootstrapPatches | undefined {
    const instance = this.#withProxy.get(proxyId)
    if (instance === undefined || !this.#translations.has(proxyId)) return undefined
    return this.#translator.bootstrapPatches(this.#ref(instance))
  }

  /** What translating has cost so far. */
  get work(): TranslationWork {
    return this.#translator.work
  }

  /** What was left out of all proxies, each once. */
  findings(): { readonly losers: readonly Loser[]; readonly problems: readonly GeneratorProblem[] } {
    const { losers, problems } = findingsOf(this.#translations.values())
    return { losers, problems: [...this.#derivedProblems, ...problems] }
  }

  /** Which proxy a stream is for. Learns from it which kind of proxy this is, and has its table ready. */
  authorize(node: Node, peer: PeerIdentity | undefined): Result<string> {
    const claim = claimOf(node)
    if (!claim.ok) return claim
    const { trustDomain } = this.#options.settings
    const claimed = instanceOf(claim.value, this.#withProxy, peer, trustDomain)
    if (!claimed.ok) return claimed
    const instance = claimed.value
    const allowed = mayServe(instance, peer, trustDomain)
    if (!allowed.ok) return allowed
    const proxyId = proxyIdOf(instance)
    const { certificates } = claim.value
    const flavor = claim.value.flavor === 'weft' ? 'weft' : 'envoy'
    const before = this.#claims.get(proxyId)
    if (before?.flavor !== flavor || before.certificates !== certificates) {
      this.#claims.set(proxyId, { flavor, certificates })
      if (this.#snapshot !== undefined) this.#publish(this.#snapshot, this.#ref(instance))
    }
    return ok(proxyId)
  }

  /** Stops; the distributor is the caller's. */
  close(): void {
    this.#pending?.cancel()
    this.#pending = undefined
  }

  /** Changes of one moment become one rebuild. */
  #schedule(): void {
    if (this.#pending !== undefined || this.#store === undefined || this.#instances === undefined) return
    this.#pending = this.#options.runtime.timers.set(0, () => {
      this.#pending = undefined
      this.#rebuild()
    })
  }

  #rebuild(): void {
    const store = this.#store
    const instances = this.#instances
    if (store === undefined || instances === undefined) return
    const { clock, log } = this.#options.runtime
    const startedMs = clock.nowMs()
    const before = this.#translator.work
    const { settings } = this.#options
    const { objects, unenforceable } = store
    const derived = withDerived(objects)
    this.#derivedProblems = derived.problems
    const input = { objects: withReadiness(derived.objects, this.#unready), unenforceable, instances, settings }
    const snapshot = buildSnapshot(input, this.#snapshot)
    const entry = { snapshot, sourceMap: sourceMapOf(objects), sinceMs: clock.wallMs() }
    // The same content with moved lines replaces the newest entry: it is the same snapshot.
    const past = this.#history[0]?.snapshot.version === snapshot.version ? this.#history.slice(1) : this.#history
    this.#history = remember(past, entry)
    const sameConfig = snapshot.config === this.#snapshot?.config
    this.#snapshot = snapshot
    if (!sameConfig) this.#options.onConfig?.(snapshot.config)
    const changedProxies = this.#publishAll(snapshot)
    const durationMs = clock.nowMs() - startedMs
    const work = workBetween(before, this.#translator.work)
    log.info('configuration built', { version: snapshot.version, ...work, changedProxies, durationMs })
    this.#options.onRebuild?.({ version: snapshot.version, work, changedProxies, durationMs })
  }

  /** Returns how many proxies got a new table. */
  #publishAll(snapshot: MeshSnapshot): number {
    for (const id of [...this.#translations.keys()]) {
      if (this.#withProxy.has(id)) continue
      this.#translations.delete(id)
      this.#claims.delete(id)
      this.#translator.forget(id)
      this.#options.distributor.removeTable(id)
    }
    // The snapshot's instances are the same objects while they say the same; the registry's are new with every reading.
    return snapshot.running.instances.filter(
      ({ value }) => isConfigured(value) && this.#publish(snapshot, this.#ref(value)),
    ).length
  }

  #publish(snapshot: MeshSnapshot, proxy: ProxyRef): boolean {
    const translation = this.#translator.translate(snapshot, proxy)
    if (this.#translations.get(proxy.id) === translation) return false
    this.#translations.set(proxy.id, translation)
    this.#options.distributor.setTable(proxy.id, translation.table)
    return true
  }

  #ref(instance: WorkloadInstance): ProxyRef {
    const id = proxyIdOf(instance)
    return { id, instance, flavor: 'weft', ...this.#claims.get(id), interception: 'explicit' }
  }
}
