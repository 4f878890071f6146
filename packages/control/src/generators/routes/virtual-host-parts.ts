// Virtual hosts as encoded pieces, and a RouteConfiguration spliced from them: a change of one rule encodes one virtual host,
// however many there are beside it.
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { Origin } from '@weft/core'
import { RouteConfigurationSchema } from '@weft/xds/es/envoy/config/route/v3/route'
import { VirtualHostSchema } from '@weft/xds/es/envoy/config/route/v3/route_components'
import { encodePart, splicedResource, versionOf } from '../encode.ts'
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
  /** The whole message. */
  readonly body: Uint8Array
}

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

/** The RouteConfiguration of all parts. A domain belongs to whoever has it first; what has none left is a loser. */
export function joinVirtualHosts(name: string, parts: readonly VirtualHostPart[]): Built {
  const losers: Loser[] = []
  const owners = new Map<string, Origin>()
  const chosen: VirtualHostPart[] = []
  for (const part of [...parts.filter(({ local }) => local), ...parts.filter(({ local }) => !local), blockAll]) {
    const free = part.domains.filter((domain) => !owners.has(domain.toLowerCase()))
    for (const domain of free) owners.set(domain.toLowerCase(), part.origin)
    if (free.length === part.domains.length) chosen.push(part)
    else if (free.length > 0) chosen.push(partOf({ ...part, domains: free }))
    else if (part !== blockAll) losers.push(conflict(part, owners))
  }
  const writer = new BinaryWriter().tag(1, WireType.LengthDelimited).string(name)
  for (const { body } of chosen) writer.tag(2, WireType.LengthDelimited).bytes(body)
  const resource = splicedResource(RouteConfigurationSchema, name, writer.raw(tail).finish(), {
    content: chosen.map(({ version }) => version).join(','),
    origin: [...new Set(chosen.flatMap(({ origin }) => (origin === '' ? [] : [origin])))],
  })
  return { resources: [resource], problems: [], losers }
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

function partOf(init: Omit<VirtualHostPart, 'body' | 'version' | 'size'>): VirtualHostPart {
  const writer = new BinaryWriter().tag(1, WireType.LengthDelimited).string(init.name)
  for (const domain of init.domains) writer.tag(2, WireType.LengthDelimited).string(domain)
  const body = writer.raw(init.rest).finish()
  return { ...init, body, size: body.length, version: `${versionOf(body)}${init.local ? '.local' : ''}` }
}

function conflict({ origin, domains }: VirtualHostPart, owners: ReadonlyMap<string, Origin>): Loser {
  const by = owners.get(domains[0]?.toLowerCase() ?? '')
  const detail = `${domains[0]} already belongs to another object`
  return { origin, reason: 'host-conflict', ...(by === undefined ? {} : { by }), detail }
}
