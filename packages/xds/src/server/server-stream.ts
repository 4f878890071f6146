// The server side of one xDS stream as a reducer: events in, effects out, no I/O. The state is mutable and owned here (a
// table of ten thousand names is not copied per event); every change is announced by an effect.
import type { DeltaDiscoveryRequest, DiscoveryRequest } from '@weft/xds/lean'
import type { ResourceTable } from '../resource-table.ts'
import { isFullState } from '../type-urls.ts'
import { advance } from './advance.ts'
import { acknowledge, refuseResponse } from './settle.ts'
import {
  isWanted,
  newTypeState,
  type ServerEffect,
  type ServerState,
  subscribe,
  type TypeState,
} from './stream-state.ts'

/** The proxy's table changed (or is known for the first time). */
export function onTable(state: ServerState, table: ResourceTable): ServerEffect[] {
  state.table = table
  return advance(state)
}

/** The stream's queue filled up, or has room again. */
export function onWritable(state: ServerState, writable: boolean): ServerEffect[] {
  state.writable = writable
  return advance(state)
}

/** A Delta request: an ACK or NACK, a change of subscription, or both. */
export function onDeltaRequest(state: ServerState, request: DeltaDiscoveryRequest): ServerEffect[] {
  const before = state.types.get(request.typeUrl)
  const type = before ?? newTypeState(request.typeUrl)
  const effects: ServerEffect[] = []
  const known = namesOf(state, type)
  if (before === undefined) {
    state.types.set(type.typeUrl, type)
    for (const [name, version] of request.initialResourceVersions) type.held.set(name, { version })
  } else effects.push(...settle(type, request))
  const first = before === undefined
  const wildcardBefore = type.wildcard
  for (const name of request.resourceNamesSubscribe) {
    if (name === '*') type.wildcard = true
    else {
      subscribe(type, known(name))
      // On a reconnect the version tells whether the client needs it; otherwise it may have dropped what it had.
      if (first && type.held.has(name)) continue
      type.held.delete(name)
      type.requested.add(known(name))
    }
  }
  for (const name of request.resourceNamesUnsubscribe) {
    if (name === '*') type.wildcard = false
    else type.names.delete(name)
    if (!type.wildcard) type.pending?.dropped.add(name)
  }
  if (first && request.resourceNamesSubscribe.length === 0 && isFullState(type.typeUrl)) type.wildcard = true
  if (type.wildcard && !wildcardBefore && type.held.size === 0) type.answerAll = true
  forgetUnwanted(type, wildcardBefore && !type.wildcard ? [...type.held.keys()] : request.resourceNamesUnsubscribe)
  if (type.wildcard !== wildcardBefore) type.seen = undefined
  effects.push(...advance(state))
  return effects
}

/** A State-of-the-World request. One with the nonce of an older response is stale and changes nothing. */
export function onSotwRequest(state: ServerState, request: DiscoveryRequest): ServerEffect[] {
  const before = state.types.get(request.typeUrl)
  const type = before ?? newTypeState(request.typeUrl)
  const effects: ServerEffect[] = []
  const known = namesOf(state, type)
  if (before === undefined) state.types.set(type.typeUrl, type)
  else if (type.lastNonce !== '' && request.responseNonce !== '' && request.responseNonce !== type.lastNonce) return []
  else {
    const { pending } = type
    effects.push(...settle(type, request))
    // What the client kept from an earlier stream is unknown until it takes a whole set on this one.
    const refused = effects.length > 0 && request.errorDetail !== undefined && (pending?.changes.size ?? 0) > 0
    if (refused && isFullState(type.typeUrl) && !type.everAccepted) type.answerAll = true
  }
  const names = new Set(request.resourceNames)
  names.delete('*')
  const wildcardBefore = type.wildcard
  if (request.resourceNames.length > 0) type.everNamed = true
  type.wildcard = request.resourceNames.includes('*') || (isFullState(type.typeUrl) && !type.everNamed)
  for (const name of names) if (!type.names.has(name)) type.requested.add(name)
  const dropped = [...type.names.keys()].filter((name) => !names.has(name))
  for (const name of dropped) {
    type.names.delete(name)
    if (!type.wildcard) type.pending?.dropped.add(name)
  }
  for (const name of names) subscribe(type, known(name))
  if (type.wildcard && !wildcardBefore) type.answerAll = true
  forgetUnwanted(type, wildcardBefore && !type.wildcard ? [...type.held.keys()] : dropped)
  if (type.wildcard !== wildcardBefore) type.seen = undefined
  effects.push(...advance(state))
  return effects
}

function settle(type: TypeState, request: DeltaDiscoveryRequest | DiscoveryRequest): ServerEffect[] {
  const { pending } = type
  if (pending === undefined || request.responseNonce !== pending.nonce) return []
  return request.errorDetail === undefined
    ? acknowledge(type, pending)
    : refuseResponse(type, pending, request.errorDetail)
}

/** After a change of the subscription: what is no longer wanted is no longer known to be there. */
function forgetUnwanted(type: TypeState, names: Iterable<string>): void {
  for (const name of names) {
    if (isWanted(type, name)) continue
    type.held.delete(name)
    type.requested.delete(name)
    type.lacking.delete(name)
    type.dirty.delete(name)
  }
}

/** Gives a name as the table writes it: a thousand streams subscribe to the same names, which then exist once. */
function namesOf(state: ServerState, type: TypeState): (name: string) => string {
  const map = state.table?.get(type.typeUrl)
  return (name) => map?.get(name)?.name ?? name
}
