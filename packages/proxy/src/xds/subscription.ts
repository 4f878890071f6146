// What the proxy's xDS clients offer to the rest of the proxy, and what they ask of it.
import type { TlsMaterial } from '@weft/core'
import type { XdsStream } from '@weft/xds'

/** A resource that arrived. `value` is the encoded resource message; it may be kept. */
export interface ResourceUpdate {
  readonly name: string
  readonly version: string
  readonly value: Uint8Array
}

/** A resource the proxy cannot take, and why; sent to the control plane in `error_detail`. */
export interface ResourceRejection {
  readonly name: string
  readonly reason: string
}

/** Where updates go. */
export interface XdsConsumer {
  /**
   * Takes one response. Resolves when it is applied (or refused) with the resources that were refused: the others are in
   * effect by then, and the response is acknowledged only then. Called for one response of a type at a time. Responses of
   * other types keep arriving meanwhile, so that waiting here for endpoints of a new cluster works.
   */
  onUpdate(
    typeUrl: string,
    added: readonly ResourceUpdate[],
    removed: readonly string[],
  ): Promise<readonly ResourceRejection[]>
  /** The stream came up, or went away (or could not be opened) and why; a reconnect follows by itself. `renewing`: it was asked for. */
  onConnection?(state: ConnectionState): void
}

export type ConnectionState =
  | { readonly connected: true }
  | { readonly connected: false; readonly reason: string; readonly renewing: boolean }

/** A running client. */
export interface XdsSubscriber {
  readonly connected: boolean
  /** Declares ALL names of the type that are wanted from now on; `['*']` is everything there is, `[]` is nothing. */
  subscribe(typeUrl: string, names: readonly string[]): void
  /** Opens a new stream soon and lets go of the present one, so that a renewed SVID is shown. */
  reconnect(reason: string): void
  /** Ends the stream and all timers. */
  close(): void
}

/** Opens xDS streams: gRPC in reality, in memory in tests. Exactly one callback fires, never synchronously. */
export type XdsDialer = (onOpen: (stream: XdsStream) => void, onFail: (reason: string) => void) => () => void

/** How a control plane is reached over mTLS. Asked for at each connect, so that a renewed SVID is used by itself. */
export interface ControlPlaneTls {
  readonly material: TlsMaterial
  readonly rootsPem: string
  /** The only SPIFFE id the server may have. */
  readonly serverSpiffeId: string
}
