// Where endpoints are, and which of them a client uses first. Rules and labels are Istio's.
import type { LocalityLoadBalancing, ZoneAwareBalancing } from '@weft/resources'
import type {
  LbEndpointSchema,
  LocalityLbEndpointsSchema,
} from '@weft/xds/es/envoy/config/endpoint/v3/endpoint_components'
import type { Init } from './init.ts'
import { type ClientsByZone, zoneOf, zoneWeights } from './zone-shares.ts'

type Labels = Readonly<Record<string, string>>
type LbEndpointInit = Init<typeof LbEndpointSchema>
type GroupInit = Init<typeof LocalityLbEndpointsSchema>

/** A place; '' is unknown. */
export interface Locality {
  readonly region: string
  readonly zone: string
  readonly subZone: string
}

/** An endpoint, and what decides about its order. */
export interface PlacedEndpoint {
  readonly init: LbEndpointInit
  readonly locality: Locality
  readonly labels: Labels
  readonly node?: string | undefined
}

/** The client that endpoints are ordered for. */
export interface ClientPlace {
  readonly locality: Locality
  readonly labels: Labels
  readonly node?: string | undefined
}

/** The label of Kubernetes' nodes that says which one it is. */
export const nodeLabel = 'kubernetes.io/hostname'

/** `region/zone/subzone`, cut short or not. */
export function parseLocality(text: string): Locality {
  const [region = '', zone = '', subZone = ''] = text.split('/')
  return { region, zone, subZone }
}

/** The place a workload's labels tell: Istio's own label (with dots, since labels take no slashes), or those of Kubernetes. */
export function localityOf(labels: Labels): Locality {
  const own = labels['topology.istio.io/locality'] ?? labels['istio-locality']
  if (own !== undefined) return parseLocality(own.includes('/') ? own : own.replaceAll('.', '/'))
  return {
    region: labels['topology.kubernetes.io/region'] ?? '',
    zone: labels['topology.kubernetes.io/zone'] ?? '',
    subZone: labels['topology.istio.io/subzone'] ?? '',
  }
}

/** Endpoints by place. Shares and failover are applied as `rules` say; failover only where failing endpoints are found out (`ejects`). */
export function localityGroups(
  endpoints: readonly PlacedEndpoint[],
  client: ClientPlace,
  rules: LocalityLoadBalancing | undefined,
  ejects: boolean,
): GroupInit[] {
  if (endpoints.length === 0) return []
  const shares = rules?.enabled === false ? undefined : rules?.distribute
  if (shares !== undefined && shares.length > 0) return shared(placesOf(endpoints), client.locality, shares)
  if (rules?.enabled === false || !ejects) return placesOf(endpoints).map(({ group }) => group)
  return ordered(endpoints, client, rules ?? {})
}

/**
 * Endpoints by place, for zone aware balancing: regions (or labels) come in the order of failover, and the first of them in which there is
 * anything is shared among its zones. Every group has a weight, since Envoy sends nothing to groups without one.
 */
export function zoneAwareGroups(
  endpoints: readonly PlacedEndpoint[],
  client: ClientPlace,
  { minClusterSize, ...rules }: ZoneAwareBalancing,
  clients: ClientsByZone,
): GroupInit[] {
  const weighted = ({ group }: Place, weight: number): GroupInit => ({ ...group, loadBalancingWeight: weight })
  if (endpoints.length < minClusterSize) {
    return placesOf(endpoints).map((place) => weighted(place, place.group.lbEndpoints.length))
  }
  const [near = [], ...far] = levelsOf(endpoints, client, rules, true)
  const weights = zoneWeights(near, client, clients)
  const [sharing, spare] = [near.filter(isShared), near.filter((endpoint) => !isShared(endpoint))]
  const sizes = Map.groupBy(sharing, ({ locality }) => zoneOf(locality))
  const shares = placesOf(sharing).map((place) => {
    const zone = zoneOf(place.locality)
    const part = place.group.lbEndpoints.length / (sizes.get(zone)?.length ?? 1)
    return weighted(place, Math.max(1, Math.round((weights.get(zone) ?? 0) * part)))
  })
  const rest = [spare, ...far].filter((level) => level.length > 0)
  const later = rest.flatMap((level, index) =>
    placesOf(level, index + 1).map((place) => weighted(place, place.group.lbEndpoints.length)),
  )
  return [...shares, ...later]

  function isShared({ locality }: PlacedEndpoint): boolean {
    return weights.has(zoneOf(locality))
  }
}

interface Place {
  readonly locality: Locality
  readonly group: GroupInit & { readonly lbEndpoints: LbEndpointInit[] }
}

