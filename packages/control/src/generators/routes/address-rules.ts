// Rules for connections by their addresses, as filter chains. A proxy takes the chain with the narrowest destination range, and among those the
// narrowest source range, and goes back to nothing wider; rules are tried in order. The chains made here give the answer of the rules.
import { inCidr, makeCidr } from '@weft/engine'
import type {
  FilterChainMatchSchema,
  FilterChainSchema,
} from '@weft/xds/es/envoy/config/listener/v3/listener_components'
import { cidr } from '../../policies/rbac-matchers.ts'
import type { Init } from '../init.ts'

/** Address ranges of a rule; undefined: any. */
export interface AddressConditions {
  readonly destinations?: readonly string[] | undefined
  readonly sources?: readonly string[] | undefined
}

/** The addresses that a match of a VirtualService asks for. */
export function addressesOfMatch(
  match: { readonly destinationSubnets?: readonly string[]; readonly sourceSubnet?: string } | undefined,
): AddressConditions {
  return {
    ...(match?.destinationSubnets === undefined ? {} : { destinations: match.destinationSubnets.map(canonical) }),
    ...(match?.sourceSubnet === undefined ? {} : { sources: [canonical(match.sourceSubnet)] }),
  }
}

/** Whether a rule asks for no address. */
export function isForAll({ destinations, sources }: AddressConditions): boolean {
  return destinations === undefined && sources === undefined
}

/** One of the rules, and a part of the addresses that it gets. */
export interface AddressChain<T> extends AddressConditions {
  readonly rule: T
}

/** Stands for all ranges. */
export const everyAddress = '*'

/** What each rule gets, so that a connection comes to the first that covers both its addresses. */
export function addressChains<T extends AddressConditions>(rules: readonly T[]): AddressChain<T>[] {
  const destinations = new Set(rules.flatMap((rule) => rule.destinations ?? [everyAddress]))
  const chains = new Map<string, { rule: T; sources: readonly string[] | undefined; destinations: string[] }>()
  for (const destination of destinations) {
    const taken: string[] = []
    for (const [index, rule] of rules.entries()) {
      if (!(rule.destinations ?? [everyAddress]).some((range) => covers(range, destination))) continue
      const free = (rule.sources ?? [everyAddress]).filter((range) => !taken.some((before) => covers(before, range)))
      if (free.length === 0) continue
      taken.push(...free)
      const key = `${index} ${destination === everyAddress} ${free.join()}`
      const known = chains.get(key)
      if (known === undefined) {
        const sources = free.includes(everyAddress) ? undefined : free
        chains.set(key, { rule, sources, destinations: [destination] })
      } else known.destinations.push(destination)
    }
  }
  return [...chains.values()].map((chain) => ({
    ...chain,
    destinations: chain.destinations.includes(everyAddress) ? undefined : chain.destinations,
  }))
}

/** Address ranges as members of a chain's match. */
export function addressMatch({ destinations, sources }: AddressConditions): Init<typeof FilterChainMatchSchema> {
  return {
    ...(destinations === undefined ? {} : { prefixRanges: destinations.flatMap((range) => cidr(range) ?? []) }),
    ...(sources === undefined ? {} : { sourcePrefixRanges: sources.flatMap((range) => cidr(range) ?? []) }),
  }
}

/** A filter chain, its match not yet made. */
export interface MatchedChain extends Omit<Init<typeof FilterChainSchema>, 'filterChainMatch'> {
  readonly filterChainMatch?: Init<typeof FilterChainMatchSchema>
}

interface Range {
  readonly addressPrefix?: string | undefined
  readonly prefixLen?: number | undefined
}

/** Within `ranges`, chains for wider addresses are still there, where no chain for the range has their names: a proxy would not look at them. */
export function spread(chains: readonly MatchedChain[], ranges: readonly string[]): MatchedChain[] {
  const all = [...chains]
  for (const range of [...new Set(ranges)].sort((a, b) => lengthOf(a) - lengthOf(b))) {
    const own = cidr(range)
    if (own === undefined) continue
    const at = (chain: MatchedChain, text: string): boolean => rangesOf(chain).includes(text)
    const wider = all.flatMap((chain) => rangesOf(chain)).filter((other) => other !== range && covers(other, range))
    const parent = wider.toSorted((a, b) => lengthOf(b) - lengthOf(a))[0] ?? everyAddress
    const taken = new Set(
      all.filter((chain) => at(chain, range)).flatMap((chain) => keysOf(chain).map(({ key }) => key)),
    )
    for (const chain of all.filter((each) => at(each, parent))) {
      const free = keysOf(chain).filter(({ key }) => !taken.has(key))
      if (free.length === 0) continue
      const names = free.flatMap(({ name }) => (name === '' ? [] : [name]))
      all.push({
        ...chain,
        name: `${chain.name}-within-${range}`,
        filterChainMatch: {
          ...chain.filterChainMatch,
          prefixRanges: [own],
          ...(names.length === 0 ? {} : { serverNames: names }),
        },
      })
    }
  }
  return all
}

function rangesOf({ filterChainMatch: match }: MatchedChain): string[] {
  const ranges = match?.prefixRanges ?? []
  return ranges.length === 0 ? [everyAddress] : ranges.map(textOf)
}

/** What tells chains of one range apart. */
function keysOf({ filterChainMatch: match }: MatchedChain): { readonly name: string; readonly key: string }[] {
  const { serverNames = [], transportProtocol, applicationProtocols = [], sourcePrefixRanges = [] } = match ?? {}
  const rest = [transportProtocol, applicationProtocols.join(), sourcePrefixRanges.map(textOf).join()].join(' ')
  return (serverNames.length === 0 ? [''] : serverNames).map((name) => ({ name, key: `${name} ${rest}` }))
}

function textOf({ addressPrefix = '', prefixLen }: Range): string {
  return `${addressPrefix}/${prefixLen ?? (addressPrefix.includes(':') ? 128 : 32)}`
}

function parsed(range: string): ReturnType<typeof makeCidr> {
  const [address = '', length] = range.split('/')
  return makeCidr(address, Number(length ?? (address.includes(':') ? 128 : 32)))
}

/** One text for each range, however it is written. */
export function canonical(range: string): string {
  const read = parsed(range)
  if (read === undefined) return range
  const { family, bits, prefixLength } = read
  const parts = family === 4 ? [24n, 16n, 8n, 0n] : [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n]
  const each = parts.map((shift) => (bits >> shift) & (family === 4 ? 0xffn : 0xffffn))
  const address = family === 4 ? each.join('.') : each.map((group) => group.toString(16)).join(':')
  return `${address}/${prefixLength}`
}

/** Whether all of one range lies in another. */
export function covers(wide: string, narrow: string): boolean {
  if (wide === everyAddress || wide === narrow) return true
  const [outer, inner] = [parsed(wide), parsed(narrow)]
  if (outer === undefined || inner === undefined || outer.prefixLength > inner.prefixLength) return false
  return inCidr(outer, narrow.split('/')[0] ?? '')
}

function lengthOf(range: string): number {
  return range === everyAddress ? -1 : (parsed(range)?.prefixLength ?? 0)
}
