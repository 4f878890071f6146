// Virtual hosts as encoded pieces, and a RouteConfiguration spliced from them: a change of one rule encodes one virtual host,
// however many there are beside it.
import { concatenated, type Origin } from '@weft/core'
import { RouteConfigurationSchema } from '@weft/xds/es/envoy/config/route/v3/route'
import { VirtualHostSchema } from '@weft/xds/es/envoy/config/route/v3/route_components'
import { encodePart, field, splicedResource, textField, versionOf } from '../encode.ts'
import { duration } from '../config-source.ts'
import type { Built, Loser, Part } from '../generator.ts'
import type { VirtualHostBuilder } from './virtual-hosts.ts'

/** One virtual host, encoded. */
export interface VirtualHostPart extends Part {
  readonly name: string
  readonly domains: readonly string[]
  readonly origin: Origin
  /** It belongs to the caller's own namespace, whose short names come first. */
  readonly local: boolean
  /** Everything but name and domains. */
  readonly rest: Uint8Array
  /** The whole message as a field of its RouteConfiguration. */
  readonly field: Uint8Array
}

/** What becomes of requests for hosts that none of the parts is for. */
export type UnknownHosts = 'block' | { readonly cluster: string }

/** What a builder collected, as parts. */
export function virtualHostParts(builder: VirtualHostBuilder, local: boolean): VirtualHostPart[] {
  return builder.hosts.map(({ name, domains, ...init }, index) =>
    partOf({
      name: name ?? '',
      domains: domains ?? [],
      origin: builder.owners[index] ?? '',
      local,
      rest: encodePart(VirtualHostSchema, init),
    }),
  )
}

/** Who got which domains, so that the next join need not ask again while all parts ask for the same ones. */
interface JoinedHosts extends Built {
  readonly given: readonly VirtualHostPart[]
  /** The parts that are sent, in order: an index of `given` (-1: all other hosts), and the domains left when it did not get all. */
  readonly chosen: readonly { readonly index: number; readonly domains: readonly string[] | undefined }[]
}

/** The RouteConfiguration of all parts. A domain belongs to whoever has it first; what has none left is a loser. */
export function joinVirtualHosts(
  name: string,
  given: readonly VirtualHostPart[],
  unknown: UnknownHosts,
  before: Built | undefined,
): JoinedHosts {
  const last = before as JoinedHosts | undefined
  const { chosen, losers } = last !== undefined && asksTheSame(last.given, given) ? last : domainsOfAll(given)
  const others = unknown === 'block' ? blockAll : allowAny(unknown.cluster)
  const pieces = [textField(10, name)]
  const versions: string[] = []
  const origins = new Set<Origin>()
  for (const { index, domains } of chosen) {
    const all = given[index] ?? others
    const part = domains === undefined ? all : partOf({ ...all, domains })
    pieces.push(part.field)
    versions.push(part.version)
    if (part.origin !== '') origins.add(part.origin)
  }
  pieces.push(tail)
  const resource = splicedResource(RouteConfigurationSchema, name, concatenated(pieces), {
    content: versions.join(','),
    origin: [...origins],
  })
  return { resources: [resource], problems: [], losers, given, chosen }
}

function asksTheSame(before: readonly VirtualHostPart[], now: readonly VirtualHostPart[]): boolean {
  return (
    before.length === now.length &&
    now.every((part, index) => {
      const old = before[index] as VirtualHostPart
      if (old === part) return true
      return old.local === part.local && old.origin === part.origin && old.domains.join() === part.domains.join()
    })
  )
}

function domainsOfAll(given: readonly VirtualHostPart[]): Pick<JoinedHosts, 'chosen' | 'losers'> {
  const losers: Loser[] = []
  const owners = new Map<string, Origin>()
  const chosen: { index: number; domains: readonly string[] | undefined }[] = []
  const take = (part: VirtualHostPart, index: number): void => {
    const free = part.domains.filter((domain) => !owners.has(domain.toLowerCase()))
    for (const domain of free) owners.set(domain.toLowerCase(), part.origin)
    if (free.length > 0) chosen.push({ index, domains: free.length === part.domains.length ? undefined : free })
    else if (part !== blockAll) losers.push(conflict(part, owners))
  }
  for (const local of [true, false])
    for (const [index, part] of given.entries()) if (part.local === local) take(part, index)
  take(blockAll, -1)
  return { chosen, losers }
}

const tail = encodePart(RouteConfigurationSchema, {
  validateClusters: false,
  maxDirectResponseBodySizeBytes: 1_048_576,
})

/** What the mesh does not know is not reachable through the explicit proxy (Istio: REGISTRY_ONLY). */
const blockAll = partOf({
  name: 'block_all',
  domains: ['*'],
  origin: '',
  local: false,
  rest: encodePart(VirtualHostSchema, {
    routes: [
      {
        name: 'block_all',
        match: { pathSpecifier: { case: 'prefix', value: '/' } },
        action: { case: 'directResponse', value: { status: 502 } },
      },
    ],
  }),
})

/**
 * Where the kernel sends what callers say: hosts that the mesh does not know are where they were looked for (Istio: ALLOW_ANY), or
 * behind an egress proxy.
 */
function allowAny(cluster: string): VirtualHostPart {
  return partOf({
    name: 'allow_any',
    domains: ['*'],
    origin: '',
    local: false,
    rest: encodePart(VirtualHostSchema, {
      routes: [
        {
          name: 'allow_any',
          match: { pathSpecifier: { case: 'prefix', value: '/' } },
          action: {
            case: 'route',
            value: { clusterSpecifier: { case: 'cluster', value: cluster }, timeout: duration(0) },
          },
        },
      ],
    }),
  })
}

function partOf(init: Omit<VirtualHostPart, 'field' | 'version' | 'size'>): VirtualHostPart {
  const whole = field(18, textField(10, init.name), ...init.domains.map((domain) => textField(18, domain)), init.rest)
  return { ...init, field: whole, size: whole.length, version: `${versionOf(whole)}${init.local ? '.local' : ''}` }
}

function conflict({ origin, domains }: VirtualHostPart, owners: ReadonlyMap<string, Origin>): Loser {
  const by = owners.get(domains[0]?.toLowerCase() ?? '')
  const detail = `${domains[0]} already belongs to another object`
  return { origin, reason: 'host-conflict', ...(by === undefined ? {} : { by }), detail }
}