/** One group per place, by name; the unknown place first. */
function placesOf(endpoints: readonly PlacedEndpoint[], priority = 0): Place[] {
  const places = new Map<string, Place>()
  for (const { init, locality } of endpoints) {
    const key = textOf(locality)
    const place = places.get(key)
    if (place === undefined) {
      places.set(key, { locality, group: { locality: messageOf(locality), priority, lbEndpoints: [init] } })
    } else place.group.lbEndpoints.push(init)
  }
  return [...places].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, place]) => place)
}

function messageOf({ region, zone, subZone }: Locality): NonNullable<GroupInit['locality']> {
  return { region, zone, subZone }
}

function textOf({ region, zone, subZone }: Locality): string {
  return `${region}/${zone}/${subZone}`
}

/** The first rule for the client's place decides; what it does not name gets nothing. */
function shared(
  places: readonly Place[],
  from: Locality,
  shares: NonNullable<LocalityLoadBalancing['distribute']>,
): GroupInit[] {
  const rule = shares.find((share) => covers(share.from ?? '', from))
  const weighted = (group: Place['group'], weight: number): GroupInit => ({ ...group, loadBalancingWeight: weight })
  if (rule === undefined) return places.map(({ group }) => weighted(group, group.lbEndpoints.length))
  const left = new Set(places)
  const groups = new Map<Place, GroupInit>()
  for (const [to, percent] of Object.entries(rule.to ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const named = [...left].filter(({ locality }) => covers(to, locality))
    const total = named.reduce((sum, { group }) => sum + group.lbEndpoints.length, 0)
    for (const place of named) {
      left.delete(place)
      const weight = Math.ceil((place.group.lbEndpoints.length * percent) / total)
      if (weight > 0) groups.set(place, weighted(place.group, weight))
    }
  }
  return places.flatMap((place) => groups.get(place) ?? [])
}

/** Whether a written locality names a place: parts that are missing or `*` stand for all. */
function covers(written: string, { region, zone, subZone }: Locality): boolean {
  const parts = written.split('/')
  return [region, zone, subZone].every((part, index) => {
    const wanted = parts[index]
    return wanted === undefined || wanted === '*' || wanted === part
  })
}

/** Nearest first; priorities begin with 0 and leave none out. */
function ordered(
  endpoints: readonly PlacedEndpoint[],
  client: ClientPlace,
  rules: Pick<LocalityLoadBalancing, 'failover' | 'failoverPriority'>,
): GroupInit[] {
  return levelsOf(endpoints, client, rules, false).flatMap((level, priority) =>
    placesOf(level, priority).map(({ group }) => group),
  )
}

/** Endpoints that are equally near, the nearest first; `regions`: all of a region are. */
function levelsOf(
  endpoints: readonly PlacedEndpoint[],
  client: ClientPlace,
  { failoverPriority = [], failover = [] }: Pick<LocalityLoadBalancing, 'failover' | 'failoverPriority'>,
  regions: boolean,
): PlacedEndpoint[][] {
  const byLabels = failoverPriority.length > 0
  const distance = (endpoint: PlacedEndpoint): number => {
    const labels = byLabels ? labelDistance(endpoint, client, failoverPriority) : 0
    const place = byLabels && failover.length === 0 ? 0 : placeDistance(endpoint.locality, client.locality, failover)
    return labels * 5 + (regions && place < 3 ? 0 : place)
  }
  const distances = endpoints.map(distance)
  const levels = [...new Set(distances)].sort((a, b) => a - b)
  return levels.map((level) => endpoints.filter((_endpoint, index) => distances[index] === level))
}

/** 0: same subzone, 1: zone, 2: region, 3: elsewhere, 4: elsewhere although another region is to take over. */
function placeDistance(
  there: Locality,
  here: Locality,
  failover: NonNullable<LocalityLoadBalancing['failover']>,
): number {
  if (there.region === here.region) {
    if (there.zone !== here.zone) return 2
    return there.subZone === here.subZone ? 0 : 1
  }
  const rule = failover.find(({ from }) => from === here.region)
  return rule === undefined || rule.to === there.region ? 3 : 4
}

/** How many labels count from the first that differs. */
function labelDistance(endpoint: PlacedEndpoint, client: ClientPlace, wanted: readonly string[]): number {
  const differing = wanted.findIndex((each) => {
    const [name, value] = each.split('=') as [string, string | undefined]
    const mine = value ?? labelOf(client, name)
    return mine !== labelOf(endpoint, name)
  })
  return differing < 0 ? 0 : wanted.length - differing
}

function labelOf({ locality, labels, node }: ClientPlace, name: string): string | undefined {
  const places: Readonly<Record<string, string>> = {
    'topology.kubernetes.io/region': locality.region,
    'topology.kubernetes.io/zone': locality.zone,
    'topology.istio.io/subzone': locality.subZone,
    [nodeLabel]: node ?? '',
  }
  return labels[name] ?? (places[name] || undefined)
}
