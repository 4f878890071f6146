// Connections that lead to a filter chain: of every attribute that a listener looks at, one value of each kind that it tells apart.
import { chainSteps, mostSpecific } from '../decide/chain-steps.ts'
import type { FilterChain, Listener } from '../model.ts'
import type { Cidr } from '../predicate.ts'
import type { ConnectionFacts } from '../request-head.ts'
import { makeCidr } from '../match/cidr.ts'
import { addressAfter, addressesNear } from './listed-values.ts'
import type { RequestChange } from './proof.ts'

/** What leads to a chain. */
export type ChainConnection =
  | { readonly kind: 'changes'; readonly changes: readonly RequestChange[] }
  /** Proved: chains that take what would fit, none where nothing fits. */
  | { readonly kind: 'none'; readonly takers: readonly FilterChain[] }
  | { readonly kind: 'unknown' }

const visitsMax = 20_000

/** Fewest changes of the connection first. */
export function connectionTo(listener: Listener, connection: ConnectionFacts, chain: FilterChain): ChainConnection {
  const takers = new Set<FilterChain>()
  const search: Search = { chain, kinds: kindsOf(listener, connection), takers, visits: 0 }
  for (let most = 0; most <= chainSteps.length; most++) {
    for (const begin of [{ connection, changes: [] }, otherTransport(connection)]) {
      if (begin.changes.length > most) continue
      const changes = along(search, { ...begin, at: 0, candidates: listener.filterChains }, most)
      if (changes !== undefined) return { kind: 'changes', changes }
      if (search.visits >= visitsMax) return { kind: 'unknown' }
    }
  }
  return { kind: 'none', takers: [...takers].sort((a, b) => a.index - b.index) }
}

interface Search {
  readonly chain: FilterChain
  readonly kinds: readonly (readonly ConnectionChange[])[]
  readonly takers: Set<FilterChain>
  visits: number
}

/** A value of one attribute, as the connection then has it and as it is told. */
interface ConnectionChange {
  readonly facts: Partial<ConnectionFacts>
  readonly change: RequestChange
}

interface Stage {
  /** Index of the step that comes next. */
  readonly at: number
  readonly connection: ConnectionFacts
  readonly changes: readonly RequestChange[]
  /** The chains that are left. */
  readonly candidates: readonly FilterChain[]
}

/** Goes on as long as the chain is among those that are left. */
function along(search: Search, stage: Stage, most: number): readonly RequestChange[] | undefined {
  const { chain, takers } = search
  const { at, connection, changes, candidates } = stage
  if (search.visits++ >= visitsMax) return undefined
  const step = chainSteps[at]
  if (step === undefined) {
    if (candidates[0] === chain) return changes
    if (candidates[0] !== undefined) takers.add(candidates[0])
    return undefined
  }
  const here = changes.length < most ? (search.kinds[at] ?? []) : []
  const tried = new Set<string>()
  for (const kind of [undefined, ...here]) {
    const next = kind === undefined ? connection : { ...connection, ...kind.facts }
    if (kind !== undefined && !isPossible(connection, kind)) continue
    if (step.rank(chain, next) === undefined) continue
    const left = mostSpecific(step, candidates, next)
    if (!left.includes(chain)) {
      for (const taker of left) takers.add(taker)
      continue
    }
    const difference = differenceOf(at, left, next)
    if (tried.has(difference)) continue
    tried.add(difference)
    const told = kind === undefined ? changes : [...changes, kind.change]
    const found = along(search, { at: at + 1, connection: next, changes: told, candidates: left }, most)
    if (found !== undefined) return found
  }
  return undefined
}

/** Values that leave the same chains are alike, but for addresses, at which other steps look again. */
function differenceOf(at: number, left: readonly FilterChain[], next: ConnectionFacts): string {
  const name = stepNames[at]
  if (name === 'destination address') return `${indexes(left)} ${next.localAddress}`
  if (name !== 'direct source address') return indexes(left)
  return chainSteps
    .slice(at)
    .map((step) => `${left.map((chain) => step.rank(chain, next))}`)
    .join(' ')
}

function indexes(chains: readonly FilterChain[]): string {
  return chains.map(({ index }) => index).join()
}

/** With TLS, or without it: then no name is asked for and no protocol offered. */
function otherTransport(connection: ConnectionFacts): Pick<Stage, 'connection' | 'changes'> {
  const transportProtocol = connection.transportProtocol === 'tls' ? 'raw_buffer' : 'tls'
  return {
    connection: { ...connection, transportProtocol, sni: undefined, applicationProtocols: [] },
    changes: [{ attribute: 'connection.transport_protocol', value: transportProtocol }],
  }
}

/** Names are asked for inside TLS only; without it, what the HTTP inspector tells apart are versions of HTTP. */
function isPossible({ transportProtocol }: ConnectionFacts, { facts }: ConnectionChange): boolean {
  if (transportProtocol === 'tls') return true
  if (facts.sni !== undefined) return false
  return facts.applicationProtocols?.every((one) => /^http\/1\.[01]$|^h2c$/.test(one)) !== false
}

