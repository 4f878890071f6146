import type { PeerIdentity } from '@weft/core'
import type { Cluster, Endpoint, Listener } from '@weft/engine'
import type { ExchangeRecord, TcpRecord } from './exchange-record.ts'
import { type ChangedListener, ChangedMetrics } from './changed-metrics.ts'
import type { MetricFamily, MetricsRegistry } from './metrics-registry.ts'
import { MessageCounters } from './message-counters.ts'
import type { CountedBytes } from './tcp-reports.ts'
import { attributesOf, type NodeFacts } from './record-attributes.ts'
import {
  httpLabels,
  messageLabels,
  standardMetrics as standard,
  type StandardMetric,
  tcpLabels,
} from './standard-metrics.ts'
import {
  serviceOfCluster,
  type ServiceLabels,
  unknownWorkload,
  type WorkloadLabels,
  workloadOfMetadata,
} from './workload-labels.ts'

/** The series of one HTTP label set. */
interface HttpSeries {
  readonly requests: number
  readonly duration: number
  readonly requestBytes: number
  readonly responseBytes: number
}

/** The series of one TCP label set. */
interface TcpSeries {
  readonly opened: number
  readonly closed: number
  readonly sent: number
  readonly received: number
}

/** One pair of source and destination; everything about it that does not change from request to request. */
interface Pair {
  /** Label values up to and without `connection_security_policy`. */
  readonly values: readonly string[]
  /** The series of the last exchange without flags, and its statuses: the next has mostly the same. */
  lastStatus: number
  lastGrpc: string | undefined
  last: HttpSeries | undefined
  readonly http: Map<string, HttpSeries>
  readonly tcp: Map<string, TcpSeries>
}

/** What the metrics need to know of the proxy they are made in. */
export interface MetricsIdentity {
  /** The workload this proxy serves. */
  self(): WorkloadLabels
  selfPrincipal(): string | undefined
  /** The workload at a source address, if the mesh knows it. */
  workloadAt(address: string): WorkloadLabels | undefined
  readonly node: NodeFacts
}

type Ends = Pick<TcpRecord, 'downstream' | 'downstreamPeer' | 'upstream'>
type CountedTcp = Omit<TcpRecord, 'details' | 'startWallMs'>

/**
 * The pair that the last exchange belonged to, and what made it that one: mostly the next is the same, and then nothing has to be looked
 * up by text. Of inbound exchanges one per connection; of others one per endpoint, since it says everything about them.
 */
export class LastPair {
  pair: Pair | undefined = undefined
  era = -1
  inbound = false
  cluster: Cluster | undefined = undefined
  endpoint: Endpoint | undefined = undefined
  upstreamPeer: PeerIdentity | undefined = undefined
}

/**
 * Istio's standard metrics on both ends: `reporter="source"` on outbound listeners, with the destination from endpoint
 * metadata, and `reporter="destination"` on inbound ones, with the source found by its address.
 */
export class IstioMetrics {
  readonly #identity: MetricsIdentity
  readonly #changed: ChangedMetrics
  readonly #requests: MetricFamily
  readonly #duration: MetricFamily
  readonly #requestBytes: MetricFamily
  readonly #responseBytes: MetricFamily
  readonly #messages: MessageCounters
  readonly #opened: MetricFamily
  readonly #closed: MetricFamily
  readonly #sent: MetricFamily
  readonly #received: MetricFamily
  readonly #services = new WeakMap<Cluster, ServiceLabels>()
  readonly #pairs = new Map<string, Pair>()
  readonly #lasts = new WeakMap<Endpoint, LastPair>()
  /** Counts up when pairs are forgotten. */
  #era = 0

  constructor(registry: MetricsRegistry, identity: MetricsIdentity) {
    this.#identity = identity
    this.#changed = new ChangedMetrics(registry)
    const family = ({ name, kind, help, labels }: StandardMetric): MetricFamily =>
      registry[kind]({ name: `istio_${name}`, help, labels })
    this.#requests = family(standard.requests)
    this.#duration = family(standard.duration)
    this.#requestBytes = family(standard.requestBytes)
    this.#responseBytes = family(standard.responseBytes)
    this.#messages = new MessageCounters(registry)
    this.#opened = family(standard.opened)
    this.#closed = family(standard.closed)
    this.#sent = family(standard.sent)
    this.#received = family(standard.received)
  }

