import type { DatagramPeer, DatagramSocket, Timer } from '@weft/core'
import type { ConnectionFacts, Endpoint, UdpProxy } from '@weft/engine'
import type { ClusterRegistry } from '../cluster/cluster-registry.ts'
import type { UpstreamCluster } from '../cluster/upstream-cluster.ts'
import type { RequestPathContext } from '../request-path.ts'
import { UdpSession } from './udp-session.ts'
import type { UdpStats } from './udp-stats.ts'

/** What serves the datagrams of one bound address. */
export interface DatagramServer {
  onDatagram(bytes: Uint8Array, from: DatagramPeer): void
  /** Another form of the filter; sessions go on, except when they went to another cluster. */
  configure(proxy: UdpProxy): void
  readonly sessions: number
  close(): void
}

/** Makes the server of a bound UDP address: `envoy.filters.udp_listener.udp_proxy`. */
export type DatagramServing = (proxy: UdpProxy, socket: DatagramSocket) => DatagramServer

/** A UDP proxy: sessions by client address, each with a socket of its own towards its endpoint, bounded by the cluster's max_connections. */
export class UdpProxyServer implements DatagramServer {
  #proxy: UdpProxy
  readonly #socket: DatagramSocket
  readonly #clusters: ClusterRegistry
  readonly #context: RequestPathContext
  readonly #stats: UdpStats
  readonly #sessions = new Map<string, UdpSession>()
  #sweeper: Timer | undefined

  constructor(
    proxy: UdpProxy,
    socket: DatagramSocket,
    clusters: ClusterRegistry,
    context: RequestPathContext,
    stats: UdpStats,
  ) {
    this.#proxy = proxy
    this.#socket = socket
    this.#clusters = clusters
    this.#context = context
    this.#stats = stats
  }

  get sessions(): number {
    return this.#sessions.size
  }

