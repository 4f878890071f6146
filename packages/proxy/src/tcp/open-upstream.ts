import type { Buffer } from 'node:buffer'
import type { PeerIdentity, Transport, TransportClose } from '@weft/core'
import { chooseTcpCluster, type ConnectionFacts, type Endpoint, parseAddress, type TcpProxy } from '@weft/engine'
import type { ClusterRegistry } from '../cluster/cluster-registry.ts'
import type { UpstreamCluster } from '../cluster/upstream-cluster.ts'
import type { Dialed } from '../pool/dial.ts'
import type { RequestPathContext } from '../request-path.ts'
import type { ResponseFlag, UpstreamFacts } from '../telemetry/exchange-record.ts'
import { openTunnel } from './open-tunnel.ts'

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
  onFail(flags: readonly ResponseFlag[], details: string, facts: UpstreamFacts | undefined): void
}

/**
 * Opens the upstream side of a TCP proxy connection: chooses the cluster by weight and an endpoint, dials, tries others up to
 * `max_connect_attempts`, and sets up a tunnel where the filter asks for one.
 */
export class UpstreamOpening {
  readonly #carried: Carried
  readonly #clusters: ClusterRegistry
  readonly #context: RequestPathContext
  readonly #outcome: UpstreamOutcome
  #attempts = 0
  #giveUp: (() => void) | undefined
  /** Set while a connection of this opening counts against the limits of its cluster. */
  #counted: UpstreamCluster | undefined
  #opened: UpstreamCluster | undefined

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
    if (budget.connections >= cluster.cluster.breakers.default.maxConnections)
      return this.#outcome.onFail(['UO'], 'upstream_overflow', this.#facts(cluster, undefined, undefined, undefined))
    budget.connections += 1
    this.#counted = cluster
    this.#dial(cluster, [])
  }

  /** Stops trying. An upstream that is open already is its taker's to end. */
  giveUp(): void {
    this.#giveUp?.()
    this.#giveUp = undefined
    if (this.#opened === undefined) this.released()
  }

  /** The connection is over, or was never made: it counts no more. */
  released(): void {
    if (this.#counted !== undefined) this.#counted.budget.connections -= 1
    this.#counted = undefined
    this.#opened?.counters.closed()
    this.#opened = undefined
  }

  #dial(cluster: UpstreamCluster, tried: readonly string[]): void {
    const endpoint = this.#pick(cluster, tried)
    if (endpoint === undefined)
      return this.#fail(['UH'], 'no_healthy_upstream', this.#facts(cluster, undefined, undefined, undefined))
    this.#attempts += 1
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

  /** Of an ORIGINAL_DST cluster: where the client meant to go, if that is known. */
  #pick(cluster: UpstreamCluster, tried: readonly string[]): Endpoint | undefined {
    if (cluster.cluster.discovery.kind === 'original-dst') return originalDestination(this.#carried.facts)
    const picked = cluster.pick(tried)
    return picked.kind === 'picked' ? picked.endpoint : undefined
  }

  #dialed(cluster: UpstreamCluster, endpoint: Endpoint, dialed: Dialed, tried: readonly string[]): void {
    this.#opened = cluster
    const { tunneling } = this.#carried.proxy
    const facts = this.#facts(cluster, endpoint, dialed, undefined)
    const { transport } = dialed
    if (tunneling === undefined) {
      this.#giveUp = undefined
      return this.#outcome.onOpen({ transport, head: undefined, facts })
    }
    const how = { cluster: cluster.cluster, tunneling, facts: this.#carried.facts }
    this.#giveUp = openTunnel(transport, how, this.#context.runtime.timers, {
      onOpen: (head) => {
        this.#giveUp = undefined
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
    if (this.#attempts < this.#carried.proxy.maxConnectAttempts) return this.#dial(cluster, [...tried, endpoint.key])
    const facts = this.#facts(cluster, endpoint, undefined, close.detail)
    this.#fail(timedOut ? ['UF', 'URX'] : ['UF'], 'upstream_connection_failure', facts)
  }

  #fail(flags: readonly ResponseFlag[], details: string, facts: UpstreamFacts): void {
    this.released()
    this.#outcome.onFail(flags, details, facts)
  }

  #facts(
    cluster: UpstreamCluster,
    endpoint: Endpoint | undefined,
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
}

/** Our own address would be dialled for ever: only a destination that the client itself named counts. */
function originalDestination(facts: ConnectionFacts): Endpoint | undefined {
  const { localAddress: address, localPort: port } = facts
  if (facts.destinationKnown !== true || port === 0 || parseAddress(address) === undefined) return undefined
  const host = address.includes(':') ? `[${address}]` : address
  return {
    key: `${host}:${port}`,
    target: { kind: 'socket', address, port },
    hostname: '',
    health: 'unknown',
    weight: 1,
    metadata: {},
  }
}
