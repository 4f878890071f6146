// What the distributor knows of each proxy, for `weft status`.
import type { Origin, PeerIdentity } from '@weft/core'
import { pushOrder, refusalOf, type ResourceTable, type TypeState } from '@weft/xds'
import type { Node } from '@weft/xds/lean'
import type { ProxyStream } from './distributor.ts'

/** A resource the proxy refused. */
export interface RefusedResource {
  readonly name: string
  readonly version: string
  readonly reason: string
  readonly origin: readonly Origin[]
}

/** One resource type of one proxy. */
export interface TypeStatus {
  readonly typeUrl: string
  /** The version the proxy should have. */
  readonly version: string
  /** The version it last acknowledged as a whole; undefined before that. */
  readonly acceptedVersion: string | undefined
  /**
   * `accepted`: it has all it should have; `warming`: sent or about to be, not acknowledged yet; `refused`: it has all but
   * what it refused; `unsubscribed`: it does not ask for this type.
   */
  readonly state: 'accepted' | 'warming' | 'refused' | 'unsubscribed'
  /** How many resources of the type the proxy holds. */
  readonly resources: number
  readonly refused: readonly RefusedResource[]
}

/** One proxy the distributor has a table for, or a stream of. */
export interface ProxyStatus {
  readonly proxyId: string
  readonly connected: boolean
  readonly kind: 'delta' | 'sotw' | undefined
  readonly peer: PeerIdentity | undefined
  readonly remote: string | undefined
  /** Name and version the client gave in its node. */
  readonly userAgent: string | undefined
  /** The name of the patches that its bootstrap was made with (Envoy). */
  readonly bootstrap: string | undefined
  readonly types: readonly TypeStatus[]
}

/**
 * Tells what a proxy has. A proxy may be several processes (shards, or two generations during a restart), each with a stream:
 * it has what all of them have. `streams` is the open ones, or the newest of those that closed.
 */
export function proxyStatus(proxy: {
  readonly proxyId: string
  readonly table: ResourceTable | undefined
  readonly streams: readonly ProxyStream[]
  readonly connected: boolean
}): ProxyStatus {
  const { streams, table } = proxy
  const newest = streams.at(-1)
  return {
    proxyId: proxy.proxyId,
    connected: proxy.connected,
    kind: newest?.stream.kind,
    peer: newest?.stream.peer,
    remote: newest?.stream.remote,
    userAgent: newest === undefined ? undefined : userAgentOf(newest.node),
    bootstrap: newest === undefined ? undefined : bootstrapOf(newest.node),
    types: pushOrder.flatMap((typeUrl) => {
      const states = streams.map(({ state }) => state.types.get(typeUrl))
      const served = table?.get(typeUrl)
      if (states.every((state) => state === undefined) && (served === undefined || served.size === 0)) return []
      if (states.length === 0) return [typeStatus(typeUrl, table, undefined)]
      return [states.map((state) => typeStatus(typeUrl, table, state)).reduce(together)]
    }),
  }
}

/** From what keeps a proxy from having everything to what does not. */
const byGravity: readonly TypeStatus['state'][] = ['warming', 'unsubscribed', 'refused', 'accepted']

/** What two processes of one proxy have together: the lesser of the two, and all that either refused. */
function together(one: TypeStatus, other: TypeStatus): TypeStatus {
  const lesser = byGravity.indexOf(one.state) <= byGravity.indexOf(other.state) ? one : other
  const names = new Set(one.refused.map(({ name }) => name))
  const refused = [...one.refused, ...other.refused.filter(({ name }) => !names.has(name))]
  return { ...lesser, resources: Math.min(one.resources, other.resources), refused }
}

function bootstrapOf({ metadata }: Node): string | undefined {
  const weft = metadata?.['WEFT']
  if (typeof weft !== 'object' || weft === null) return undefined
  const name = (weft as Readonly<Record<string, unknown>>)['bootstrap']
  return typeof name === 'string' ? name : undefined
}

function userAgentOf(node: Node): string | undefined {
  const text = `${node.userAgentName} ${node.userAgentVersion ?? ''}`.trim()
  return text === '' ? undefined : text
}

function typeStatus(typeUrl: string, table: ResourceTable | undefined, type: TypeState | undefined): TypeStatus {
  const version = table?.versionOf(typeUrl) ?? ''
  const base = { typeUrl, version, acceptedVersion: type?.acceptedVersion, resources: type?.held.size ?? 0 }
  if (type === undefined) return { ...base, state: 'unsubscribed', refused: [] }
  const refused = [...type.lacking].sort().flatMap((lacking) => {
    const resource = table?.get(typeUrl).get(lacking)
    const refusal = resource === undefined ? undefined : refusalOf(type, resource)
    if (resource === undefined || refusal === undefined) return []
    const { name, version: refusedVersion, origin } = resource
    return [{ name, version: refusedVersion, reason: refusal.reason, origin: origin ?? [] }]
  })
  if (refused.length > 0) return { ...base, state: 'refused', refused }
  return { ...base, state: type.acceptedVersion === version ? 'accepted' : 'warming', refused }
}
