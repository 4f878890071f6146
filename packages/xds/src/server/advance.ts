// Works out what may be sent now: at most one un-ACKed response per type, make before break (CDS, EDS, LDS, RDS; each
// waits until the earlier ones are acknowledged; removals last and in reverse), except that a new subscription is answered
// at once, because the client needs the answer to get on (warming).
import { changedNames } from '../layered-table.ts'
import type { EncodedResource } from '../resource-table.ts'
import { isFullState, pushOrder, typeUrl as types } from '../type-urls.ts'
import { isWanted, refusalOf, type ServerEffect, type ServerState, type TypeState } from './stream-state.ts'

interface Plan {
  readonly changes: EncodedResource[]
  /** The part of `changes` that was asked for. */
  readonly urgent: EncodedResource[]
  /** Asked for, but not there. */
  readonly missing: string[]
  readonly removals: string[]
}

const emptyPlan: Plan = { changes: [], urgent: [], missing: [], removals: [] }

/** Everything the stream may send now. Call after every event. */
export function advance(state: ServerState): ServerEffect[] {
  const effects: ServerEffect[] = []
  if (state.table === undefined || !state.writable) return effects
  let gated = false
  const removals: [TypeState, string[]][] = []
  for (const type of inOrder(state)) {
    if (type.pending === undefined) {
      const plan = planOf(state, type)
      const free = !gated || type.typeUrl === types.clusterLoadAssignment || type.answerAll || type.probe.length > 0
      const changes = free ? plan.changes : plan.urgent
      if (changes.length > 0 || type.answerAll || mustTellMissing(state, type, plan)) {
        effects.push(send(state, type, changes, state.kind === 'delta' ? plan.missing : []))
        if (changes.length < plan.changes.length) gated = true
      } else if (plan.changes.length > 0) gated = true
      else if (plan.removals.length > 0) removals.push([type, plan.removals])
      for (const name of plan.missing) type.requested.delete(name)
    }
    if (type.pending !== undefined) gated = true
  }
  // What refers to others goes before what it refers to: listeners, routes, clusters, endpoints.
  const last = gated ? undefined : removals.sort((a, b) => removalRank(a[0]) - removalRank(b[0]))[0]
  if (last !== undefined) effects.push(send(state, last[0], [], last[1]))
  return effects
}

function mustTellMissing(state: ServerState, type: TypeState, plan: Plan): boolean {
  return plan.missing.length > 0 && (state.kind === 'delta' || isFullState(type.typeUrl))
}

function inOrder(state: ServerState): TypeState[] {
  const rank = (type: TypeState): number => {
    const index = pushOrder.indexOf(type.typeUrl)
    return index < 0 ? pushOrder.length : index
  }
  return [...state.types.values()].sort((a, b) => rank(a) - rank(b))
}

function removalRank(type: TypeState): number {
  const order: readonly string[] = [
    types.listener,
    types.routeConfiguration,
    types.cluster,
    types.clusterLoadAssignment,
  ]
  const index = order.indexOf(type.typeUrl)
  return index < 0 ? order.length : index
}

function planOf(state: ServerState, type: TypeState): Plan {
  const map = state.table?.get(type.typeUrl)
  if (map === undefined) return emptyPlan
  look(type, map)
  if (type.dirty.size === 0 && type.requested.size === 0 && type.probe.length === 0) {
    accept(state, type)
    return emptyPlan
  }
  const plan: Plan = { changes: [], urgent: [], missing: [], removals: [] }
  for (const name of type.requested) {
    if (map.has(name)) type.dirty.add(name)
    else plan.missing.push(name)
  }
  for (const name of type.dirty) planOne(state, type, name, plan)
  if (type.probe.length > 0) return probing(type, plan)
  if (type.dirty.size === 0 && plan.missing.length === 0) accept(state, type)
  return plan
}

/** Marks what changed in the table since the last look. */
function look(type: TypeState, map: ReadonlyMap<string, EncodedResource>): void {
  if (type.seen === map) return
  const changed = type.seen === undefined ? undefined : changedNames(type.seen, map)
  type.seen = map
  if (changed !== undefined) {
    for (const name of changed) type.dirty.add(name)
    return
  }
  for (const name of type.wildcard ? map.keys() : type.names.keys()) type.dirty.add(name)
  for (const name of type.held.keys()) type.dirty.add(name)
}