  /** Counts one finished exchange of a listener; `last` is kept by the connection it came on. */
  exchange(direction: Listener['direction'], record: ExchangeRecord, last = new LastPair()): void {
    if (isInner(record)) return
    const { status } = record
    const pair = this.#pairAfter(direction, record, last)
    const { flags, grpcStatus } = record
    let series =
      flags.length === 0 && pair.lastStatus === status && pair.lastGrpc === grpcStatus ? pair.last : undefined
    if (series === undefined) {
      series = this.#httpSeries(pair, this.#policyOf(direction, record), record)
      if (flags.length === 0) {
        pair.lastStatus = status
        pair.lastGrpc = grpcStatus
        pair.last = series
      }
    }
    this.#requests.add(series.requests, 1)
    this.#duration.observe(series.duration, record.durationMs)
    this.#requestBytes.observe(series.requestBytes, record.bytesReceived)
    this.#responseBytes.observe(series.responseBytes, record.bytesSent)
    if (record.messages !== undefined) this.#messages.count(pair.values, record.messages)
  }

  /** Counts what a gRPC call that goes on has carried since the last time. */
  messages(direction: Listener['direction'], record: ExchangeRecord, last: LastPair): void {
    if (isInner(record) || record.messages === undefined) return
    this.#messages.count(this.#pairAfter(direction, record, last).values, record.messages)
  }

  /** Counts a TCP connection that was opened. */
  tcpOpened(direction: Listener['direction'], ends: Ends): void {
    if (isInner(ends)) return
    this.#opened.add(this.#tcpSeries(direction, ends, '-').opened, 1)
  }

  /** Counts a TCP connection that is over. */
  tcpClosed(direction: Listener['direction'], record: CountedTcp, counted = uncounted): void {
    if (isInner(record)) return
    const flags = record.flags.length === 0 ? '-' : record.flags.join(',')
    const series = this.#tcpSeries(direction, record, flags)
    this.#closed.add(series.closed, 1)
    this.#sent.add(series.sent, record.bytesSent - counted.bytesSent)
    this.#received.add(series.received, record.bytesReceived - counted.bytesReceived)
  }

  /** Counts one finished exchange of a listener whose metrics are changed. */
  exchangeChanged(listener: ChangedListener, record: ExchangeRecord): void {
    if (isInner(record)) return
    const values = [
      ...this.#tcpValues(listener, record, protocolOf(record)),
      String(record.status),
      record.grpcStatus ?? '',
    ]
    const how = this.#how(listener, record, values, httpLabels)
    this.#changed.count(standard.requests, how, 1)
    this.#changed.count(standard.duration, how, record.durationMs)
    this.#changed.count(standard.requestBytes, how, record.bytesReceived)
    this.#changed.count(standard.responseBytes, how, record.bytesSent)
    this.messagesChanged(listener, record)
  }

  /** Counts what a gRPC call has carried since the last time, at a listener whose metrics are changed. */
  messagesChanged(listener: ChangedListener, record: ExchangeRecord): void {
    if (isInner(record) || record.messages === undefined) return
    const { requests, responses } = record.messages.takeUncounted()
    if (requests + responses === 0) return
    const how = this.#how(listener, record, this.#pairOf(listener.direction, record).values, messageLabels)
    this.#changed.count(standard.requestMessages, how, requests)
    this.#changed.count(standard.responseMessages, how, responses)
  }

  /** Counts a TCP connection that was opened, at a listener whose metrics are changed. */
  tcpOpenedChanged(listener: ChangedListener, ends: Ends): void {
    if (isInner(ends)) return
    const begun = { ...ends, durationMs: 0, flags: [], bytesReceived: 0, bytesSent: 0 }
    const how = this.#how(listener, begun, this.#tcpValues(listener, begun, 'tcp'), tcpLabels)
    this.#changed.count(standard.opened, how, 1)
  }