  configure(proxy: UdpProxy): void {
    const moved = proxy.cluster !== this.#proxy.cluster
    this.#proxy = proxy
    if (moved) for (const [key, session] of [...this.#sessions]) this.#end(key, session)
  }

  onDatagram(bytes: Uint8Array, from: DatagramPeer): void {
    const { statPrefix, maxDatagramBytes } = this.#proxy
    this.#stats.count('envoy_udp_downstream_sess_rx_datagrams', statPrefix)
    this.#stats.count('envoy_udp_downstream_sess_rx_bytes', statPrefix, bytes.length)
    if (bytes.length > maxDatagramBytes.downstream)
      return this.#stats.count('envoy_udp_downstream_sess_rx_datagrams_dropped', statPrefix)
    const session = this.#sessionOf(from)
    if (session === undefined) return this.#stats.count('envoy_udp_downstream_sess_no_route', statPrefix)
    session.lastMs = this.#context.runtime.clock.nowMs()
    session.bytesReceived += bytes.length
    session.send(bytes)
  }

  close(): void {
    for (const [key, session] of [...this.#sessions]) this.#end(key, session)
    this.#sweeper?.cancel()
  }

  #sessionOf(from: DatagramPeer): UdpSession | undefined {
    const cluster = this.#clusters.get(this.#proxy.cluster)
    const client = `${from.address} ${from.port}`
    if (this.#proxy.perPacket) {
      const endpoint = cluster === undefined ? undefined : pick(cluster)
      if (cluster === undefined || endpoint === undefined) return undefined
      const key = `${client} ${endpoint.key}`
      return this.#sessions.get(key) ?? this.#begin(key, from, cluster, endpoint)
    }
    const session = this.#sessions.get(client)
    if (session !== undefined) {
      if (cluster === session.cluster && stillThere(session)) return session
      this.#end(client, session)
    }
    const endpoint = cluster === undefined ? undefined : pick(cluster)
    return cluster === undefined || endpoint === undefined ? undefined : this.#begin(client, from, cluster, endpoint)
  }

  #begin(key: string, from: DatagramPeer, cluster: UpstreamCluster, endpoint: Endpoint): UdpSession | undefined {
    const { budget } = cluster
    if (budget.connections >= cluster.cluster.breakers.default.maxConnections) return undefined
    budget.connections += 1
    const { clock, net } = this.#context.runtime
    const session = new UdpSession(from, { cluster, endpoint }, clock)
    this.#sessions.set(key, session)
    this.#stats.count('envoy_udp_downstream_sess_total', this.#proxy.statPrefix)
    this.#stats.active(this.#proxy.statPrefix, 1)
    session.open(
      net,
      (bytes) => this.#answer(session, bytes),
      () => this.#end(key, session),
    )
    this.#armSweep()
    return this.#sessions.get(key)
  }

  #answer(session: UdpSession, bytes: Uint8Array): void {
    const { statPrefix, maxDatagramBytes } = this.#proxy
    if (bytes.length > maxDatagramBytes.upstream)
      return this.#stats.count('envoy_udp_downstream_sess_rx_datagrams_dropped', statPrefix)
    session.lastMs = this.#context.runtime.clock.nowMs()
    session.bytesSent += bytes.length
    this.#stats.count('envoy_udp_downstream_sess_tx_datagrams', statPrefix)
    this.#stats.count('envoy_udp_downstream_sess_tx_bytes', statPrefix, bytes.length)
    this.#socket.send(bytes, session.peer)
  }

  #end(key: string, session: UdpSession): void {
    if (this.#sessions.get(key) !== session) return
    this.#sessions.delete(key)
    session.close()
    session.cluster.budget.connections -= 1
    this.#stats.active(this.#proxy.statPrefix, -1)
    const { clock } = this.#context.runtime
    const { cluster, endpoint, failure } = session
    this.#context.logDatagrams?.(
      {
        startWallMs: session.startWallMs,
        durationMs: clock.nowMs() - session.startMs,
        downstream: factsOf(session.peer, this.#socket),
        downstreamPeer: undefined,
        upstream: {
          cluster: cluster.cluster,
          endpoint,
          peer: undefined,
          localAddress: session.localAddress,
          attempts: 1,
          transportFailure: failure,
        },
        flags: failure !== undefined && session.bytesSent === 0 ? ['UF'] : [],
        details: failure ?? '',
        bytesReceived: session.bytesReceived,
        bytesSent: session.bytesSent,
      },
      this.#proxy.sessionLogs,
    )
  }

  /** One timer for all sessions, four times as often as the limit says. */
  #armSweep(): void {
    if (this.#sweeper !== undefined) return
    const { clock, timers } = this.#context.runtime
    this.#sweeper = timers.set(
      Math.max(10, this.#proxy.idleTimeoutMs / 4),
      () => {
        this.#sweeper = undefined
        const oldest = clock.nowMs() - this.#proxy.idleTimeoutMs
        for (const [key, session] of [...this.#sessions]) {
          if (session.lastMs > oldest) continue
          this.#stats.count('envoy_udp_idle_timeout', this.#proxy.statPrefix)
          this.#end(key, session)
        }
        if (this.#sessions.size > 0) this.#armSweep()
      },
      { keepAlive: false },
    )
  }
}

function pick(cluster: UpstreamCluster): Endpoint | undefined {
  const picked = cluster.pick([])
  return picked.kind === 'picked' ? picked.endpoint : undefined
}

/** Whether the endpoint of a session is still one of its cluster; looked for only when the endpoints are others than before. */
function stillThere(session: UdpSession): boolean {
  const { endpoints } = session.cluster
  if (endpoints === session.seen) return true
  session.seen = endpoints
  return endpoints?.localities.some((group) => group.endpoints.some(({ key }) => key === session.endpoint.key)) ?? false
}

function factsOf(peer: DatagramPeer, socket: DatagramSocket): ConnectionFacts {
  return {
    localAddress: socket.address,
    localPort: socket.port,
    remoteAddress: peer.address,
    remotePort: peer.port,
    sni: undefined,
    transportProtocol: 'raw_buffer',
    applicationProtocols: [],
    tls: false,
    peerNames: [],
  }
}
