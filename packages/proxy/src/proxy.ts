import type { Listener } from '@weft/engine'
import type { Logger, MetricsSnapshot, NetListener, ProxyReadiness, Result, Retirement, Runtime } from '@weft/core'
import { openAdminPorts } from './admin/admin-ports.ts'
import type { ProxyView } from './admin/proxy-view.ts'
import type { Bootstrap } from './bootstrap.ts'
import { ConfigStore } from './config/config-store.ts'
import { PersistedResources } from './config/persisted-resources.ts'
import type { ResourceReaders } from './config/resource-readers.ts'
import { type LeafReader, SecretSource } from './config/secret-source.ts'
import { UpstreamOfConfig, type XdsDialers } from './config/upstream-of-config.ts'
import type { AcceptDecisions } from './listen/accept.ts'
import { ConnectionTable } from './listen/connection-table.ts'
import { type BoundAddress, ListenerManager } from './listen/listener-manager.ts'
import { ListenerStats } from './listen/listener-stats.ts'
import type { RequestPath, RequestPathFactory } from './request-path.ts'
import { AccessLogger, type LogOutput } from './telemetry/access-log.ts'
import { IstioMetrics } from './telemetry/istio-metrics.ts'
import { MetricsRegistry } from './telemetry/metrics-registry.ts'
import { telemetrySink } from './telemetry/telemetry.ts'
import { WorkloadDirectory } from './telemetry/workload-directory.ts'
import { UdpListeners } from './udp/udp-listeners.ts'

/** SDS names of our own certificate and of the mesh's roots, as Istio names them. */
const ownCertificate = 'default'
const meshRoots = 'ROOTCA'

/** Our own application's calls get this long once everything else is over. */
const lastDrainMs = 1_000

/** The other processes that are one proxy together with this one: shards, and generations that are on their way out. */
export interface PeerProcesses {
  /** Their metrics; `own` tells whoever collects them what this process has. */
  metrics(own: MetricsSnapshot): Promise<readonly MetricsSnapshot[]>
  drain(): void
}

/** Everything a proxy is made of. Several proxies can live in one process: nothing here is shared between them. */
export interface ProxyParts {
  readonly runtime: Runtime
  readonly bootstrap: Bootstrap
  /** For the administrative pages: what sockets `runtime.net` is made of, and why not raw ones. */
  readonly transport?: { readonly kind: 'raw' | 'socket'; readonly reason: string | undefined }
  readonly readers: ResourceReaders
  readonly decisions: AcceptDecisions
  readonly requestPath: RequestPathFactory
  readonly dialers: XdsDialers
  readonly accessLogOutput: LogOutput
  /** Called when an administrator asked the process to end. */
  onQuit(): void
  /** Called for each connection that is taken. */
  onConnection?(): void
  /** Reads our certificates; by default as X.509. */
  readonly readLeaf?: LeafReader
  /** Absent: this process is the whole proxy. */
  readonly peers?: PeerProcesses
  /** Shown by `/server_info`: which process of the proxy this is. */
  readonly processInfo?: Readonly<Record<string, number>>
}

/**
 * One proxy: configuration comes in by xDS, connections by the listeners it names; what it serves by is one immutable
 * value, swapped in one assignment.
 */
