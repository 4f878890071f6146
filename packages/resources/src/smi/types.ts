// The kinds of the Service Mesh Interface, read from all their versions into one shape.

/** A way to name ServiceAccounts. */
export interface SmiIdentity {
  readonly kind: 'ServiceAccount'
  readonly name: string
  /** That of the TrafficTarget unless written. */
  readonly namespace?: string
}

/** Spec of a TrafficTarget: who may call whom, and what. */
export interface TrafficTargetSpec {
  /** `port` is of older versions: the only port that is meant. */
  readonly destination: SmiIdentity & { readonly port?: number }
  readonly sources: readonly SmiIdentity[]
  readonly rules: readonly {
    readonly kind: 'HTTPRouteGroup' | 'TCPRoute'
    readonly name: string
    /** Names of matches of the group; none: all of them. */
    readonly matches?: readonly string[]
  }[]
}

/** Requests of a kind. All conditions must hold. */
export interface SmiHttpMatch {
  readonly name: string
  /** Bound to the start of the path, and not to its end. */
  readonly pathRegex?: string
  /** `*` is every method. */
  readonly methods?: readonly string[]
  /** Expressions by header. */
  readonly headers: Readonly<Record<string, string>>
}

/** Spec of an HTTPRouteGroup. */
export interface HTTPRouteGroupSpec {
  readonly matches: readonly SmiHttpMatch[]
}

/** Spec of SMI's TCPRoute and UDPRoute: no ports are all ports. */
export interface SmiPortsSpec {
  readonly ports: readonly number[]
}

/** Spec of a TrafficSplit. */
export interface TrafficSplitSpec {
  /** The Service that clients call. */
  readonly service: string
  readonly matches: readonly { readonly kind: 'HTTPRouteGroup'; readonly name: string }[]
  readonly backends: readonly { readonly service: string; readonly weight: number }[]
}
