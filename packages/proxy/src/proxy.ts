import type { Listener } from '@weft/engine'
import type { Logger, NetListener, Result, Runtime } from '@weft/core'
import { adminHandler, publicHandler } from './admin/admin.ts'
import type { ProxyView } from './admin/proxy-view.ts'
import { listenSmall } from './admin/small-http-server.ts'
import type { Bootstrap } from './bootstrap.ts'
import { ConfigStore } from './config/config-store.ts'
import { PersistedResources } from './config/persisted-resources.ts'
import type { ResourceReaders } from './config/resource-readers.ts'
import { type LeafReader, SecretSource } from './config/secret-source.ts'
import { UpstreamOfConfig, type XdsDialers } from './config/upstream-of-config.ts'
import type { AcceptDecisions } from './listen/accept.ts'
import { ConnectionTable } from './listen/connection-table.ts'
import { ListenerManager } from './listen/listener-manager.ts'
import { ListenerStats } from './listen/listener-stats.ts'
import type { RequestPath, RequestPathFactory } from './request-path.ts'
import { AccessLogger, type LogOutput } from './telemetry/access-log.ts'
import { IstioMetrics } from './telemetry/istio-metrics.ts'
import { MetricsRegistry } from './telemetry/metrics-registry.ts'
import { telemetrySink } from './telemetry/telemetry.ts'
import { WorkloadDirectory } from './telemetry/workload-directory.ts'

/** SDS names of our own certificate and of the mesh's roots, as Istio names them. */
const ownCertificate = 'default'
const meshRoots = 'ROOTCA'

/** Our own application's calls get this long once everything else is over. */
const lastDrainMs = 1_000

/** Everything a proxy is made of. Several proxies can live in one process: nothing here is shared between them. */
export interface ProxyParts {
  readonly runtime: Runtime
  readonly bootstrap: Bootstrap
  readonly readers: ResourceReaders
  readonly decisions: AcceptDecisions
  readonly requestPath: RequestPathFactory
  readonly dialers: XdsDialers
  readonly accessLogOutput: LogOutput
  /** Called when an administrator asked the process to end. */
  onQuit(): void
  /** Reads our certificates; by default as X.509. */
  readonly readLeaf?: LeafReader
}

/**
 * One proxy: configuration comes in by xDS, connections by the listeners it names; what it serves by is one immutable
 * value, swapped in one assignment.
 */
export class Proxy {
  readonly metrics = new MetricsRegistry()
  readonly store: ConfigStore
  readonly listeners: ListenerManager
  readonly #parts: ProxyParts
  readonly #log: Logger
  readonly #secrets: SecretSource
  readonly #connections: ConnectionTable
  readonly #persisted: PersistedResources | undefined
  readonly #upstream: UpstreamOfConfig
  readonly #requestPath: RequestPath
  readonly #accessLog: AccessLogger | undefined
  readonly #workloads: WorkloadDirectory
  readonly #istio: IstioMetrics
  readonly #servers: NetListener[] = []
  /** Everything a gateway accepts is from others; a sidecar's outbound listeners serve its own application. */
  readonly #isFromOthers: (listener: Listener) => boolean
  #ownSerial: string | undefined
  #configured = false
  /** Set once draining has begun. */
  #drain: Promise<void> | undefined