export class Proxy {
  readonly metrics = new MetricsRegistry()
  readonly store: ConfigStore
  readonly listeners: ListenerManager
  readonly udpListeners: UdpListeners
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
  #servers: readonly NetListener[] = []
  #leads = false
  #retired = false
  /** Everything a gateway accepts is from others; a sidecar's outbound listeners serve its own application. */
  readonly #isFromOthers: (listener: Listener) => boolean
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
      node: bootstrap.node,
    })
    this.#istio = istio
    this.#accessLog = bootstrap.accessLog
      ? new AccessLogger(runtime.timers, parts.accessLogOutput, this.metrics)
      : undefined
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
        await Promise.all([this.listeners.settled(), this.udpListeners.settled()])
        const failed = this.#addresses().filter(({ listener, state }) => state === 'failed' && names.has(listener))
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
      dnsServers: bootstrap.dnsServers,
      connectInternal: (name, ends) => this.listeners.connectInternal(name, ends),
      telemetry: (where) => telemetrySink(istio, this.#accessLog, where, runtime.timers),
      logDatagrams: (record, logs) => this.#accessLog?.log(record, logs),
    })
    this.udpListeners = new UdpListeners(runtime, this.#requestPath.serveDatagrams)
    const stats = new ListenerStats(this.metrics, runtime.log)
    this.listeners = new ListenerManager(
      {
        runtime,
        decisions: parts.decisions,
        secrets: this.#secrets,
        connections: this.#connections,
        serve: (connection) => {
          stats.accepted(connection.listener())
          parts.onConnection?.()
          return this.#requestPath.serve(connection)
        },
        anticipate: (silent, onSpeak) => this.#requestPath.anticipate(silent, onSpeak),
        onRefused: (listener, refusal, detail) => stats.refused(listener, refusal, detail),
      },
      { maxConnections: bootstrap.maxConnections ?? 10_000, drainMs: bootstrap.drainMs },
    )
  }

  /**
   * Loads what the last generation accepted, and connects to the agent and the control plane. The first of several
   * processes, and the only one, leads; the others wait for `lead`. The error says which port could not be opened.
   */
  async start(leads = true): Promise<Result<undefined>> {
    const led = leads ? await this.lead() : undefined
    if (led !== undefined && !led.ok) return led
    this.#upstream.startSecrets()
    const loaded = (await this.#persisted?.load(this.store)) ?? 0
    if (loaded > 0) {
      this.#configured = true
      this.#log.info('serving the configuration accepted last', { resources: loaded })
    }
    this.#upstream.startConfig()
    return { ok: true, value: undefined }
  }

  /** Speaks for the whole proxy from now on: opens the administrative ports and keeps the accepted configuration. */
  async lead(): Promise<Result<undefined>> {
    if (this.#leads) return { ok: true, value: undefined }
    const { runtime, bootstrap, peers } = this.#parts
    const drain = (): void => {
      void this.drain()
      peers?.drain()
    }
    const opened = await openAdminPorts(runtime, bootstrap, this.#view(), { drain, quit: () => this.#parts.onQuit() })
    if (!opened.ok) return opened
    this.#servers = opened.value
    this.#leads = true
    if (this.#configured) this.#persisted?.schedule(this.store)
    return { ok: true, value: undefined }
  }

  /** Port of the administrative server. */
  get adminPort(): number | undefined {
    return this.#servers[0]?.port
  }

  /** `LIVE`: identity, configuration and every listener are there. */
  readiness(): ProxyReadiness {
    if (this.#drain !== undefined) return 'DRAINING'
    const waiting =
      !this.#configured ||
      !this.#secrets.has(ownCertificate) ||
      this.store.warming.some(({ kind }) => kind === 'listener') ||
      this.#addresses().some(({ state }) => state !== 'listening')
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

  /** Open connections that a drain waits for. */
  connectionCount(): number {
    return this.#connections.count(this.#retired ? () => true : this.#isFromOthers)
  }

  /**
   * Another generation has taken over: leaves listeners, administrative ports and files to it, lets every connection
   * finish, our own application's too, then ends.
   */
  async retire({ drainMs, idleMs }: Retirement): Promise<void> {
    if (this.#retired) return
    this.#retired = true
    this.#leads = false
    this.#persisted?.abandon()
    const all = (): boolean => true
    this.udpListeners.stop(all)
    this.#log.info('retiring', { connections: this.connectionCount() })
    this.udpListeners.stop(all)
    this.#drain = (async () => {
      await Promise.all([this.listeners.stopAccepting(all), ...this.#servers.map((server) => server.close())])
      await this.#connections.drainAll(all, drainMs, idleMs)
    })()
    await this.#drain
    await this.stop()
  }

  /** Drains, then ends everything. A generation that retires has been draining: asked again, it makes short work of the rest. */
  async stop(): Promise<void> {
    if (!this.#retired) await this.drain()
    const all = (): boolean => true
    await this.listeners.stopAccepting(all)
    this.udpListeners.stop(all)
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
    this.udpListeners.stop(this.#isFromOthers)
    await this.#connections.drainAll(this.#isFromOthers, this.#parts.bootstrap.drainMs)
  }

  #addresses(): readonly BoundAddress[] {
    return [...this.listeners.addresses(), ...this.udpListeners.addresses()]
  }

  #makeStore(): ConfigStore {
    const { runtime, readers } = this.#parts
    return new ConfigStore(runtime, readers, this.#secrets, {
      onConfig: (config, previous) => {
        this.#requestPath.onConfig(config, previous)
        this.listeners.apply(config)
        this.udpListeners.apply(config)
      },
      onEndpoints: (name, endpoints) => {
        this.#workloads.onEndpoints(name, endpoints)
        this.#istio.forgetPairs()
        this.#requestPath.onEndpoints(name, endpoints)
      },
      onReferences: (type, names) => this.#upstream.onReferences(type, names),
      onAccepted: () => {
        if (this.#leads) this.#persisted?.schedule(this.store)
      },
    })
  }

  #onSecrets(): void {
    this.store.onSecrets()
    this.#requestPath.onSecrets()
    this.#istio.forgetPairs()
    for (const { name, facts } of this.#secrets.describe().certificates) {
      this.#connections.certificateRotated(name, facts)
    }
    this.#upstream.onSecrets()
  }

  #view(): ProxyView {
    const { bootstrap, processInfo, peers } = this.#parts
    const wholeMetrics = async (): Promise<MetricsRegistry> => {
      if (peers === undefined) return this.metrics
      const own = this.metrics.snapshot()
      const whole = new MetricsRegistry()
      for (const snapshot of [own, ...(await peers.metrics(own))]) whole.absorb(snapshot, { gauges: true })
      return whole
    }
    return {
      store: this.store,
      readiness: () => this.readiness(),
      serverInfo: () => ({
        node: bootstrap.node,
        instance: bootstrap.instance,
        state: this.readiness(),
        transport: this.#parts.transport,
        process: processInfo,
      }),
      addresses: () => this.#addresses(),
      certificates: () => {
        const { certificates, roots } = this.#secrets.describe()
        return { certificates: certificates.map(({ name, facts }) => ({ name, ...facts })), roots }
      },
      controlPlane: () => this.#upstream.status(),
      persistence: () => ({ error: this.#persisted?.error }),
      hostsOf: (cache) => this.#requestPath.hostsOf(cache),
      connectionCount: () => this.connectionCount(),
      renderMetrics: async () => (await wholeMetrics()).render(),
      renderStats: async () => (await wholeMetrics()).renderPlain(),
    }
  }
}
