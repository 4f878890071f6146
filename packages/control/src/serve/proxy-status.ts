// What the distributor knows of each proxy, for `weft status`.
import type { Origin, PeerIdentity } from '@weft/core'

/** A resource the proxy refused. */
export interface RefusedResource {
  readonly name: string
  readonly version: string
  readonly reason: string
  readonly origin: readonly Origin[]
}

/** One resource type of one proxy. */
export interface TypeStatus {
  readonly typeUrl: string
  /** The version the proxy should have. */
  readonly version: string
  /** The version it last acknowledged as a whole; undefined before that. */
  readonly acceptedVersion: string | undefined
  /**
   * `accepted`: it has all it should have; `warming`: sent or about to be, not acknowledged yet; `refused`: it has all but
   * what it refused; `unsubscribed`: it does not ask for this type.
   */
  readonly state: 'accepted' | 'warming' | 'refused' | 'unsubscribed'
  /** How many resources of the type the proxy holds. */
  readonly resources: number
  readonly refused: readonly RefusedResource[]
}

/** One proxy the distributor has a table for, or a stream of. */
export interface ProxyStatus {
  readonly proxyId: string
  readonly connected: boolean
  readonly kind: 'delta' | 'sotw' | undefined
  readonly peer: PeerIdentity | undefined
  readonly remote: string | undefined
  /** Name and version the client gave in its node. */
  readonly userAgent: string | undefined
  readonly types: readonly TypeStatus[]
}
