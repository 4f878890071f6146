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
  readonly types: readonly TypeStatus[]
}

/** Tells what a proxy has, from its table and its newest stream. */
export function proxyStatus(proxy: {
  readonly proxyId: string
  readonly table: ResourceTable | undefined
  readonly last: ProxyStream | undefined
  readonly connected: boolean
}): ProxyStatus {
  const { last, table } = proxy
  return {
    proxyId: proxy.proxyId,
    connected: proxy.connected,
    kind: last?.stream.kind,
    peer: last?.stream.peer,
    remote: last?.stream.remote,
    userAgent: last === undefined ? undefined : userAgentOf(last.node),
    types: pushOrder.flatMap((typeUrl) => {
      const type = last?.state.types.get(typeUrl)
      const served = table?.get(typeUrl)
      if (type === undefined && (served === undefined || served.size === 0)) return []
      return [typeStatus(typeUrl, table, type)]
    }),
  }
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
