import type { TransportClose } from '@weft/core'
import type { DownstreamStream } from '../http-stream.ts'
import type { HeadFault, HeadLimits } from '../message-head.ts'

/** Who answers the requests of a connection. */
export interface RequestServer {
  limits(): HeadLimits
  /** Milliseconds an idle connection is kept; 0: for ever. */
  idleMs(): number
  /** Milliseconds from a head's first byte to its last; 0: no limit. */
  headMs(): number
  /** Milliseconds a closed connection may take to read our last bytes. */
  lingerMs(): number
  /** Milliseconds a client that is to go elsewhere may still send a request in. */
  drainMs(): number
  /** Whether trailers pass, in both directions. */
  keepsTrailers(): boolean
  /** Must `attach` a receiver, or answer and finish, before it returns. */
  onRequest(stream: DownstreamStream): void
  /** A head that cannot be served: answer it, without `attach`. */
  onHeadFault(stream: DownstreamStream, fault: HeadFault): void
  onHeadTimeout(stream: DownstreamStream): void
  /** The connection ended where a head had begun. */
  onHeadCutOff(protocol: string): void
  onClosed(close: TransportClose): void
}
