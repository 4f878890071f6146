// What the request path needs from the proxy around it, and the one way into it.
import type { Result, Runtime, Transport } from '@weft/core'
import type { ActiveConfig } from '@weft/engine'
import type { ClusterRegistry } from './cluster/cluster-registry.ts'
import type { Secrets } from './config/secret-source.ts'
import type { DeadlineLists } from './exchange/deadline-lists.ts'
import type { RandomPool } from './exchange/random-pool.ts'
import type { AcceptedConnection } from './listen/accepted-connection.ts'
import type { InternalEnds } from './listen/listener-manager.ts'
import type { TelemetrySink } from './telemetry/exchange-record.ts'

/** What `proxy.ts` gives the request path; see `createProxyContext`. */
export interface RequestPathOptions {
  readonly runtime: Runtime
  /** The configuration served by now; an exchange asks once, at its start. */
  active(): ActiveConfig
  readonly secrets: Secrets
  /** Opens an in-process connection to an internal listener (the inside of a CONNECT tunnel). */
  connectInternal(listenerName: string, ends: InternalEnds): Result<Transport>
  /** Asked once per connection. */
  telemetry(connection: AcceptedConnection): TelemetrySink
}

/** Everything shared by all exchanges of one proxy. */
export interface ProxyContext extends RequestPathOptions {
  readonly clusters: ClusterRegistry
  readonly deadlines: DeadlineLists
  readonly random: RandomPool
  /** When it is true, answers say `connection: close`. */
  draining: boolean
}
