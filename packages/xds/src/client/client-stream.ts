// The client side of xDS as a reducer: events in, effects out, no I/O; Delta and State of the World. The state is mutable
// and owned here. One response of a type is processed at a time, and acknowledged when the consumer is done with it.
import type { DeltaDiscoveryResponse, DiscoveryResponse } from '@weft/xds/lean'
import { isFullState, pushOrder } from '../type-urls.ts'
import { type ClientEffect, type ClientState, type ClientType, clientType, type Inbox } from './client-state.ts'

/** What the consumer refused. */
export interface ClientRejection {
  readonly name: string
  readonly reason: string
}

const noVersions: ReadonlyMap<string, string> = new Map()

/** The names of a type that are wanted from now on; `*` is everything. */
export function onWant(state: ClientState, typeUrl: string, names: readonly string[]): ClientEffect[] {
  const type = clientType(state, typeUrl)
  type.wanted = new Set(names)
  for (const name of type.held.keys()) if (!isWanted(type, name)) type.held.delete(name)
  return state.stream === 0 ? [] : subscribe(state, type)
}

/** Resources that are in effect already, from an earlier life of the process. */
export function onRestore(state: ClientState, typeUrl: string, versions: ReadonlyMap<string, string>): void {
  const type = clientType(state, typeUrl)
  for (const [name, version] of versions) type.held.set(name, version)
}

/** A stream is up. */
export function onOpen(state: ClientState): ClientEffect[] {
  state.stream = ++state.streams
  state.nodeSent = false
  const rank = (url: string): number => (pushOrder.includes(url) ? pushOrder.indexOf(url) : pushOrder.length)
  const types = [...state.types.values()].sort((a, b) => rank(a.typeUrl) - rank(b.typeUrl))
  for (const type of types) {
    type.told = undefined
    type.inbox = []
    type.lastNonce = ''
  }
  return types.flatMap((type) => subscribe(state, type))
}

/** The stream is gone. What is being processed goes on. */
export function onClosed(state: ClientState): void {
  state.stream = 0
  for (const type of state.types.values()) type.inbox = []
}

/** A Delta response. */
export function onDeltaResponse(state: ClientState, response: DeltaDiscoveryResponse): ClientEffect[] {
  const added: Inbox['added'][number][] = []
  const malformed: ClientRejection[] = []
  for (const { name, version, resource } of response.resources) {
    if (resource === undefined || resource.typeUrl !== response.typeUrl) {
      malformed.push({ name, reason: `expected ${response.typeUrl}, got ${resource?.typeUrl ?? 'no resource'}` })
    } else added.push({ name, version, value: resource.value })
  }
  const { nonce, systemVersionInfo: systemVersion, removedResources: removed } = response
  return receive(state, response.typeUrl, { nonce, systemVersion, added, removed, malformed })
}

/**
 * A State-of-the-World response. Its resources carry no names, so `nameOf` reads them; undefined when it cannot.
 * What a full-state type leaves out is removed.
 */
export function onSotwResponse(
  state: ClientState,
  response: DiscoveryResponse,
  nameOf: (typeUrl: string, value: Uint8Array) => string | undefined,
): ClientEffect[] {
  const added: Inbox['added'][number][] = []
  const malformed: ClientRejection[] = []
  for (const any of response.resources) {
    const name = any.typeUrl === response.typeUrl ? nameOf(any.typeUrl, any.value) : undefined
    if (name === undefined) malformed.push({ name: '', reason: `unreadable resource of type ${any.typeUrl}` })
    else added.push({ name, version: response.versionInfo, value: any.value })
  }
  const sent = new Set(added.map((resource) => resource.name))
  const held = state.types.get(response.typeUrl)?.held ?? noVersions
  const gone = isFullState(response.typeUrl) && malformed.length === 0
  const removed = gone ? [...held.keys()].filter((name) => !sent.has(name)) : []
  const { nonce, versionInfo: systemVersion } = response
  return receive(state, response.typeUrl, { nonce, systemVersion, added, removed, malformed })
}

