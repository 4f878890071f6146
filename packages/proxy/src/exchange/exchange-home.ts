import type { RedirectsSoFar } from '@weft/engine'
import type { DownstreamStream } from '../codec/http-stream.ts'
import type { ProxyContext } from '../context.ts'
import type { AcceptedConnection } from '../listen/accepted-connection.ts'
import type { TelemetrySink } from '../telemetry/exchange-record.ts'
import type { Exchange } from './exchange.ts'
import type { ClientFacts } from './forwarding-headers.ts'

/** What an exchange is part of. */
export interface ExchangeHome {
  readonly context: ProxyContext
  readonly accepted: AcceptedConnection
  readonly sink: TelemetrySink
  /** True when this connection may serve another request after this one. */
  keepsAlive(): boolean
  /** The connection became a tunnel that is over now. */
  onTunnelClosed(): void
  /** Makes the exchange that goes on with a request which was sent elsewhere. */
  goOn(stream: DownstreamStream, before: Predecessor): Exchange
}

/** What an exchange takes over from the one whose request it goes on with. */
export interface Predecessor extends ClientFacts {
  readonly startMs: number
  readonly bytesReceived: number
  readonly redirects: RedirectsSoFar
}
