import type { Buffer } from 'node:buffer'
import type { PeerIdentity, Transport, TransportClose } from '@weft/core'
import {
  chooseTcpCluster,
  connectionHash,
  type ConnectionFacts,
  type DynamicHost,
  type Endpoint,
  expectedNames,
  originalDestination,
  type TcpProxy,
  tunnelTarget,
} from '@weft/engine'
import type { HostAnswer } from '../cluster/host-cache.ts'
import type { ClusterRegistry } from '../cluster/cluster-registry.ts'
import type { UpstreamCluster } from '../cluster/upstream-cluster.ts'
import type { Dialed } from '../pool/dial.ts'
import type { RequestPathContext } from '../request-path.ts'
import type { ResponseFlag, UpstreamFacts } from '../telemetry/exchange-record.ts'
import { openTunnel } from './open-tunnel.ts'
import { StreamTunnel, streamTunnelRequest } from './stream-tunnel.ts'

/** Whose bytes are carried, and by which filter. */
export interface Carried {
  readonly proxy: TcpProxy
  readonly facts: ConnectionFacts
  readonly peer: PeerIdentity | undefined
  /** The connection's random value: decides splits. */
  readonly random: number
}

/** An upstream ready for the bytes of one downstream connection. */
export interface OpenedUpstream {
  /** Paused. */
  readonly transport: Transport
  /** Bytes of the upstream that were read already. */
  readonly head: Buffer | undefined
  readonly facts: UpstreamFacts
}

/** What became of it; exactly one is called, unless it was given up. */
export interface UpstreamOutcome {
  onOpen(upstream: OpenedUpstream): void
  onFail(flags: readonly ResponseFlag[], details: string, facts: UpstreamFacts | undefined, timedOut?: boolean): void
}

/**
 * Opens the upstream side of a TCP proxy connection: chooses the cluster by weight and an endpoint, dials, tries others up to
 * `max_connect_attempts`, and sets up a tunnel where the filter asks for one: on a connection of its own, or, where the cluster speaks
 * HTTP/2, as a stream of one that is shared.
 */
export class UpstreamOpening {
  readonly #carried: Carried
  readonly #clusters: ClusterRegistry
  readonly #context: RequestPathContext
  readonly #outcome: UpstreamOutcome
  #attempts = 0
  #giveUp: (() => void) | undefined
  /** Set while this opening counts against the limits of its cluster. */
  #uncount: (() => void) | undefined
  /** Set while a connection of its own is open. */
  #opened: UpstreamCluster | undefined
  /** Why the address of the server name is not known. */
  #unresolved: string | undefined
  /** It was handed over: whoever took it says when it is over. */
  #done = false

  constructor(carried: Carried, clusters: ClusterRegistry, context: RequestPathContext, outcome: UpstreamOutcome) {
    this.#carried = carried
    this.#clusters = clusters
    this.#context = context
    this.#outcome = outcome
  }

  start(): void {
    const { proxy, random } = this.#carried
    const cluster = this.#clusters.get(chooseTcpCluster(proxy, random))
    if (cluster === undefined) return this.#outcome.onFail(['NC'], 'cluster_not_found', undefined)
    const { budget } = cluster
    if (!this.#shares(cluster)) {
      if (budget.connections >= cluster.cluster.breakers.default.maxConnections) return this.#overflow(cluster)
      budget.connections += 1
      this.#uncount = () => void (budget.connections -= 1)
    }
    this.#lookUp(cluster)
  }

