// What all exchanges of one proxy share.
import type { ClusterRegistry } from './cluster/cluster-registry.ts'
import type { H2Shared } from './codec/h2/connection.ts'
import type { DateHeader } from './exchange/date-header.ts'
import type { DeadlineLists } from './exchange/deadline-lists.ts'
import type { RandomPool } from './exchange/random-pool.ts'
import type { RequestPathContext } from './request-path.ts'
import type { RouteCounters } from './telemetry/route-counters.ts'

/** The request path's own context: what the proxy gave, and what is shared by its connections. */
export interface ProxyContext extends RequestPathContext {
  readonly clusters: ClusterRegistry
  readonly deadlines: DeadlineLists
  readonly random: RandomPool
  readonly date: DateHeader
  readonly routeCounters: RouteCounters
  /** What all HTTP/2 connections share. */
  readonly h2: H2Shared
}
