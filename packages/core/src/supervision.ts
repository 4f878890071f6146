// What a proxy and its supervisor ask each other. Types only: neither package imports the other.

/** The series of one metric: for each its label values, then its numbers (for a histogram: buckets, +Inf, sum). */
export interface FamilySnapshot {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  readonly buckets: readonly number[]
  readonly series: readonly (readonly [values: readonly string[], numbers: readonly number[]])[]
}

/** All metrics of one process at one moment. */
export type MetricsSnapshot = readonly FamilySnapshot[]

/** What a process has counted, the first `inherited` snapshots it was given included. */
export interface Counted {
  readonly snapshot: MetricsSnapshot
  readonly inherited: number
}

/** Envoy's words: LIVE serves, PRE_INITIALIZING waits for identity or configuration, DRAINING is on its way out. */
export type ProxyReadiness = 'LIVE' | 'PRE_INITIALIZING' | 'DRAINING'

/** What a proxy asks whoever supervises it. */
export type ProxyQuestions = {
  /**
   * A descriptor bound to this address comes with the answer; without one and without an error: bind it yourself. With
   * `more`, ask again with the next `index`: a process that does the work of several listens on several.
   */
  readonly listen: readonly [
    { readonly host: string; readonly port: number; readonly index: number },
    { readonly error?: string; readonly more?: boolean },
  ]
  /** This process listens there no more. */
  readonly release: readonly [{ readonly host: string; readonly port: number }, null]
  /** Its own metrics in, those of all other processes of the same proxy out. */
  readonly metrics: readonly [Counted, readonly MetricsSnapshot[]]
  /** Drain the other processes of this proxy, too. */
  readonly drain: readonly [null, null]
  /** The last word of a process that ends in good order: its metrics live on. */
  readonly farewell: readonly [Counted, null]
}

/** How a generation is to end. */
export interface Retirement {
  /** Connections that are still open after this long are ended. */
  readonly drainMs: number
  /** A connection without a request in flight is ended after this long. */
  readonly idleMs: number
}

/** What a supervisor asks a proxy process. */
export type SupervisorQuestions = {
  readonly state: readonly [null, { readonly readiness: ProxyReadiness; readonly connections: number }]
  /** Open the administrative ports and keep the accepted configuration: this process speaks for the whole proxy now. */
  readonly lead: readonly [null, { readonly error?: string }]
  /** Counters of processes that are gone go on in this one. */
  readonly inherit: readonly [readonly MetricsSnapshot[], null]
  readonly metrics: readonly [null, Counted]
  readonly drain: readonly [null, { readonly connections: number }]
  /** Accept no more, let what is open finish, say farewell, end. */
  readonly retire: readonly [Retirement, null]
}
