// Which connections are asked about the same policies: a change is worth nothing where no chain, or one with other policies, takes the connection.
import { chainSteps, chooseChain, mostSpecific } from '../decide/chain-steps.ts'
import type { FilterChain, HttpFilter, Listener, RbacPolicies } from '../model.ts'
import type { Attribute, Cidr, Predicate, ValueTest } from '../predicate.ts'
import type { ConnectionFacts, Subject } from '../request-head.ts'
import { type Admission, everywhere } from './everywhere.ts'
import { overlay } from './overlay.ts'
import type { RequestChange } from './proof.ts'

/** So many other chains are looked at one by one; of more, only what their peers show. */
const chainsMax = 32

/** Of the chain that serves the connection, and of those with the same policies. */
export function admittedConnections(listener: Listener, connection: ConnectionFacts): Admission {
  const here = chooseChain(listener, connection)
  // What came through a tunnel shows who sent it, though there is no TLS here.
  if (here === undefined || (here.tls === undefined && connection.tls)) return everywhere
  const policies = policiesOf(here)
  const isAlike = (chain: FilterChain): boolean => policiesOf(chain) === policies
  const near = atDestination(listener, connection)
  const fallback = listener.defaultFilterChain
  const others = [...near, ...(fallback === undefined ? [] : [fallback])].filter(
    (chain) => chain !== here && isAlike(chain),
  )
  const conditionOf = (chain: FilterChain): Predicate =>
    others.length > chainsMax || chain === fallback
      ? peersOf(chain)
      : all([peersOf(chain), ...whoComesTo(chain, near, listener)])
  const own = conditionOf(here)
  const among = distinct([own, ...others.map(conditionOf)])
  const thisPort: Predicate = {
    op: 'test',
    attribute: { name: 'destination.port' },
    test: { is: 'exact', value: String(connection.localPort), ignoreCase: false },
  }
  return {
    goals: [own, ...(among.length === 1 ? [] : [any(among)])],
    thisPort,
    admitted(subject, changes) {
      const facts = opened(subject, changes)
      const made = asMade(changes, facts, connection.transportProtocol === 'tls')
      if (facts.localPort !== connection.localPort) return made
      const chain = chooseChain(listener, facts)
      return chain !== undefined && isAlike(chain) ? made : undefined
    },
  }
}

/** The chains that are left where the connection goes, whoever makes it and however. */
function atDestination({ filterChains }: Listener, connection: ConnectionFacts): readonly FilterChain[] {
  return chainSteps
    .filter(({ name }) => name.startsWith('destination '))
    .reduce<readonly FilterChain[]>((left, step) => mostSpecific(step, left, connection), filterChains)
}

/** A text that is the same for the same policies in the same filters. */
function policiesOf({ rbac, terminal }: FilterChain): string {
  const filters: readonly HttpFilter[] = terminal.kind === 'http' ? terminal.httpFilters : []
  const rules = [...rbac, ...filters.filter((one) => one.kind === 'rbac')].map((one) => one.rules)
  return JSON.stringify([terminal.kind, rules.map(namesOf)])
}

function namesOf(rules: RbacPolicies | undefined): unknown {
  return rules === undefined ? null : [rules.action, rules.policies.map(({ name }) => name)]
}

/** The connection after the changes, as a listener sees it: there is a server name inside TLS only. */
function opened(subject: Subject, changes: readonly RequestChange[]): ConnectionFacts {
  const { connection } = overlay(subject, changes)
  const changed = (attribute: string): RequestChange | undefined => changes.find((one) => one.attribute === attribute)
  const given = changed('connection.tls') ?? changed('connection.mtls')
  const ended = given !== undefined && given.attribute === 'connection.tls' && given.value === undefined
  const was = subject.connection.transportProtocol === 'tls' && !ended
  const isTls = was || connection.tls || (connection.sni ?? '') !== ''
  return isTls
    ? { ...connection, transportProtocol: 'tls' }
    : { ...connection, transportProtocol: 'raw_buffer', sni: undefined }
}

/** Without TLS there are neither names nor certificates to ask for; TLS with a server name is there, though a chain may not end it. `spoke`: the client does. */
function asMade(
  changes: readonly RequestChange[],
  { transportProtocol, sni }: ConnectionFacts,
  spoke: boolean,
): readonly RequestChange[] {
  if (transportProtocol === 'tls') {
    // Who speaks it already has nothing to change: another name leads to a chain that ends it.
    const said = spoke ? changes.filter(({ attribute }) => attribute !== 'connection.tls') : []
    if (said.length > 0) return said
    return (sni ?? '') === ''
      ? changes
      : changes.filter(({ attribute, value }) => attribute !== 'connection.tls' || value !== undefined)
  }
  return changes.filter(
    ({ attribute, value }) =>
      attribute !== serverName.name && (attribute !== 'source.principal' || value === undefined),
  )
}

