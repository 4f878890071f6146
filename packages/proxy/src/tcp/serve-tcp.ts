import type { TransportClose } from '@weft/core'
import {
  authorize,
  chooseTcpCluster,
  type ConnectionFacts,
  type Endpoint,
  type RequestHead,
  type Subject,
  type TcpProxy,
} from '@weft/engine'
import type { ClusterRegistry } from '../cluster/cluster-registry.ts'
import type { UpstreamCluster } from '../cluster/upstream-cluster.ts'
import type { AcceptedConnection, ServedConnection } from '../listen/accepted-connection.ts'
import type { Dialed } from '../pool/dial.ts'
import type { RequestPathContext } from '../request-path.ts'
import type { ResponseFlag, TcpRecord, TelemetrySink, UpstreamFacts } from '../telemetry/exchange-record.ts'
import { Splice, type SpliceEnd } from './splice.ts'

/** A TCP connection has no request: predicates that ask for one see nothing. */
const noRequest: RequestHead = {
  method: () => '',
  path: () => '',
  query: () => undefined,
  authority: () => '',
  scheme: () => '',
  header: () => undefined,
  headerLine: () => undefined,
}

/** What a decision may look at on a connection that carries no request. */
export function connectionSubject(facts: ConnectionFacts, random: number): Subject {
  return { head: noRequest, connection: facts, random }
}

/** Serves a connection whose chain ends in `tcp_proxy`: authorizes it, dials a cluster and joins the two. */
export function serveTcp(
  connection: AcceptedConnection,
  proxy: TcpProxy,
  clusters: ClusterRegistry,
  context: RequestPathContext,
): ServedConnection {
  const served = new TcpConnection(connection, proxy, clusters, context)
  served.begin()
  return served
}

class TcpConnection implements ServedConnection {
  readonly #connection: AcceptedConnection
  readonly #proxy: TcpProxy
  readonly #clusters: ClusterRegistry
  readonly #context: RequestPathContext
  readonly #sink: TelemetrySink
  readonly #startWallMs: number
  readonly #startMs: number
  #cancelDial: (() => void) | undefined
  #splice: Splice | undefined
  #upstream: UpstreamFacts | undefined
  #attempts = 0
  #over = false

  constructor(connection: AcceptedConnection, proxy: TcpProxy, clusters: ClusterRegistry, context: RequestPathContext) {
    this.#connection = connection
    this.#proxy = proxy
    this.#clusters = clusters
    this.#context = context
    this.#sink = context.telemetry(connection)
    this.#startWallMs = context.runtime.clock.wallMs()
    this.#startMs = context.runtime.clock.nowMs()
  }

