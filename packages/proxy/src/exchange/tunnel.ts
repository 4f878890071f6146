import { Buffer } from 'node:buffer'
import type { Transport } from '@weft/core'
import { Splice, type SpliceEnd } from '../tcp/splice.ts'
import type { Exchange } from './exchange.ts'
import { tunnelOutcome, type TunnelWire, type TunnelWires } from './tunnel-outcome.ts'

const nothing = Buffer.alloc(0)

/** One side of a tunnel: a byte stream, and what was read of it already. */
export interface TunnelEnd {
  readonly transport: Transport
  readonly head: Buffer | undefined
  readonly wire: TunnelWire
}

/** Time limits of a tunnel, milliseconds; 0: none. */
export interface TunnelLimits {
  readonly idleTimeoutMs: number
  readonly maxDurationMs: number
}

/** An exchange that carries something else than HTTP: bytes both ways until both sides are over. */
export class Tunnel {
  readonly #exchange: Exchange
  readonly #splice: Splice
  readonly #wires: TunnelWires
  readonly #onOver: () => void

  constructor(
    exchange: Exchange,
    ends: { readonly downstream: TunnelEnd; readonly upstream: TunnelEnd },
    limits: TunnelLimits,
    onOver: () => void,
  ) {
    this.#exchange = exchange
    this.#onOver = onOver
    this.#wires = { downstream: ends.downstream.wire, upstream: ends.upstream.wire }
    const { body, context } = exchange
    this.#splice = new Splice(ends.downstream.transport, ends.upstream.transport, {
      runtime: context.runtime,
      limits,
      onEnd: (end) => this.#ended(end),
    })
    // What the client sent before it knew of the tunnel, on a stream that may carry a body.
    const { head } = ends.downstream
    const early =
      body.pieces.length === 0 ? head : Buffer.concat(head === undefined ? body.pieces : [...body.pieces, head])
    this.#splice.start(early, ends.upstream.head ?? nothing)
  }

  /** Ends both sides at once. */
  destroy(): void {
    this.#splice.destroy()
  }

  /** Tells the exchange how much it has carried. */
  count(): void {
    this.#exchange.bytesReceived = this.#splice.bytesFromDownstream
    this.#exchange.bytesSent = this.#splice.bytesFromUpstream
  }

  #ended(end: SpliceEnd): void {
    const exchange = this.#exchange
    this.#onOver()
    this.count()
    const { flag, details } = tunnelOutcome(end, this.#wires)
    exchange.details = details
    if (flag !== undefined) exchange.flag(flag)
    exchange.endTunnel()
  }
}