const serverName: Attribute = { name: 'connection.requested_server_name' }

/** What clients of a chain ask for, and where they are; what narrower chains take is not left for it. */
function whoComesTo(chain: FilterChain, near: readonly FilterChain[], { sniff }: Listener): readonly Predicate[] {
  const { serverNames, transportProtocol } = chain.match
  const others = near.filter((one) => one !== chain)
  const names = new Set(others.flatMap(({ match }) => match.serverNames).filter((name) => !serverNames.includes(name)))
  const narrower = [...names].filter(
    (name) =>
      serverNames.length === 0 || serverNames.some((own) => own.startsWith('*.') && name.endsWith(own.slice(1))),
  )
  const named = serverNames.length === 0 ? [] : [any(serverNames.map(nameTest))]
  // Who does not look at first bytes knows no name that is asked for behind it.
  const isUnseen = transportProtocol === 'raw_buffer' || (!sniff.tls && chain.tls === undefined)
  const plain = isUnseen ? [nameTest('')] : []
  return [...named, ...narrower.map((name) => not(nameTest(name))), ...plain, ...fromWhere(chain, others)]
}

function nameTest(name: string): Predicate {
  const test: ValueTest = name.startsWith('*.')
    ? { is: 'suffix', value: name.slice(1), ignoreCase: false }
    : { is: 'exact', value: name, ignoreCase: false }
  return { op: 'test', attribute: serverName, test }
}

/** Of chains for the same names the one with the narrowest range of clients is taken. */
function fromWhere(chain: FilterChain, others: readonly FilterChain[]): readonly Predicate[] {
  const isTwin = ({ match }: FilterChain): boolean =>
    match.serverNames.join() === chain.match.serverNames.join() &&
    match.transportProtocol === chain.match.transportProtocol
  const own = rangesOf(chain)
  const isNarrower = (range: Cidr): boolean =>
    own.every((mine) => mine.text !== range.text) && own.every((mine) => mine.prefixLength < range.prefixLength)
  const taken = others.filter(isTwin).flatMap(rangesOf).filter(isNarrower)
  return [...(own.length === 0 ? [] : [any(own.map(rangeTest))]), ...taken.map((range) => not(rangeTest(range)))]
}

function rangesOf({ match }: FilterChain): readonly Cidr[] {
  return match.directSourcePrefixRanges.length > 0 ? match.directSourcePrefixRanges : match.sourcePrefixRanges
}

function rangeTest(cidr: Cidr): Predicate {
  return { op: 'test', attribute: { name: 'source.direct_address' }, test: { is: 'cidr', cidr } }
}

/** A certificate is asked for where it can be verified, and its names must be among those that are expected. */
function peersOf({ tls }: FilterChain): Predicate {
  if (tls === undefined) return not(present('connection.tls'))
  const expected = tls.sans.map(
    ({ test }): Predicate => ({ op: 'test', attribute: { name: 'source.principal' }, test }),
  )
  const named = expected.length === 0 ? present('connection.mtls') : all([present('connection.mtls'), any(expected)])
  if (tls.requireClientCertificate) return named
  const unnamed = all([present('connection.tls'), not(present('connection.mtls'))])
  return tls.rootsSecret === undefined && tls.givenRoots === undefined ? unnamed : any([unnamed, named])
}

function present(name: 'connection.tls' | 'connection.mtls'): Predicate {
  return { op: 'test', attribute: { name }, test: { is: 'present' } }
}

function not(predicate: Predicate): Predicate {
  return { op: 'not', not: predicate }
}

function all(predicates: readonly Predicate[]): Predicate {
  return { op: 'and', all: predicates }
}

function any(predicates: readonly Predicate[]): Predicate {
  return { op: 'or', any: predicates }
}

function distinct(predicates: readonly Predicate[]): readonly Predicate[] {
  return [...new Map(predicates.map((one) => [keyOf(one), one])).values()]
}

/** Ranges hold big numbers; their text says the same. */
function keyOf(predicate: Predicate): string {
  return JSON.stringify(predicate, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
}