  begin(): void {
    const { transport, facts } = this.#connection
    // Until the upstream is there nothing is read; only the end of the connection is of interest.
    transport.handler = { onData() {}, onEnd() {}, onDrain() {}, onClose: (close) => this.#downstreamGone(close) }
    const random = Math.floor(this.#context.runtime.rng.float() * 2 ** 48)
    const subject = connectionSubject(facts, random)
    for (const filter of this.#connection.chain().rbac) {
      const verdict = authorize(filter.rules, filter.shadow, subject)
      if (!verdict.allowed) return this.#end([], `rbac_access_denied_matched_policy[${verdict.policy ?? 'none'}]`)
    }
    const cluster = this.#clusters.get(chooseTcpCluster(this.#proxy, random))
    if (cluster === undefined) return this.#end(['NC'], 'cluster_not_found')
    this.#dial(cluster, [])
  }

  drain(): void {
    // A byte stream has no place to stop in; it ends by itself or with the drain time.
  }

  idle(): boolean {
    // Whether bytes are on their way cannot be known: a byte stream is never idle.
    return false
  }

  destroy(): void {
    this.#cancelDial?.()
    if (this.#splice === undefined) this.#end(['DC'], 'connection_ended')
    else this.#splice.destroy()
  }

  #dial(cluster: UpstreamCluster, tried: readonly string[]): void {
    const picked = cluster.pick(tried)
    if (picked.kind !== 'picked') {
      this.#upstream = {
        cluster: cluster.cluster,
        endpoint: undefined,
        peer: undefined,
        localAddress: undefined,
        attempts: this.#attempts,
        transportFailure: undefined,
      }
      return this.#end(['UH'], 'no_healthy_upstream')
    }
    const { endpoint } = picked
    this.#attempts += 1
    const { remoteAddress, remotePort, localAddress, localPort } = this.#connection.facts
    const ends = {
      destination: { address: localAddress, port: localPort },
      source: { address: remoteAddress, port: remotePort, peer: this.#connection.peer },
    }
    this.#cancelDial = cluster.dialRaw(
      endpoint,
      ends,
      (dialed) => this.#join(cluster, endpoint, dialed),
      (close, timedOut) => {
        this.#upstream = this.#facts(cluster, endpoint, undefined, close.detail)
        if (this.#attempts < Math.max(1, this.#proxy.maxConnectAttempts)) this.#dial(cluster, [...tried, endpoint.key])
        else this.#end(timedOut ? ['UF', 'URX'] : ['UF'], 'upstream_connection_failure')
      },
    )
  }

  #facts(
    cluster: UpstreamCluster,
    endpoint: Endpoint,
    dialed: Dialed | undefined,
    transportFailure: string | undefined,
  ): UpstreamFacts {
    return {
      cluster: cluster.cluster,
      endpoint,
      peer: dialed?.transport.peer,
      localAddress: dialed === undefined ? undefined : `${dialed.transport.localAddress}:${dialed.transport.localPort}`,
      attempts: this.#attempts,
      transportFailure,
    }
  }

  #join(cluster: UpstreamCluster, endpoint: Endpoint, dialed: Dialed): void {
    this.#cancelDial = undefined
    this.#upstream = this.#facts(cluster, endpoint, dialed, undefined)
    const { facts, peer, transport, head } = this.#connection
    this.#sink.onTcpOpened({ downstream: facts, downstreamPeer: peer, upstream: this.#upstream })
    this.#splice = new Splice(transport, dialed.transport, {
      runtime: this.#context.runtime,
      limits: {
        idleTimeoutMs: this.#proxy.idleTimeoutMs,
        maxDurationMs: this.#proxy.maxDownstreamConnectionDurationMs,
      },
      onEnd: (end) => {
        cluster.counters.closed()
        this.#spliced(end)
      },
    })
    this.#splice.start(head)
  }

  #spliced(end: SpliceEnd): void {
    const flags: ResponseFlag[] = []
    if (end.by === 'idle') flags.push('SI')
    if (end.by === 'duration') flags.push('DT')
    if (end.by === 'downstream') flags.push('DC')
    if (end.by === 'upstream') flags.push('UC')
    this.#report(flags, end.close?.detail ?? '', end.bytesFromDownstream, end.bytesFromUpstream)
  }

  #downstreamGone(_close: TransportClose): void {
    this.#cancelDial?.()
    if (this.#over) return
    this.#report(['DC'], 'downstream_remote_disconnect', 0, 0)
  }

  /** Nothing was joined: the downstream learns it by its connection ending. */
  #end(flags: readonly ResponseFlag[], details: string): void {
    if (this.#over) return
    this.#connection.transport.destroy()
    this.#report(flags, details, 0, 0)
  }

  #report(flags: readonly ResponseFlag[], details: string, bytesReceived: number, bytesSent: number): void {
    if (this.#over) return
    this.#over = true
    const { runtime } = this.#context
    const record: TcpRecord = {
      startWallMs: this.#startWallMs,
      durationMs: runtime.clock.nowMs() - this.#startMs,
      downstream: this.#connection.facts,
      downstreamPeer: this.#connection.peer,
      upstream: this.#upstream,
      flags,
      details,
      bytesReceived,
      bytesSent,
    }
    this.#sink.onTcpClosed(record)
    this.#connection.onClosed()
  }
}
