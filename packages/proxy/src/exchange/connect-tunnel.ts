import type { PeerIdentity } from '@weft/core'
import type { Endpoint } from '@weft/engine'
import type { UpstreamCluster } from '../cluster/upstream-cluster.ts'
import type { Dialed } from '../pool/dial.ts'
import type { UpstreamFacts } from '../telemetry/exchange-record.ts'
import { exchangeErrors, transportFailureText } from './error-table.ts'
import type { Exchange } from './exchange.ts'
import { bareHead } from './local-reply.ts'

/**
 * A CONNECT request that ends here: its bytes go to an endpoint of the route's cluster. An internal endpoint makes the
 * tunnel's inside a connection of its own, whose original destination is the CONNECT authority.
 */
export class ConnectTunnel {
  readonly #exchange: Exchange
  readonly #cluster: UpstreamCluster
  readonly #peer: PeerIdentity | undefined
  #endpoint: Endpoint | undefined
  #dialed: Dialed | undefined
  #cancelDial: (() => void) | undefined
  #failure: string | undefined
  #started = false

  constructor(exchange: Exchange, cluster: UpstreamCluster, peer: PeerIdentity | undefined) {
    this.#exchange = exchange
    this.#cluster = cluster
    this.#peer = peer
    exchange.onDone(() => this.#cancelDial?.())
  }

  /** Dials; called when everything read so far is on record, so that no byte of the tunnel is lost. */
  start(): void {
    if (this.#started) return
    this.#started = true
    const { dynamicHost } = this.#exchange
    const picked = dynamicHost === undefined ? this.#cluster.pick([]) : this.#cluster.pickHost(dynamicHost)
    if (picked.kind !== 'picked') return this.#exchange.fail(exchangeErrors.noHealthyUpstream)
    this.#endpoint = picked.endpoint
    const { connection } = this.#exchange
    const ends = {
      destination: splitAuthority(this.#exchange.authority),
      source: { address: connection.remoteAddress, port: connection.remotePort, peer: this.#peer },
    }
    this.#cancelDial = this.#cluster.dialRaw(
      picked.endpoint,
      ends,
      (dialed) => this.#join(dialed),
      (close, timedOut) => {
        this.#failure = transportFailureText(close, timedOut)
        this.#exchange.fail(timedOut ? exchangeErrors.connectTimeout : exchangeErrors.connectFailure, this.#failure)
      },
    )
  }

  facts(): UpstreamFacts {
    const transport = this.#dialed?.transport
    return {
      cluster: this.#cluster.cluster,
      endpoint: this.#endpoint,
      peer: transport?.peer,
      localAddress: transport === undefined ? undefined : `${transport.localAddress}:${transport.localPort}`,
      attempts: this.#endpoint === undefined ? 0 : 1,
      transportFailure: this.#failure,
    }
  }

  #join(dialed: Dialed): void {
    this.#dialed = dialed
    this.#cancelDial = undefined
    this.#exchange.becomeTunnel(this.facts())
    const upstream = { transport: dialed.transport, head: undefined, wire: 'bytes' } as const
    this.#exchange.openTunnel(bareHead(200), upstream, () => this.#cluster.counters.closed())
  }
}

function splitAuthority(authority: string): { readonly address: string; readonly port: number } {
  const at = authority.lastIndexOf(':')
  const host = authority.slice(0, at)
  return { address: host.startsWith('[') ? host.slice(1, -1) : host, port: Number(authority.slice(at + 1)) }
}
