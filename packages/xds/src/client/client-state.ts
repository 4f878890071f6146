// What the client side remembers of its subscriptions; it outlives streams.

/** A resource as it arrived. */
export interface Arrived {
  readonly name: string
  readonly version: string
  readonly value: Uint8Array
}

/** A response that waits to be processed, or is being processed. */
export interface Inbox {
  readonly nonce: string
  readonly systemVersion: string
  readonly added: readonly Arrived[]
  readonly removed: readonly string[]
  /** Resources that were unreadable as such; refused without asking the consumer. */
  readonly malformed: readonly { readonly name: string; readonly reason: string }[]
}

/** The subscription of one type. Mutable; owned by the reducer. */
export interface ClientType {
  readonly typeUrl: string
  wanted: Set<string>
  /** Name and version of everything applied; sent as `initial_resource_versions` on a reconnect. */
  readonly held: Map<string, string>
  /** What the current stream was told is wanted; undefined before its first request. */
  told: Set<string> | undefined
  inbox: Inbox[]
  /** What the consumer works on now, if anything. */
  processing: Inbox | undefined
  /** State of the World: nonce and version of the last response processed on this stream, for the next request. */
  lastNonce: string
  acceptedVersion: string
}

/** The client side. */
export interface ClientState {
  readonly kind: 'delta' | 'sotw'
  readonly types: Map<string, ClientType>
  /** Counts streams; 0 when none is open. Results of an older stream's responses are applied but not acknowledged. */
  stream: number
  streams: number
  nodeSent: boolean
}

/** A request to encode and send; `withNode` on the first of a stream. */
export type ClientEffect =
  | {
      readonly kind: 'request'
      readonly typeUrl: string
      readonly withNode: boolean
      /** Delta: what to add to the subscription. State of the World: all names. */
      readonly subscribe: readonly string[]
      readonly unsubscribe: readonly string[]
      readonly initialVersions: ReadonlyMap<string, string>
      readonly nonce: string
      /** State of the World only. */
      readonly version: string
      readonly errors: readonly { readonly name: string; readonly reason: string }[]
    }
  | {
      readonly kind: 'deliver'
      readonly typeUrl: string
      readonly stream: number
      readonly added: readonly Arrived[]
      readonly removed: readonly string[]
    }

/** A client that wants nothing yet. */
export function newClientState(kind: 'delta' | 'sotw'): ClientState {
  return { kind, types: new Map(), stream: 0, streams: 0, nodeSent: false }
}

/** The state of a type, made when missing. */
export function clientType(state: ClientState, typeUrl: string): ClientType {
  const known = state.types.get(typeUrl)
  if (known !== undefined) return known
  const fresh: ClientType = {
    typeUrl,
    wanted: new Set(),
    held: new Map(),
    told: undefined,
    inbox: [],
    processing: undefined,
    lastNonce: '',
    acceptedVersion: '',
  }
  state.types.set(typeUrl, fresh)
  return fresh
}