/** The consumer is done with what `deliver` gave it; `stream` is that effect's. */
export function onProcessed(
  state: ClientState,
  done: { readonly typeUrl: string; readonly stream: number; readonly rejected: readonly ClientRejection[] },
): ClientEffect[] {
  const type = clientType(state, done.typeUrl)
  const current = type.processing
  type.processing = undefined
  if (current === undefined) return []
  const rejected = new Set(done.rejected.map((item) => item.name))
  for (const { name, version } of current.added) {
    if (!rejected.has(name) && isWanted(type, name)) type.held.set(name, version)
  }
  for (const name of current.removed) type.held.delete(name)
  const effects: ClientEffect[] = []
  if (state.stream !== 0 && done.stream === state.stream) {
    const errors = [...current.malformed, ...done.rejected]
    if (errors.length === 0) type.acceptedVersion = current.systemVersion
    type.lastNonce = current.nonce
    effects.push(request(state, type, { nonce: current.nonce, errors }))
  }
  if (state.stream !== 0) effects.push(...subscribe(state, type))
  effects.push(...next(state, type))
  return effects
}

function receive(state: ClientState, typeUrl: string, inbox: Inbox): ClientEffect[] {
  const type = clientType(state, typeUrl)
  type.inbox.push(inbox)
  return type.processing === undefined ? next(state, type) : []
}

function next(state: ClientState, type: ClientType): ClientEffect[] {
  const inbox = type.inbox.shift()
  if (inbox === undefined || state.stream === 0) return []
  const added = inbox.added.filter((resource) => isWanted(type, resource.name))
  type.processing = { ...inbox, added }
  return [{ kind: 'deliver', typeUrl: type.typeUrl, stream: state.stream, added, removed: inbox.removed }]
}

function isWanted(type: ClientType, name: string): boolean {
  return type.wanted.has(name) || type.wanted.has('*')
}

/** Tells the stream what it does not know yet of the wanted names. */
function subscribe(state: ClientState, type: ClientType): ClientEffect[] {
  const first = type.told === undefined
  if (first && type.wanted.size === 0) return []
  // What is held is only known when the work on an earlier stream's response is done; `onProcessed` comes back here.
  if (first && type.processing !== undefined) return []
  const told = type.told ?? new Set()
  const added = [...type.wanted].filter((name) => !told.has(name))
  const gone = [...told].filter((name) => !type.wanted.has(name))
  if (!first && added.length === 0 && gone.length === 0) return []
  return [request(state, type, { nonce: '', errors: [] })]
}

function request(
  state: ClientState,
  type: ClientType,
  about: { readonly nonce: string; readonly errors: readonly ClientRejection[] },
): ClientEffect {
  const first = type.told === undefined
  const told = type.told ?? new Set<string>()
  const { wanted } = type
  type.told = new Set(wanted)
  const withNode = !state.nodeSent
  state.nodeSent = true
  const common = { kind: 'request', typeUrl: type.typeUrl, withNode, errors: about.errors } as const
  if (state.kind === 'sotw') {
    return {
      ...common,
      subscribe: legacyWildcard(wanted) ? [] : [...wanted],
      unsubscribe: [],
      initialVersions: noVersions,
      nonce: about.nonce === '' ? type.lastNonce : about.nonce,
      version: type.acceptedVersion,
    }
  }
  const added = [...wanted].filter((name) => !told.has(name))
  return {
    ...common,
    subscribe: first && legacyWildcard(wanted) ? [] : added,
    unsubscribe: [...told].filter((name) => !wanted.has(name)),
    initialVersions: first ? new Map(type.held) : noVersions,
    nonce: about.nonce,
    version: '',
  }
}

/** Naming nothing at all is what every server understands as everything. */
function legacyWildcard(wanted: ReadonlySet<string>): boolean {
  return wanted.size === 1 && wanted.has('*')
}