  /** The server name's address first, where the chain asks for it; what leads nowhere has no upstream. */
  #lookUp(cluster: UpstreamCluster): void {
    const host = this.#host
    if (host === undefined || cluster.cluster.discovery.kind !== 'dynamic') return this.#dial(cluster, [])
    const goOn = (answer: HostAnswer): void => {
      this.#giveUp = undefined
      if (answer.kind === 'failed') this.#unresolved = answer.detail
      this.#dial(cluster, [])
    }
    const answer = cluster.findHost(host, goOn)
    if (typeof answer === 'function') this.#giveUp = answer
    else goOn(answer)
  }

  get #host(): DynamicHost | undefined {
    const { proxy, facts } = this.#carried
    const { resolvesServerName } = proxy
    if (resolvesServerName === undefined || facts.sni === undefined) return undefined
    return { host: facts.sni.toLowerCase(), port: resolvesServerName.port }
  }

  /** Whether its bytes go in a stream beside others. */
  #shares(cluster: UpstreamCluster): boolean {
    return this.#carried.proxy.tunneling !== undefined && cluster.cluster.http.protocol === 'http2'
  }

  #overflow(cluster: UpstreamCluster): void {
    this.#outcome.onFail(['UO'], 'upstream_overflow', this.#facts(cluster, undefined, undefined, undefined))
  }

  /** Stops trying. An upstream that is open already is its taker's to end. */
  giveUp(): void {
    this.#giveUp?.()
    this.#giveUp = undefined
    if (!this.#done) this.released()
  }

  /** The connection is over, or was never made: it counts no more. */
  released(): void {
    this.#uncount?.()
    this.#uncount = undefined
    this.#opened?.counters.closed()
    this.#opened = undefined
  }

  #dial(cluster: UpstreamCluster, tried: readonly string[]): void {
    const endpoint = this.#pick(cluster, tried)
    if (endpoint === undefined)
      return this.#fail(['UH'], 'no_healthy_upstream', this.#facts(cluster, undefined, undefined, this.#unresolved))
    this.#attempts += 1
    if (this.#shares(cluster)) return this.#tunnel(cluster, endpoint, tried)
    const { facts, peer } = this.#carried
    const ends = {
      destination: { address: facts.localAddress, port: facts.localPort },
      source: { address: facts.remoteAddress, port: facts.remotePort, peer },
    }
    this.#giveUp = cluster.dialRaw(
      endpoint,
      ends,
      (dialed) => this.#dialed(cluster, endpoint, dialed, tried),
      (close, timedOut) => this.#failed(cluster, endpoint, tried, close, timedOut),
    )
  }

  /** Of an ORIGINAL_DST cluster: where the connection says. With the names that are required of it. */
  #pick(cluster: UpstreamCluster, tried: readonly string[]): Endpoint | undefined {
    const { proxy, facts } = this.#carried
    const endpoint = this.#choose(cluster, tried)
    const peerNames = expectedNames(proxy, facts)
    if (endpoint === undefined || peerNames === undefined) return endpoint
    return { ...endpoint, peerNames, poolKey: `${endpoint.key} ${peerNames.join(',')}` }
  }

  #choose(cluster: UpstreamCluster, tried: readonly string[]): Endpoint | undefined {
    if (cluster.cluster.discovery.kind === 'original-dst')
      return originalDestination(cluster.cluster, this.#carried.facts)
    const { proxy, facts } = this.#carried
    const host = this.#host
    if (host !== undefined && cluster.cluster.discovery.kind === 'dynamic') {
      const found = cluster.pickHost(host)
      return found.kind === 'picked' ? found.endpoint : undefined
    }
    const picked = cluster.pick(tried, 1, proxy.hashesClient ? connectionHash(facts) : undefined)
    return picked.kind === 'picked' ? picked.endpoint : undefined
  }

  #tunnel(cluster: UpstreamCluster, endpoint: Endpoint, tried: readonly string[]): void {
    const { proxy, facts } = this.#carried
    const tunneling = proxy.tunneling as NonNullable<TcpProxy['tunneling']>
    const target = tunnelTarget(tunneling, facts)
    if (target === undefined)
      return this.#fail(
        ['UF'],
        'upstream_connection_failure',
        this.#facts(cluster, endpoint, undefined, namelessTunnel),
      )
    const active = cluster.beginRequest(endpoint)
    if (active === undefined) return this.#overflow(cluster)
    this.#uncount = () => cluster.endRequest(active)
    const tunnel = new StreamTunnel(
      { cluster, endpoint },
      streamTunnelRequest(tunneling, target),
      this.#context.runtime.timers,
      {
        onOpen: ({ transport, head }) => {
          this.#giveUp = undefined
          this.#done = true
          this.#outcome.onOpen({ transport, head, facts: this.#facts(cluster, endpoint, transport, undefined) })
        },
        onFail: (detail, timedOut) => {
          this.released()
          this.#failed(cluster, endpoint, tried, { reason: timedOut ? 'timeout' : 'closed', detail }, timedOut)
        },
      },
    )
    this.#giveUp = () => tunnel.giveUp()
  }

  #dialed(cluster: UpstreamCluster, endpoint: Endpoint, dialed: Dialed, tried: readonly string[]): void {
    this.#opened = cluster
    cluster.observe(endpoint, connected)
    const { tunneling } = this.#carried.proxy
    const facts = this.#facts(cluster, endpoint, dialed.transport, undefined)
    const { transport } = dialed
    if (tunneling === undefined) {
      this.#giveUp = undefined
      this.#done = true
      return this.#outcome.onOpen({ transport, head: undefined, facts })
    }
    const how = { cluster: cluster.cluster, tunneling, facts: this.#carried.facts }
    this.#giveUp = openTunnel(transport, how, this.#context.runtime.timers, {
      onOpen: (head) => {
        this.#giveUp = undefined
        this.#done = true
        this.#outcome.onOpen({ transport, head, facts })
      },
      onFail: (close, timedOut) => {
        cluster.counters.closed()
        this.#opened = undefined
        this.#failed(cluster, endpoint, tried, close, timedOut)
      },
    })
  }

  #failed(
    cluster: UpstreamCluster,
    endpoint: Endpoint,
    tried: readonly string[],
    close: TransportClose,
    timedOut: boolean,
  ): void {
    this.#giveUp = undefined
    cluster.observe(endpoint, 'local-failure')
    if (this.#attempts < this.#carried.proxy.maxConnectAttempts) return this.#dial(cluster, [...tried, endpoint.key])
    const facts = this.#facts(cluster, endpoint, undefined, close.detail)
    this.#fail(['UF', 'URX'], 'upstream_connection_failure', facts, timedOut)
  }

  #fail(flags: readonly ResponseFlag[], details: string, facts: UpstreamFacts, timedOut = false): void {
    this.released()
    this.#outcome.onFail(flags, details, facts, timedOut)
  }

  #facts(
    cluster: UpstreamCluster,
    endpoint: Endpoint | undefined,
    transport: Transport | undefined,
    transportFailure: string | undefined,
  ): UpstreamFacts {
    return {
      cluster: cluster.cluster,
      endpoint,
      peer: transport?.peer,
      localAddress: transport === undefined ? undefined : `${transport.localAddress}:${transport.localPort}`,
      attempts: this.#attempts,
      transportFailure,
    }
  }
}

/** To Envoy a connection that was made is as good as an answer. */
const connected = { status: 200 }
const namelessTunnel = 'the tunnel has no name that could be asked for'