/** What one name needs; a name that needs nothing is clean until something about it changes. */
function planOne(state: ServerState, type: TypeState, name: string, plan: Plan): void {
  state.compared++
  const resource = isWanted(type, name) ? state.table?.get(type.typeUrl).get(name) : undefined
  type.lacking.delete(name)
  if (resource === undefined) return planAbsent(state, type, name, plan)
  const asked = type.requested.has(name)
  if (refusalOf(type, resource) !== undefined) {
    type.lacking.add(name)
    type.requested.delete(name)
  } else if (asked || type.held.get(name)?.version !== resource.version) {
    plan.changes.push(resource)
    if (asked) plan.urgent.push(resource)
    return
  }
  type.dirty.delete(name)
}

function planAbsent(state: ServerState, type: TypeState, name: string, plan: Plan): void {
  if (!isWanted(type, name)) type.requested.delete(name)
  else if (type.held.has(name)) {
    if (state.kind === 'delta' || isFullState(type.typeUrl)) {
      plan.removals.push(name)
      return
    }
    type.held.delete(name)
  }
  type.dirty.delete(name)
}

/** While a NACK is being narrowed down only the next suspect is sent; suspects that no longer need sending are skipped. */
function probing(type: TypeState, plan: Plan): Plan {
  while (type.probe.length > 0) {
    const suspect = plan.changes.find((resource) => resource.name === type.probe[0])
    if (suspect !== undefined) return { ...plan, changes: [suspect], urgent: [suspect], removals: [] }
    type.probe.shift()
  }
  return plan
}

/** Nothing is left to send: the client has the table's version, unless it refused part of it. */
function accept(state: ServerState, type: TypeState): void {
  share(type)
  if (type.pending !== undefined || type.answerAll || type.lacking.size > 0) return
  type.acceptedVersion = state.table?.versionOf(type.typeUrl)
}

/** What the client holds and asks for is the table's map now, but for what it refused: all streams keep that one map. */
function share(type: TypeState): void {
  const { seen } = type
  if (seen === undefined) return
  type.held.layOver(seen, (earlier) => changedNames(earlier, seen))
  if (!type.wildcard) type.names.layOver(seen, (earlier) => changedNames(earlier, seen))
}

function send(
  state: ServerState,
  type: TypeState,
  changes: readonly EncodedResource[],
  removals: readonly string[],
): ServerEffect {
  const tableVersion = state.table?.versionOf(type.typeUrl) ?? ''
  const nonce = nonceFor(type, tableVersion)
  type.pending = {
    nonce,
    changes: new Map(changes.map((resource) => [resource.name, resource])),
    removals: new Set(removals),
    tableVersion,
    dropped: new Set(),
  }
  type.lastNonce = nonce
  type.answerAll = false
  for (const resource of changes) type.requested.delete(resource.name)
  if (type.typeUrl === types.cluster) resendEndpoints(state, changes)
  const full = state.kind === 'sotw' && isFullState(type.typeUrl)
  return {
    kind: 'send',
    typeUrl: type.typeUrl,
    nonce,
    tableVersion,
    resources: full ? wholeState(type, changes, removals) : changes,
    removed: state.kind === 'delta' ? removals : [],
  }
}

/**
 * A nonce made of what is sent and not of the stream, so that streams which are sent the same can be sent the same bytes. It
 * differs from the last one of the type, which is enough: there is one un-ACKed response of a type, and a client answers each
 * response before it sees the next.
 */
function nonceFor(type: TypeState, tableVersion: string): string {
  type.repeats = tableVersion === type.lastVersion ? type.repeats + 1 : 0
  type.lastVersion = tableVersion
  return `${tableVersion.slice(0, 16)}.${type.repeats}`
}

/** A State-of-the-World response of LDS or CDS: what the client has, with the changes and without the removals. */
function wholeState(
  type: TypeState,
  changes: readonly EncodedResource[],
  removals: readonly string[],
): EncodedResource[] {
  const all = new Map<string, EncodedResource>()
  for (const [name, held] of type.held.entries()) {
    if (held.body !== undefined && isWanted(type, name) && !removals.includes(name)) all.set(name, held)
  }
  for (const resource of changes) all.set(resource.name, resource)
  return [...all.values()]
}

/**
 * Envoy replaces a changed cluster by a new one that warms until its endpoints arrive, and does not ask for those again
 * when it is subscribed to them already, be it for another cluster: so they are sent again.
 */
function resendEndpoints(state: ServerState, clusters: readonly EncodedResource[]): void {
  const endpoints = state.types.get(types.clusterLoadAssignment)
  if (endpoints === undefined) return
  for (const { name: cluster, endpoints: name = cluster } of clusters) {
    if (endpoints.held.has(name) || endpoints.pending?.changes.has(name) === true) endpoints.requested.add(name)
  }
}
