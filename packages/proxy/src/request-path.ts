import type { Result, Runtime } from '@weft/core'
import type { AccessLog, ActiveConfig, DnsCache, EndpointSet, FilterChain, Listener } from '@weft/engine'
import type { HostCache } from './cluster/host-cache.ts'
import type { Secrets } from './config/secret-source.ts'
import type { Anticipate, ConnectionServer } from './listen/accepted-connection.ts'
import type { InternalOpening } from './listen/internal-opening.ts'
import type { InternalEnds } from './listen/listener-manager.ts'
import type { SanTest } from './listen/peer-verifier.ts'
import type { TcpRecord, TelemetrySink } from './telemetry/exchange-record.ts'
import type { MetricsRegistry } from './telemetry/metrics-registry.ts'
import type { DatagramServing } from './udp/serve-udp.ts'

/** What the proxy around it gives to the request path. */
export interface RequestPathContext {
  readonly runtime: Runtime
  readonly metrics: MetricsRegistry
  readonly secrets: Secrets
  readonly testSan: SanTest
  /** The configuration to begin an exchange with. */
  config(): ActiveConfig
  /** Endpoints as last told. */
  endpointsOf(edsName: string): EndpointSet | undefined
  /** Where connections to clusters that name no source address come from; absent: the kernel chooses. */
  readonly upstreamBindAddress?: string | undefined
  /** Name servers for hosts that requests name, where the configuration names none; absent: those of the machine. */
  readonly dnsServers?: DnsCache['servers'] | undefined
  /** Dials an internal listener of this proxy. */
  connectInternal(listenerName: string, ends: InternalEnds): Result<InternalOpening>
  /** Writes the access logs of a UDP session that is over. */
  logDatagrams?(record: TcpRecord, logs: readonly AccessLog[]): void
  /** Where exchanges of a connection report to. */
  telemetry(where: { listener(): Listener; chain(): FilterChain }): TelemetrySink
}

/** The request path as the proxy around it drives it. */
export interface RequestPath {
  readonly serve: ConnectionServer
  /** Opens upstreams for clients that wait for their server to speak first. */
  readonly anticipate: Anticipate
  /** Serves a bound UDP address. */
  readonly serveDatagrams: DatagramServing
  /** A new configuration is being served by: pools and balancers of clusters that went are let go. */
  onConfig(config: ActiveConfig, previous: ActiveConfig): void
  /** What is remembered of hosts that requests named, for people. */
  hostsOf(cache: DnsCache): ReturnType<HostCache['view']>
  onEndpoints(edsName: string, endpoints: EndpointSet | undefined): void
  /** Secrets changed: upstream connections made with an older certificate drain. */
  onSecrets(): void
  /** Ends everything upstream. */
  close(): void
}

/** Makes the request path of one proxy. */
export type RequestPathFactory = (context: RequestPathContext) => RequestPath
