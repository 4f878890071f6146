// What the server side of one stream remembers. It holds names and versions, never queued messages: what to send is worked
// out anew from the table whenever something may be sent.
import type { EncodedResource, ResourceTable } from '../resource-table.ts'
import { OverlaidMap } from './overlaid-map.ts'

/** A resource the client has; only its version is known when the client brought it from an earlier stream. */
export type Held = EncodedResource | { readonly version: string; readonly body?: undefined }

/** The one response of a type that waits for its ACK or NACK. */
export interface Pending {
  readonly nonce: string
  readonly changes: ReadonlyMap<string, EncodedResource>
  readonly removals: ReadonlySet<string>
  readonly tableVersion: string
  /** Names the client has let go of since: it will not have them, whatever it answers. */
  readonly dropped: Set<string>
}

/** A version of a resource the client refused. */
export interface Refusal {
  readonly resource: EncodedResource
  readonly reason: string
}

/** The subscription of one type on one stream. Mutable; owned by the reducer. */
export interface TypeState {
  readonly typeUrl: string
  wildcard: boolean
  /** State of the World only: a client that once named resources is past the legacy wildcard. */
  everNamed: boolean
  /** Names the client asked for. Like what it holds, kept as the difference from the table's map as soon as they agree. */
  readonly names: OverlaidMap<object>
  readonly held: OverlaidMap<Held>
  /** Names that must be answered although nothing changed, and without waiting for other types. */
  readonly requested: Set<string>
  /** A first wildcard request is answered even if there is nothing. */
  answerAll: boolean
  pending: Pending | undefined
  /** Nonce of the last response; '' before the first. */
  lastNonce: string
  /** The table's version in the last response, and how many responses in a row had it. */
  lastVersion: string
  repeats: number
  /** Changes of a NACK that named no resource, to be tried one at a time. */
  probe: string[]
  /** By name; the newest last, bounded. */
  readonly refused: Map<string, Refusal[]>
  acceptedVersion: string | undefined
  /** Some response was acknowledged on this stream. */
  everAccepted: boolean
  /** The table's map as last looked at; undefined: every name has to be. */
  seen: ReadonlyMap<string, EncodedResource> | undefined
  /** Names that may differ between what the client has and `seen`. All others agree, or are refused. */
  readonly dirty: Set<string>
  /** Wanted names whose current version the client refused. */
  readonly lacking: Set<string>
}

/** The server side of one stream. */
export interface ServerState {
  readonly kind: 'delta' | 'sotw'
  readonly types: Map<string, TypeState>
  table: ResourceTable | undefined
  /** Names compared with the table; whoever counts them sets it back to 0. */
  compared: number
  /** False while the stream's queue is full. */
  writable: boolean
}

/** What the driver has to do, or may want to log. */
export type ServerEffect =
  | {
      readonly kind: 'send'
      readonly typeUrl: string
      readonly nonce: string
      readonly tableVersion: string
      readonly resources: readonly EncodedResource[]
      readonly removed: readonly string[]
    }
  | { readonly kind: 'accepted'; readonly typeUrl: string; readonly names: readonly string[] }
  | { readonly kind: 'refused'; readonly typeUrl: string; readonly refusal: Refusal }
  | { readonly kind: 'refused-unnamed'; readonly typeUrl: string; readonly reason: string }

/** A stream on which nothing was said yet. */
export function newServerState(kind: 'delta' | 'sotw'): ServerState {
  return { kind, types: new Map(), table: undefined, compared: 0, writable: true }
}

/** A type the client has just asked for. */
export function newTypeState(typeUrl: string): TypeState {
  return {
    typeUrl,
    wildcard: false,
    everNamed: false,
    names: new OverlaidMap<object>((a, b) => (a === undefined) === (b === undefined)),
    held: new OverlaidMap<Held>((a, b) => a?.version === b?.version),
    requested: new Set(),
    answerAll: false,
    pending: undefined,
    lastNonce: '',
    lastVersion: '',
    repeats: 0,
    probe: [],
    refused: new Map(),
    acceptedVersion: undefined,
    everAccepted: false,
    seen: undefined,
    dirty: new Set(),
    lacking: new Set(),
  }
}

const wanted: object = {}

/** The client asks for a name. */
export function subscribe(type: TypeState, name: string): void {
  if (!type.names.has(name)) type.names.set(name, wanted)
}

/** The client wants this resource. */
export function isWanted(type: TypeState, name: string): boolean {
  return type.wildcard || type.names.has(name)
}

/** The refusal of exactly this version, if there was one on this stream. */
export function refusalOf(type: TypeState, resource: EncodedResource): Refusal | undefined {
  return type.refused.get(resource.name)?.find((refusal) => refusal.resource.version === resource.version)
}

/** Remembers that a version was refused, so that it is not sent again on this stream. */
export function refuse(type: TypeState, refusal: Refusal): void {
  const list = type.refused.get(refusal.resource.name) ?? []
  list.push(refusal)
  if (list.length > 16) list.shift()
  type.refused.set(refusal.resource.name, list)
}
