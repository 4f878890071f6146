import type { Buffer } from 'node:buffer'
import type { PeerIdentity, Transport } from '@weft/core'
import type { ConnectionFacts, FilterChain, Listener } from '@weft/engine'

/** A connection that is through sniffing, chain choice and handshake, handed to the request path. */
export interface AcceptedConnection {
  /** Paused; secured when the chain says so. */
  readonly transport: Transport
  /** Plaintext bytes already read: they come first. Undefined after a handshake. */
  readonly head: Buffer | undefined
  /** Ask at the start of each exchange: a configuration change may put another listener and chain in their place. */
  listener(): Listener
  chain(): FilterChain
  readonly facts: ConnectionFacts
  readonly peer: PeerIdentity | undefined
  /** To be called exactly once, when both directions are over. */
  onClosed(): void
}

/** A connection being served. */
export interface ServedConnection {
  /** Finish what is in flight, then close; an idle connection says `connection: close` with its next answer. */
  drain(): void
  /** True while nothing is in flight: such a connection may be ended when the process is on its way out. */
  idle(): boolean
  /** Ends it at once. */
  destroy(): void
}

/** The request path: what serves an accepted connection by the terminal filter of its chain. */
export type ConnectionServer = (connection: AcceptedConnection) => ServedConnection
