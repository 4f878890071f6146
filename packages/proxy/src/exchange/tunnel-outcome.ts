// What the log says of a tunnel that is over, in Envoy's words.
import type { SpliceEnd } from '../tcp/splice.ts'
import type { ResponseFlag } from '../telemetry/exchange-record.ts'
import { exchangeErrors } from './error-table.ts'

/** What carries one side: a connection of HTTP/1.1 that switched, a stream of HTTP/2, or a connection of its own. */
export type TunnelWire = 'http1' | 'stream' | 'bytes'

/** Both sides. */
export interface TunnelWires {
  readonly downstream: TunnelWire
  readonly upstream: TunnelWire
}

/** Flag and details. */
export interface TunnelOutcome {
  readonly flag: ResponseFlag | undefined
  readonly details: string
}

const orderly: TunnelOutcome = { flag: undefined, details: 'via_upstream' }

/**
 * How it ended: the side that was done first decides. A stream and a bare connection may be done in order; a connection of HTTP/1.1 that
 * switched knows no order, so that its end is a loss.
 */
export function tunnelOutcome(end: Pick<SpliceEnd, 'by' | 'first' | 'close'>, wires: TunnelWires): TunnelOutcome {
  const { by, first, close } = end
  if (by === 'idle') return exchangeErrors.streamIdle
  if (by === 'duration') return exchangeErrors.maxDuration
  const reset = close?.reason === 'reset'
  if (first === 'upstream') {
    if (wires.upstream === 'http1') return exchangeErrors.upstreamCut
    if (by !== 'upstream') return orderly
  } else if (wires.downstream === 'http1') return exchangeErrors.downstreamGone
  if (by === 'both') return orderly
  if (by === 'upstream')
    return wires.upstream === 'stream' && reset ? exchangeErrors.upstreamReset : exchangeErrors.upstreamCut
  return wires.downstream === 'stream' && reset ? exchangeErrors.downstreamReset : exchangeErrors.downstreamGone
}
