// How traffic is shared between priorities, and when health is ignored (Envoy's priority load and panic threshold).
import type { Cluster, Endpoint, EndpointSet } from '../model.ts'

/** One priority with its share of the traffic. */
export interface PriorityLevel {
  readonly priority: number
  readonly loadPercent: number
  /** 0..100: min(100, overprovisioning x healthy share). */
  readonly availability: number
  /** Too few are healthy: all endpoints are eligible. */
  readonly panic: boolean
  readonly eligible: readonly Endpoint[]
  /** Sum of the weights, when they differ; 0: all alike. */
  readonly totalWeight: number
  /** Its localities, where each has a share of its own; absent: they have none, or health is ignored. */
  readonly parts?: readonly LocalityPart[]
}

/** The endpoints of one locality, and what it weighs among the localities of its priority. */
export interface LocalityPart {
  readonly weight: number
  readonly eligible: readonly Endpoint[]
  readonly totalWeight: number
}

interface Counted {
  readonly priority: number
  readonly all: readonly Endpoint[]
  readonly usable: readonly Endpoint[]
  /** 0..100: min(100, overprovisioning x healthy share). */
  readonly availability: number
}

/** Levels in order of priority; empty when there is no endpoint at all. */
export function priorityLevels(
  set: EndpointSet,
  ejected: ReadonlySet<string>,
  { panicThresholdPercent, localityShares }: Pick<Cluster, 'panicThresholdPercent' | 'localityShares'>,
): readonly PriorityLevel[] {
  const counted = count(set, ejected)
  const total = Math.min(
    100,
    counted.reduce((sum, level) => sum + level.availability, 0),
  )
  let left = 100
  const hosts = counted.reduce((sum, level) => sum + level.all.length, 0)
  return counted.map((level) => {
    const share = total === 0 ? (level.all.length * 100) / hosts : (level.availability * 100) / total
    const loadPercent = Math.min(left, share)
    left -= loadPercent
    const healthyPercent = (level.usable.length * 100) / level.all.length
    const panic = total < 100 && healthyPercent < panicThresholdPercent
    const eligible = panic ? level.all : level.usable
    const { priority, availability } = level
    const known = { priority, loadPercent, availability, panic, eligible, totalWeight: weightOf(eligible) }
    if (!localityShares || panic) return known
    const parts = partsOf(set, level)
    return parts.some(({ weight }) => weight > 0) ? { ...known, parts } : known
  })
}

/** As Envoy: a locality whose endpoints fail weighs less, as soon as those that are left do not make up for it. */
function partsOf(set: EndpointSet, { priority, usable }: Counted): readonly LocalityPart[] {
  const localities = set.localities.filter(
    (locality) => locality.priority === priority && locality.endpoints.length > 0,
  )
  const wanted = new Set(usable)
  return localities.map(({ weight, endpoints }) => {
    const eligible = endpoints.filter((endpoint) => wanted.has(endpoint))
    const available = (set.overprovisioningPercent * eligible.length) / (100 * endpoints.length)
    return { weight: weight * Math.min(1, available), eligible, totalWeight: weightOf(eligible) }
  })
}

function count(set: EndpointSet, ejected: ReadonlySet<string>): readonly Counted[] {
  const byPriority = new Map<number, Endpoint[]>()
  for (const locality of set.localities) {
    const list = byPriority.get(locality.priority) ?? []
    list.push(...locality.endpoints)
    byPriority.set(locality.priority, list)
  }
  return [...byPriority.entries()]
    .filter(([, all]) => all.length > 0)
    .sort(([a], [b]) => a - b)
    .map(([priority, all]) => {
      const alive = all.filter((endpoint) => !ejected.has(endpoint.key))
      const healthy = alive.filter(({ health }) => health === 'unknown' || health === 'healthy')
      const usable = healthy.length > 0 ? healthy : alive.filter(({ health }) => health === 'degraded')
      const availability = Math.min(100, Math.floor((set.overprovisioningPercent * usable.length) / all.length))
      return { priority, all, usable, availability }
    })
}

function weightOf(endpoints: readonly Endpoint[]): number {
  const first = endpoints[0]?.weight
  if (endpoints.every((endpoint) => endpoint.weight === first)) return 0
  return endpoints.reduce((sum, endpoint) => sum + endpoint.weight, 0)
}
