import type { PeerIdentity } from '@weft/core'
import type { Cluster, Endpoint, Listener } from '@weft/engine'
import type { ExchangeRecord, TcpRecord } from './exchange-record.ts'
import type { MetricFamily, MetricsRegistry } from './metrics-registry.ts'
import {
  serviceOfCluster,
  type ServiceLabels,
  unknownWorkload,
  type WorkloadLabels,
  workloadOfMetadata,
} from './workload-labels.ts'

const workloadLabelNames = (side: 'source' | 'destination'): string[] => [
  `${side}_workload`,
  `${side}_workload_namespace`,
  `${side}_principal`,
  `${side}_app`,
  `${side}_version`,
  `${side}_canonical_service`,
  `${side}_canonical_revision`,
  `${side}_cluster`,
]

/** Istio's standard labels (https://istio.io/latest/docs/reference/config/metrics), those of HTTP last. */
const tcpLabels: readonly string[] = [
  'reporter',
  ...workloadLabelNames('source'),
  ...workloadLabelNames('destination'),
  'destination_service',
  'destination_service_name',
  'destination_service_namespace',
  'connection_security_policy',
  'request_protocol',
  'response_flags',
]
const httpLabels: readonly string[] = [...tcpLabels, 'response_code', 'grpc_response_status']

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
}

type Ends = Pick<TcpRecord, 'downstream' | 'downstreamPeer' | 'upstream'>

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
  readonly #requests: MetricFamily
  readonly #duration: MetricFamily
  readonly #requestBytes: MetricFamily
  readonly #responseBytes: MetricFamily
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
    const http = (name: string, help: string) => ({ name: `istio_${name}`, help, labels: httpLabels })
    const tcp = (name: string, help: string) => ({ name: `istio_tcp_${name}`, help, labels: tcpLabels })
    this.#requests = registry.counter(http('requests_total', 'Requests handled.'))
    this.#duration = registry.histogram(http('request_duration_milliseconds', 'Duration of requests, milliseconds.'))
    this.#requestBytes = registry.histogram(http('request_bytes', 'Bytes of request bodies.'))
    this.#responseBytes = registry.histogram(http('response_bytes', 'Bytes of response bodies.'))
    this.#opened = registry.counter(tcp('connections_opened_total', 'TCP connections opened.'))
    this.#closed = registry.counter(tcp('connections_closed_total', 'TCP connections closed.'))
    this.#sent = registry.counter(tcp('sent_bytes_total', 'Bytes sent to the client.'))
    this.#received = registry.counter(tcp('received_bytes_total', 'Bytes received from the client.'))
  }

  /** Counts one finished exchange of a listener; `last` is kept by the connection it came on. */
  exchange(direction: Listener['direction'], record: ExchangeRecord, last = new LastPair()): void {
    if (isInner(record)) return
    if (record.tunnelled === true) return this.tcpClosed(direction, record)
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
  }

  /** Counts a TCP connection that was opened. */
  tcpOpened(direction: Listener['direction'], ends: Ends): void {
    if (isInner(ends)) return
    this.#opened.add(this.#tcpSeries(direction, ends, '-').opened, 1)
  }

  /** Counts a TCP connection that is over. */
  tcpClosed(direction: Listener['direction'], record: Omit<TcpRecord, 'details'>): void {
    if (isInner(record)) return
    const flags = record.flags.length === 0 ? '-' : record.flags.join(',')
    const series = this.#tcpSeries(direction, record, flags)
    this.#closed.add(series.closed, 1)
    this.#sent.add(series.sent, record.bytesSent)
    this.#received.add(series.received, record.bytesReceived)
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
    const protocol = record.grpcStatus === undefined ? 'http' : 'grpc'
    const all = [...values, policy, protocol, flags, String(record.status), record.grpcStatus ?? '']
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
