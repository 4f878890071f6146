// What tables of hashes are made of: endpoints with their shares of the traffic, as Envoy works them out.
import type { Endpoint } from '../model.ts'
import type { PriorityLevel } from '../reduce/priority-levels.ts'

/** An endpoint, the text it is hashed by, and its share; all shares make 1. */
export interface WeightedHost {
  readonly endpoint: Endpoint
  readonly key: string
  readonly weight: number
}

/** The eligible endpoints of a level; where localities have shares, those of a locality divide its share. */
export function weightedHosts(level: PriorityLevel, byHostname: boolean): readonly WeightedHost[] {
  const { parts } = level
  if (parts === undefined) return sharing(level.eligible, 1, byHostname)
  const total = parts.reduce((sum, part) => sum + (part.eligible.length === 0 ? 0 : part.weight), 0)
  return parts.flatMap((part) => (part.weight === 0 ? [] : sharing(part.eligible, part.weight / total, byHostname)))
}

function sharing(endpoints: readonly Endpoint[], share: number, byHostname: boolean): WeightedHost[] {
  const sum = endpoints.reduce((all, { weight }) => all + weight, 0)
  return endpoints.map((endpoint) => ({
    endpoint,
    key: keyOf(endpoint, byHostname),
    weight: (endpoint.weight * share) / sum,
  }))
}

function keyOf({ key, hostname, metadata }: Endpoint, byHostname: boolean): string {
  const own = (metadata['envoy.lb'] as { readonly hash_key?: unknown } | undefined)?.hash_key
  return typeof own === 'string' && own !== '' ? own : (byHostname && hostname) || key
}
