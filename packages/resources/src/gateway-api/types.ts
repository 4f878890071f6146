// What Gateway API kinds have in common, with the defaults of the CRDs filled in.

/** An object of the same namespace. */
export interface LocalReference {
  readonly group: string
  readonly kind: string
  readonly name: string
}

/** An object of any namespace; that of the object that refers to it unless written. */
export interface ObjectReference extends LocalReference {
  readonly namespace?: string
}

/** A part of an object of the same namespace. */
export interface TargetReference extends LocalReference {
  readonly sectionName?: string
}

/** What takes a route: a Gateway, a ListenerSet, or a Service inside the mesh. */
export interface ParentRef extends ObjectReference {
  readonly sectionName?: string
  readonly port?: number
}

/** Where requests go. */
export interface BackendRef extends ObjectReference {
  readonly port?: number
}

/** Where requests go, and how many of them. */
export interface WeightedBackendRef extends BackendRef {
  readonly weight: number
}

/** Labels that an object must carry. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: string
    readonly values?: readonly string[]
  }[]
}

/** Fields of every route. */
export interface RouteFields {
  readonly parentRefs?: readonly ParentRef[]
  readonly useDefaultGateways?: 'All' | 'None'
}

/** A match of a header or query parameter. */
export interface NamedMatch {
  readonly name: string
  readonly type: 'Exact' | 'RegularExpression'
  readonly value: string
}

/** Changes of headers. */
export interface HeaderModifier {
  readonly set?: readonly { readonly name: string; readonly value: string }[]
  readonly add?: readonly { readonly name: string; readonly value: string }[]
  readonly remove?: readonly string[]
}

/** Copies of requests, sent to another backend whose answers nobody reads. */
export interface RequestMirror {
  readonly backendRef: BackendRef
  readonly percent?: number
  readonly fraction?: { readonly numerator: number; readonly denominator: number }
}

/** Keeps the requests of one session at one endpoint. */
export interface SessionPersistence {
  readonly sessionName?: string
  readonly absoluteTimeout?: string
  readonly type: 'Cookie' | 'Header'
  readonly cookieConfig?: { readonly lifetimeType: 'Permanent' | 'Session' }
}
