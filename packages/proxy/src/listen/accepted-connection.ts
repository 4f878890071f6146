import type { Buffer } from 'node:buffer'
import type { PeerIdentity, Transport } from '@weft/core'
import type { ConnectionFacts, FilterChain, Listener } from '@weft/engine'
import type { InternalOpening } from './internal-opening.ts'

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
  /** Set on internal listeners: whoever connected can be made to wait until an upstream is there. */
  readonly opening?: InternalOpening
  /** Its upstream, opened before it was handed over; whoever serves it takes it or gives it up. */
  readonly anticipated?: Anticipated
  /**
   * Set when the server spoke before the client: whether the client's first bytes belong on this chain. Undefined: it takes
   * more of them to tell.
   */
  readonly fits?: (bytes: Buffer) => boolean | undefined
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

/** An upstream connection opened before it is known whether it is needed. No byte of the client was sent on it. */
export interface Anticipated {
  giveUp(): void
}

/**
 * Opens the upstream of a chain for a client that is silent; `onSpeak` when it says something first. Undefined: it may not, or
 * cannot, be opened.
 */
export type Anticipate = (
  silent: { readonly facts: ConnectionFacts; readonly chain: FilterChain },
  onSpeak: () => void,
) => Anticipated | undefined

/** The request path: what serves an accepted connection by the terminal filter of its chain. */
export type ConnectionServer = (connection: AcceptedConnection) => ServedConnection
