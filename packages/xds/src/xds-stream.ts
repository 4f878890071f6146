// One xDS stream as the planes see it: encoded messages both ways. Real ones sit on gRPC, in-memory ones on a queue.
import type { PeerIdentity } from '@weft/core'

/** Receives what happens on a stream. */
export interface XdsStreamHandler {
  /** One whole message; the bytes belong to the receiver. */
  onMessage(bytes: Uint8Array): void
  /** The queue has room again, after `send` returned false. */
  onDrain(): void
  /** Exactly once, last. `error` is undefined when the far end finished in good order. */
  onClose(error: string | undefined): void
}

/** Why a server ends a stream: the client may not, or it has too much already (gRPC: PERMISSION_DENIED, RESOURCE_EXHAUSTED). */
export type StreamRefusal = 'denied' | 'exhausted'

/** One end of a bidirectional stream. Nothing is delivered before `start`. */
export interface XdsStream {
  readonly kind: 'delta' | 'sotw'
  /** Who is at the far end, verified; undefined on plaintext. */
  readonly peer: PeerIdentity | undefined
  /** Where the far end is, for logs. */
  readonly remote: string
  start(handler: XdsStreamHandler): void
  /** Queues one message. False: wait for `onDrain` before sending more. After close it does nothing. */
  send(bytes: Uint8Array): boolean
  /** Ends the stream; `error` becomes the far end's, of the kind `refusal` ('denied' unless given). `onClose` follows. */
  close(error?: string, refusal?: StreamRefusal): void
}