  /** Counts a TCP connection that is over; of its bytes those that were not counted before. */
  tcpClosedChanged(listener: ChangedListener, record: CountedTcp, counted = uncounted): void {
    if (isInner(record)) return
    const how = this.#how(listener, record, this.#tcpValues(listener, record, 'tcp'), tcpLabels)
    this.#changed.count(standard.closed, how, 1)
    this.#changed.count(standard.sent, how, record.bytesSent - counted.bytesSent)
    this.#changed.count(standard.received, how, record.bytesReceived - counted.bytesReceived)
  }

  /** Counts what an open TCP connection has carried since the last time. */
  tcpCarriedChanged(listener: ChangedListener, since: Ends & CountedBytes): void {
    if (isInner(since)) return
    const record = { ...since, durationMs: 0, flags: [] }
    const how = this.#how(listener, record, this.#tcpValues(listener, record, 'tcp'), tcpLabels)
    this.#changed.count(standard.sent, how, since.bytesSent)
    this.#changed.count(standard.received, how, since.bytesReceived)
  }

  #tcpValues({ direction }: ChangedListener, record: CountedTcp, protocol: string): string[] {
    const flags = record.flags.length === 0 ? '-' : record.flags.join(',')
    return [...this.#pairOf(direction, record).values, this.#policyOf(direction, record), protocol, flags]
  }

