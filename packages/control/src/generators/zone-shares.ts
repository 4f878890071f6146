// Zone aware balancing: traffic stays in the zone of the client as far as that zone can bear it. Envoy's rule, applied here, where all
// clients and all endpoints are known, so that a proxy needs to be told nothing but shares.
import type { ClientPlace, Locality, PlacedEndpoint } from './locality.ts'

/** Clients of one kind, by zone: those that share the endpoints with the one asked for. */
export type ClientsByZone = Readonly<Record<string, number>>

/** The name of a zone: places in it are alike. */
export function zoneOf({ region, zone }: Locality): string {
  return `${region}/${zone}`
}

/**
 * What each endpoint gets of the traffic of a client, in proportion to others; all of it stays in the client's zone where that has at
 * least the share of the endpoints that it has of the clients. What is left over goes where endpoints outnumber clients.
 */
export function zoneWeights(
  endpoints: readonly PlacedEndpoint[],
  { locality }: ClientPlace,
  clients: ClientsByZone,
): ReadonlyMap<string, number> {
  const here = zoneOf(locality)
  const counts = countBy(endpoints.map((endpoint) => zoneOf(endpoint.locality)))
  const local = counts.get(here) ?? 0
  if (local === 0) return counts
  const everyone = Object.values(clients).reduce((sum, count) => sum + count, 0)
  const shareOf = (zone: string): number => (counts.get(zone) ?? 0) / endpoints.length
  const callersOf = (zone: string): number =>
    everyone === 0 ? (zone === here ? 1 : 0) : (clients[zone] ?? 0) / everyone
  const mine = callersOf(here)
  if (mine <= 0 || shareOf(here) >= mine) return new Map([[here, 1]])
  const kept = shareOf(here) / mine
  const room = new Map(
    [...counts.keys()]
      .filter((zone) => zone !== here)
      .map((zone) => [zone, Math.max(0, shareOf(zone) - callersOf(zone))] as const),
  )
  const total = [...room.values()].reduce((sum, spare) => sum + spare, 0)
  const weights = [
    [here, kept] as const,
    ...[...room].map(([zone, spare]) => [zone, ((1 - kept) * spare) / total] as const),
  ]
  return new Map(weights.flatMap(([zone, share]) => (share > 0 ? [[zone, Math.round(share * 10_000)]] : [])))
}

function countBy(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}