  constructor(parts: ProxyParts) {
    const { runtime, bootstrap } = parts
    this.#parts = parts
    const isGateway = bootstrap.node.id.startsWith('router~')
    this.#isFromOthers = ({ direction }) => isGateway || direction !== 'outbound'
    this.#log = runtime.log
    this.#workloads = new WorkloadDirectory(bootstrap)
    const istio = new IstioMetrics(this.metrics, {
      self: () => this.#workloads.self(),
      selfPrincipal: () => this.#secrets.certificate(ownCertificate)?.facts.spiffeId,
      workloadAt: (address) => this.#workloads.at(address),
    })
    this.#istio = istio
    this.#accessLog = bootstrap.accessLog ? new AccessLogger(runtime.timers, parts.accessLogOutput) : undefined
    this.#secrets = new SecretSource(this.#log, () => this.#onSecrets(), parts.readLeaf)
    this.#connections = new ConnectionTable(runtime)
    this.store = this.#makeStore()
    this.#persisted =
      bootstrap.stateDir === undefined
        ? undefined
        : new PersistedResources(runtime, `${bootstrap.stateDir}/resources.pb`)
    this.#upstream = new UpstreamOfConfig(parts, this.store, this.#secrets, {
      ownCertificate,
      meshRoots,
      onListeners: async (names) => {
        this.#configured = true
        await this.listeners.settled()
        const failed = this.listeners
          .addresses()
          .filter(({ listener, state }) => state === 'failed' && names.has(listener))
        return failed.map(({ listener, address, error }) => ({
          name: listener,
          reason: `cannot bind ${address}: ${error}`,
        }))
      },
    })
    this.#requestPath = parts.requestPath({
      runtime,
      metrics: this.metrics,
      secrets: this.#secrets,
      testSan: parts.decisions.testSan,
      config: () => this.store.active,
      endpointsOf: (name) => this.store.endpointsOf(name),
      upstreamBindAddress: bootstrap.upstreamBindAddress,
      connectInternal: (name, ends) => this.listeners.connectInternal(name, ends),
      telemetry: (where) => telemetrySink(istio, this.#accessLog, where),
    })
    const stats = new ListenerStats(this.metrics, runtime.log)
    this.listeners = new ListenerManager(
      {
        runtime,
        decisions: parts.decisions,
        secrets: this.#secrets,
        connections: this.#connections,
        serve: (connection) => {
          stats.accepted(connection.listener())
          return this.#requestPath.serve(connection)
        },
        onRefused: (listener, refusal, detail) => stats.refused(listener, refusal, detail),
      },
      { maxConnections: bootstrap.maxConnections ?? 10_000, drainMs: bootstrap.drainMs },
    )
  }

  /**
   * Opens the administrative ports, loads what the last generation accepted, and connects to the agent and the control
   * plane. The error says which port could not be opened.
   */
  async start(): Promise<Result<undefined>> {
    const { bootstrap } = this.#parts
    const view = this.#view()
    const admin = adminHandler(view, { drain: () => void this.drain(), quit: () => this.#parts.onQuit() })
    const open = publicHandler(view)
    for (const [host, port, handler] of [
      [bootstrap.admin.address, bootstrap.admin.port, admin],
      [bootstrap.address, bootstrap.metricsPort, open],
      [bootstrap.address, bootstrap.healthPort, open],
    ] as const) {
      if (port === undefined) continue
      const listening = await listenSmall(this.#parts.runtime, { host, port }, handler)
      if (!listening.ok) return { ok: false, error: `${host}:${port}: ${listening.error}` }
      this.#servers.push(listening.value)
    }
    this.#upstream.startSecrets()
    const loaded = (await this.#persisted?.load(this.store)) ?? 0
    if (loaded > 0) {
      this.#configured = true
      this.#log.info('serving the configuration accepted last', { resources: loaded })
    }
    this.#upstream.startConfig()
    return { ok: true, value: undefined }
  }

  /** Port of the administrative server. */
  get adminPort(): number | undefined {
    return this.#servers[0]?.port
  }

  /** `LIVE`: identity, configuration and every listener are there. */
  readiness(): 'LIVE' | 'PRE_INITIALIZING' | 'DRAINING' {
    if (this.#drain !== undefined) return 'DRAINING'
    const waiting =
      !this.#configured ||
      !this.#secrets.has(ownCertificate) ||
      this.store.warming.some(({ kind }) => kind === 'listener') ||
      this.listeners.addresses().some(({ state }) => state !== 'listening')
    return waiting ? 'PRE_INITIALIZING' : 'LIVE'
  }

  /**
   * Takes no more from others and lets what they have open finish, within the drain time. Our own application may go on
   * calling out: it needs that to finish. Asked again, it is the same drain.
   */
  drain(): Promise<void> {
    this.#drain ??= this.#drainInbound()
    return this.#drain
  }

  /** Drains, then ends everything. */
  async stop(): Promise<void> {
    await this.drain()
    const all = (): boolean => true
    await this.listeners.stopAccepting(all)
    await this.#connections.drainAll(all, Math.min(lastDrainMs, this.#parts.bootstrap.drainMs))
    this.#upstream.close()
    this.#requestPath.close()
    this.store.close()
    await this.#persisted?.close(this.store)
    this.#accessLog?.flush()
    await Promise.all(this.#servers.map((server) => server.close()))
  }

  async #drainInbound(): Promise<void> {
    this.#log.info('draining', { connections: this.#connections.count(this.#isFromOthers) })
    await this.listeners.stopAccepting(this.#isFromOthers)
    await this.#connections.drainAll(this.#isFromOthers, this.#parts.bootstrap.drainMs)
  }

  #makeStore(): ConfigStore {
    const { runtime, readers } = this.#parts
    return new ConfigStore(runtime, readers, this.#secrets, {
      onConfig: (config, previous) => {
        this.#requestPath.onConfig(config, previous)
        this.listeners.apply(config)
      },
      onEndpoints: (name, endpoints) => {
        this.#workloads.onEndpoints(name, endpoints)
        this.#istio.forgetPairs()
        this.#requestPath.onEndpoints(name, endpoints)
      },
      onReferences: (type, names) => this.#upstream.onReferences(type, names),
      onAccepted: () => this.#persisted?.schedule(this.store),
    })
  }

  #onSecrets(): void {
    this.store.onSecrets()
    this.#requestPath.onSecrets()
    this.#istio.forgetPairs()
    for (const { name, facts } of this.#secrets.describe().certificates) {
      this.#connections.certificateRotated(name, facts.serial)
    }
    const serial = this.#secrets.certificate(ownCertificate)?.facts.serial
    const rotated = this.#ownSerial !== undefined && serial !== this.#ownSerial
    this.#ownSerial = serial
    this.#upstream.onSecrets(rotated)
  }

  #view(): ProxyView {
    const { bootstrap } = this.#parts
    return {
      store: this.store,
      readiness: () => this.readiness(),
      serverInfo: () => ({ node: bootstrap.node, instance: bootstrap.instance, state: this.readiness() }),
      addresses: () => this.listeners.addresses(),
      certificates: () => {
        const { certificates, roots } = this.#secrets.describe()
        return { certificates: certificates.map(({ name, facts }) => ({ name, ...facts })), roots }
      },
      controlPlane: () => this.#upstream.status(),
      persistence: () => ({ error: this.#persisted?.error }),
      connectionCount: () => this.#connections.count(this.#isFromOthers),
      renderMetrics: () => this.metrics.render(),
      renderStats: () => this.metrics.renderPlain(),
    }
  }
}
