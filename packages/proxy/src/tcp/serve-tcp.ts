import type { TransportClose } from '@weft/core'
import { authorize, type TcpProxy } from '@weft/engine'
import type { ClusterRegistry } from '../cluster/cluster-registry.ts'
import type { AcceptedConnection, ServedConnection } from '../listen/accepted-connection.ts'
import type { RequestPathContext } from '../request-path.ts'
import type {
  CarriedBytes,
  ResponseFlag,
  TcpRecord,
  TelemetrySink,
  UpstreamFacts,
} from '../telemetry/exchange-record.ts'
import { AnticipatedUpstream, type TakenUpstream } from './anticipated-upstream.ts'
import { connectionSubject } from './connection-subject.ts'
import { FirstBytesGate } from './first-bytes-gate.ts'
import { type OpenedUpstream, UpstreamOpening } from './open-upstream.ts'
import { Splice, type SpliceEnd } from './splice.ts'

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

class TcpConnection implements ServedConnection, CarriedBytes {
  bytesReceived = 0
  bytesSent = 0
  readonly #connection: AcceptedConnection
  readonly #proxy: TcpProxy
  readonly #clusters: ClusterRegistry
  readonly #context: RequestPathContext
  readonly #sink: TelemetrySink
  readonly #startWallMs: number
  readonly #startMs: number
  #opening: UpstreamOpening | undefined
  #splice: Splice | undefined
  #upstream: UpstreamFacts | undefined
  /** Set when the client's first bytes belonged elsewhere. */
  #misplaced = false
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
    const { transport, facts, peer } = this.#connection
    // Until the upstream is there nothing is read; only the end of the connection is of interest.
    transport.handler = { onData() {}, onEnd() {}, onDrain() {}, onClose: (close) => this.#downstreamGone(close) }
    const random = Math.floor(this.#context.runtime.rng.float() * 2 ** 48)
    const subject = connectionSubject(facts, random)
    for (const filter of this.#connection.chain().rbac) {
      const verdict = authorize(filter.rules, filter.shadow, subject)
      if (!verdict.allowed) return this.#end([], `rbac_access_denied_matched_policy[${verdict.policy ?? 'none'}]`)
    }
    const taken = this.#takeAnticipated()
    if (taken !== undefined) return this.#join(taken.opening, taken.upstream)
    const carried = { proxy: this.#proxy, facts, peer, random }
    const opening: UpstreamOpening = new UpstreamOpening(carried, this.#clusters, this.#context, {
      onOpen: (upstream) => this.#join(opening, upstream),
      onFail: (flags, details, upstream, timedOut = false) => {
        this.#upstream = upstream
        this.#connection.opening?.failed(upstream?.transportFailure ?? details, timedOut)
        this.#end(flags, details)
      },
    })
    this.#opening = opening
    this.#connection.opening?.hold()
    opening.start()
  }

  drain(): void {
    // A byte stream has no place to stop in; it ends by itself or with the drain time.
  }

  idle(): boolean {
    // Whether bytes are on their way cannot be known: a byte stream is never idle.
    return false
  }

  destroy(): void {
    if (this.#splice === undefined) this.#end(['DC'], 'connection_ended')
    else this.#splice.destroy()
  }

  count(): void {
    this.bytesReceived = this.#splice?.bytesFromDownstream ?? 0
    this.bytesSent = this.#splice?.bytesFromUpstream ?? 0
  }

  #takeAnticipated(): TakenUpstream | undefined {
    const { anticipated } = this.#connection
    return anticipated instanceof AnticipatedUpstream ? anticipated.take() : undefined
  }

  #join(opening: UpstreamOpening, upstream: OpenedUpstream): void {
    this.#opening = undefined
    this.#upstream = upstream.facts
    const { facts, peer, transport, head, fits } = this.#connection
    const { runtime } = this.#context
    this.#connection.opening?.opened(upstream.facts.peer)
    this.#sink.onTcpOpened({ downstream: facts, downstreamPeer: peer, upstream: upstream.facts }, this)
    const splice = new Splice(transport, upstream.transport, {
      runtime,
      limits: { idleTimeoutMs: this.#proxy.idleTimeoutMs, maxDurationMs: this.#leftMs() },
      onEnd: (end) => {
        opening.released()
        this.#spliced(end)
      },
    })
    this.#splice = splice
    if (fits !== undefined) {
      new FirstBytesGate(transport, fits, runtime.timers, () => {
        this.#misplaced = true
        splice.destroy()
      })
    }
    splice.start(head, upstream.head)
  }

  /** Of `max_downstream_connection_duration`, which counts from the beginning of the connection; 0: no limit. */
  #leftMs(): number {
    const limitMs = this.#proxy.maxDownstreamConnectionDurationMs
    return limitMs === 0 ? 0 : Math.max(1, limitMs - (this.#context.runtime.clock.nowMs() - this.#startMs))
  }

  #spliced(end: SpliceEnd): void {
    if (this.#misplaced) return this.#report(['DPE'], 'client_bytes_of_another_chain', 0, end.bytesFromUpstream)
    const flags: ResponseFlag[] = []
    // As Envoy: a client that leaves, or a pair that nobody uses, is no fault.
    if (end.by === 'duration') flags.push('DT')
    if (end.by === 'upstream') flags.push(end.close?.reason === 'reset' ? 'UR' : 'UC')
    this.#report(flags, end.close?.detail ?? '', end.bytesFromDownstream, end.bytesFromUpstream)
  }

  #downstreamGone(_close: TransportClose): void {
    this.#opening?.giveUp()
    if (this.#over) return
    this.#report(['DC'], 'downstream_remote_disconnect', 0, 0)
  }

  /** Nothing was joined: the downstream learns it by its connection ending. */
  #end(flags: readonly ResponseFlag[], details: string): void {
    if (this.#over) return
    this.#opening?.giveUp()
    if (this.#connection.anticipated !== undefined) this.#connection.anticipated.giveUp()
    this.#connection.transport.destroy()
    this.#report(flags, details, 0, 0)
  }

  #report(flags: readonly ResponseFlag[], details: string, bytesReceived: number, bytesSent: number): void {
    if (this.#over) return
    this.#over = true
    this.#connection.opening?.failed(details, false)
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
      carried: this,
    }
    this.#sink.onTcpClosed(record)
    this.#connection.onClosed()
  }
}