const stepNames = chainSteps.map(({ name }) => name)

/** Values of each step's attribute besides the one that was seen. */
function kindsOf(listener: Listener, connection: ConnectionFacts): Search['kinds'] {
  const { filterChains, sniff } = listener
  const matches = filterChains.map(({ match }) => match)
  const ranges = (of: (match: FilterChain['match']) => readonly Cidr[]): readonly string[] => near(matches.flatMap(of))
  // The peer at the other end of the socket and the client are two only behind a PROXY header.
  const isProxied = connection.direct !== undefined || sniff?.proxyProtocol !== undefined
  const direct = ranges((match) => match.directSourcePrefixRanges)
  const looksAtClients = matches.some((match) => match.sourceType !== 'any' || match.sourcePrefixRanges.length > 0)
  const clients = looksAtClients || direct.length > 0 ? clientsNear(matches, connection) : []
  const ofClient = clients.map((address) => asChange('source.address', address, { remoteAddress: address }))
  const byStep: Readonly<Record<string, readonly ConnectionChange[]>> = {
    'destination port': ports(matches.map(({ destinationPort }) => destinationPort))
      .filter((port) => isReached(listener, { port }))
      .map((port) => asChange('destination.port', String(port), { localPort: port })),
    'destination address': destinationsNear(matches)
      .filter((address) => isReached(listener, { address }))
      .map((address) => asChange('destination.address', address, { localAddress: address })),
    'server name (SNI)': [...serverNames(matches.flatMap((match) => match.serverNames)), undefined].map((sni) =>
      asChange('connection.requested_server_name', sni, { sni }),
    ),
    'application protocol': [undefined, ...new Set(matches.flatMap((match) => match.applicationProtocols))].map((one) =>
      asChange('connection.application_protocol', one, { applicationProtocols: one === undefined ? [] : [one] }),
    ),
    'direct source address': isProxied
      ? direct.map((address) => asChange('source.direct_address', address, { direct: { address, port: 1 } }))
      : ofClient,
    'source address': isProxied ? ofClient : [],
    'source port': ports(matches.flatMap((match) => match.sourcePorts)).map((port) =>
      asChange('source.port', String(port), { remotePort: port }),
    ),
  }
  return stepNames.map((name) => byStep[name] ?? [])
}

/** Whether a connection that is meant for this port or address can come to the listener: what it binds is where clients dial, unless it is told otherwise. */
function isReached(
  { address, additionalAddresses, bindToPort, sniff }: Listener,
  meant: { readonly address?: string; readonly port?: number },
): boolean {
  if (!bindToPort || sniff.originalDst || sniff.proxyProtocol !== undefined) return true
  return [address, ...additionalAddresses].some((own) => {
    if (own.kind === 'internal') return true
    const here = meant.address === undefined || own.host === meant.address || isAnyAddress(own.host)
    return here && (meant.port === undefined || own.port === meant.port)
  })
}

function isAnyAddress(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

function asChange(attribute: string, value: string | undefined, facts: Partial<ConnectionFacts>): ConnectionChange {
  return { facts, change: { attribute, value } }
}

/** Those that are asked for, and one that is not. */
function ports(asked: readonly (number | undefined)[]): readonly number[] {
  const known = new Set(asked.filter((port) => port !== undefined))
  if (known.size === 0) return []
  let other = 1
  while (known.has(other)) other++
  return [...known, other]
}

function near(ranges: readonly Cidr[]): readonly string[] {
  if (ranges.length === 0) return []
  return [...new Set(addressesNear(ranges))]
}

const loopback = [makeCidr('127.0.0.0', 8), makeCidr('::1', 128)].filter((range) => range !== undefined)

/** Addresses in all parts that ranges make; a client may be at the same one, so that ranges of clients count where that is looked at. */
function destinationsNear(matches: readonly FilterChain['match'][]): readonly string[] {
  const atOwn = matches.some((match) => match.sourceType !== 'any') ? matches : []
  return near([
    ...matches.flatMap((match) => match.prefixRanges),
    ...atOwn.flatMap((match) => [...match.sourcePrefixRanges, ...match.directSourcePrefixRanges]),
  ])
}

/** Addresses in all parts that ranges make, each with the next one, since a client at the destination's own address is another kind. */
function clientsNear(matches: readonly FilterChain['match'][], connection: ConnectionFacts): readonly string[] {
  const asked = matches.flatMap((match) => [...match.sourcePrefixRanges, ...match.directSourcePrefixRanges])
  const destinations = destinationsNear(matches)
  const others = addressesNear([...asked, ...loopback])
  return [...new Set([...others, connection.localAddress, ...destinations, ...others.map(addressAfter)])]
}

/** Names that are asked for, and for each wildcard one that no longer one and no exact name has. */
function serverNames(asked: readonly string[]): readonly string[] {
  const known = new Set(asked)
  return [...known].flatMap((name) => {
    if (!name.startsWith('*.')) return [name]
    let label = 'x'
    while (known.has(label + name.slice(1)) || known.has(`*.${label}${name.slice(1)}`)) label += 'x'
    return [label + name.slice(1)]
  })
}