  #how(
    listener: ChangedListener,
    record: ExchangeRecord | CountedTcp,
    values: readonly string[],
    labels: readonly string[],
  ): Parameters<ChangedMetrics['count']>[1] {
    const place = { listener, node: this.#identity.node, label: (name: string) => values[labels.indexOf(name)] }
    return { changes: listener.metrics, values, read: attributesOf(record, place) }
  }

  /** Names both ends anew from now on: endpoints, their metadata or our own identity changed. */
  forgetPairs(): void {
    this.#pairs.clear()
    this.#era += 1
  }

  #httpSeries({ values, http }: Pair, policy: string, record: ExchangeRecord): HttpSeries {
    const flags = record.flags.length === 0 ? '-' : record.flags.join(',')
    const key = `${record.status}|${flags}|${record.grpcStatus ?? ''}`
    const known = http.get(key)
    if (known !== undefined) return known
    const all = [...values, policy, protocolOf(record), flags, String(record.status), record.grpcStatus ?? '']
    const made = {
      requests: this.#requests.series(all),
      duration: this.#duration.series(all),
      requestBytes: this.#requestBytes.series(all),
      responseBytes: this.#responseBytes.series(all),
    }
    http.set(key, made)
    return made
  }

  #tcpSeries(direction: Listener['direction'], ends: Ends, flags: string): TcpSeries {
    const { values, tcp } = this.#pairOf(direction, ends)
    const policy = this.#policyOf(direction, ends)
    const known = tcp.get(`${flags}|${policy}`)
    if (known !== undefined) return known
    const all = [...values, policy, 'tcp', flags]
    const made = {
      opened: this.#opened.series(all),
      closed: this.#closed.series(all),
      sent: this.#sent.series(all),
      received: this.#received.series(all),
    }
    tcp.set(`${flags}|${policy}`, made)
    return made
  }

  /** The pair of an exchange: the one of the exchange before when both have the same ends. */
  #pairAfter(direction: Listener['direction'], ends: Ends, lastOfConnection: LastPair): Pair {
    const { upstream } = ends
    const inbound = direction === 'inbound'
    const cluster = upstream?.cluster
    const endpoint = upstream?.endpoint
    const last = inbound || endpoint === undefined ? lastOfConnection : this.#lastOf(endpoint)
    const upstreamPeer = upstream?.peer
    if (
      last.pair !== undefined &&
      last.era === this.#era &&
      last.inbound === inbound &&
      last.cluster === cluster &&
      last.endpoint === endpoint &&
      last.upstreamPeer === upstreamPeer
    ) {
      return last.pair
    }
    last.pair = this.#pairOf(direction, ends)
    last.era = this.#era
    last.inbound = inbound
    last.cluster = cluster
    last.endpoint = endpoint
    last.upstreamPeer = upstreamPeer
    return last.pair
  }

  #lastOf(endpoint: Endpoint): LastPair {
    let last = this.#lasts.get(endpoint)
    if (last === undefined) this.#lasts.set(endpoint, (last = new LastPair()))
    return last
  }

  /** Found by a short key; the long label values are made once per pair of workloads, cluster and principals. */
  #pairOf(direction: Listener['direction'], ends: Ends): Pair {
    const { downstream, downstreamPeer, upstream } = ends
    const inbound = direction === 'inbound'
    const far = inbound ? downstream.remoteAddress : (upstream?.endpoint?.key ?? '')
    const principal = inbound ? downstreamPeer?.spiffeId : upstream?.peer?.spiffeId
    const policy = this.#policyOf(direction, ends)
    const key = `${direction}|${far}|${policy}|${principal ?? ''}|${upstream?.cluster.name ?? ''}`
    const known = this.#pairs.get(key)
    if (known !== undefined) return known
    // A client that invents source addresses must not make this map grow: series are bounded by their family.
    if (this.#pairs.size >= maxPairs) this.#pairs.clear()
    const made: Pair = {
      values: this.#valuesOf(inbound, ends, principal),
      lastStatus: 0,
      lastGrpc: undefined,
      last: undefined,
      http: new Map(),
      tcp: new Map(),
    }
    this.#pairs.set(key, made)
    return made
  }

  #valuesOf(inbound: boolean, { downstream, upstream }: Ends, peerPrincipal: string | undefined): string[] {
    const self = this.#identity.self()
    const selfPrincipal = this.#identity.selfPrincipal()
    const endpoint = upstream?.endpoint
    const peer = inbound
      ? this.#identity.workloadAt(downstream.remoteAddress)
      : endpoint === undefined
        ? undefined
        : (workloadOfMetadata(endpoint.metadata) ??
          (endpoint.target.kind === 'socket' ? this.#identity.workloadAt(endpoint.target.address) : undefined))
    const sourceLabels = inbound ? (peer ?? unknownWorkload) : self
    const destinationLabels = inbound ? self : (peer ?? unknownWorkload)
    const service = upstream === undefined ? unknownService : this.#serviceOf(upstream.cluster)
    return [
      inbound ? 'destination' : 'source',
      ...labelValues(sourceLabels, inbound ? peerPrincipal : selfPrincipal),
      ...labelValues(destinationLabels, inbound ? selfPrincipal : peerPrincipal),
      service.service,
      service.name,
      service.namespace,
    ]
  }

  #serviceOf(cluster: Cluster): ServiceLabels {
    const known = this.#services.get(cluster)
    if (known !== undefined) return known
    const found = serviceOfCluster(cluster)
    this.#services.set(cluster, found)
    return found
  }

  #policyOf(direction: Listener['direction'], { downstream, upstream }: Ends): string {
    if (direction === 'inbound') return downstream.tls ? 'mutual_tls' : 'none'
    return upstream?.peer === undefined ? 'none' : 'mutual_tls'
  }
}

/** A way into this proxy's own inside, which has no destination of its own: what goes on there is counted there. */
function isInner({ upstream }: Ends): boolean {
  const endpoint = upstream?.endpoint
  return endpoint?.target.kind === 'internal' && workloadOfMetadata(endpoint.metadata) === undefined
}

function protocolOf({ grpcStatus }: ExchangeRecord): string {
  return grpcStatus === undefined ? 'http' : 'grpc'
}

const uncounted: CountedBytes = { bytesReceived: 0, bytesSent: 0 }
const maxPairs = 10_000

const unknownService: ServiceLabels = { service: 'unknown', name: 'unknown', namespace: 'unknown' }

function labelValues(labels: WorkloadLabels, principal: string | undefined): string[] {
  return [
    labels.workload,
    labels.namespace,
    principal ?? 'unknown',
    labels.app,
    labels.version,
    labels.canonicalService,
    labels.canonicalRevision,
    labels.cluster,
  ]
}
