import type { PeerIdentity, Transport, TransportClose } from '@weft/core'

/** How the opening of a connection to an internal listener ended; exactly one is called. */
export interface InternalOutcome {
  onOpen(transport: Transport): void
  onFail(close: TransportClose, timedOut: boolean): void
}

/**
 * An in-process connection that is not open yet. Whoever serves its far end may hold it until an upstream is there: then who opened it
 * learns whose certificate answered, or that nobody did, and can try another endpoint. What is not held is open at once.
 */
export class InternalOpening {
  readonly #near: Transport
  readonly #end: { peer: PeerIdentity | undefined }
  #held = false
  #failure: { readonly close: TransportClose; readonly timedOut: boolean } | undefined
  #outcome: InternalOutcome | undefined

  /** `end`: what the near transport reads its peer from. */
  constructor(near: Transport, end: { peer: PeerIdentity | undefined }) {
    this.#near = near
    this.#end = end
  }

  /** Whoever dialled wants to know; not within the call that began it. */
  settle(outcome: InternalOutcome): void {
    this.#outcome = outcome
    this.#tell()
  }

  /** Nobody wants to know any more. */
  giveUp(): void {
    this.#outcome = undefined
    this.#near.destroy(true)
  }

  /** The far end's server: it opens when I say so. */
  hold(): void {
    this.#held = true
  }

  /** The far end's server: an upstream with this certificate takes the bytes. */
  opened(peer: PeerIdentity | undefined): void {
    this.#held = false
    this.#end.peer = peer
    this.#tell()
  }

  /** The far end's server: there will be no upstream. */
  failed(detail: string, timedOut: boolean): void {
    this.#held = false
    this.#failure = { close: { reason: timedOut ? 'timeout' : 'closed', detail }, timedOut }
    this.#tell()
  }

  #tell(): void {
    const outcome = this.#outcome
    if (this.#held || outcome === undefined) return
    this.#outcome = undefined
    if (this.#failure === undefined) return outcome.onOpen(this.#near)
    this.#near.destroy()
    outcome.onFail(this.#failure.close, this.#failure.timedOut)
  }
}
