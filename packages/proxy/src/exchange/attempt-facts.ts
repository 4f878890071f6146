import type { PeerIdentity, Transport } from '@weft/core'
import type { Cluster, Endpoint } from '@weft/engine'
import type { UpstreamFacts } from '../telemetry/exchange-record.ts'

/** Where the last attempt of an exchange went; texts are made when somebody asks for them. */
export class AttemptFacts implements UpstreamFacts {
  readonly cluster: Cluster
  readonly endpoint: Endpoint | undefined
  readonly attempts: number
  readonly streams: number
  readonly transportFailure: string | undefined
  readonly #transport: Transport | undefined

  constructor(
    went: Required<Pick<UpstreamFacts, 'cluster' | 'endpoint' | 'attempts' | 'streams'>>,
    transport: Transport | undefined,
    transportFailure: string | undefined,
  ) {
    this.cluster = went.cluster
    this.endpoint = went.endpoint
    this.attempts = went.attempts
    this.streams = went.streams
    this.transportFailure = transportFailure
    this.#transport = transport
  }

  get peer(): PeerIdentity | undefined {
    return this.#transport?.peer
  }

  get localAddress(): string | undefined {
    const transport = this.#transport
    return transport === undefined ? undefined : `${transport.localAddress}:${transport.localPort}`
  }
}
