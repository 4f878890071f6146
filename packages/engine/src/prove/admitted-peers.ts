// Which peers a listener lets in at all: a change of the identity is worth nothing where no connection can have it.
import { chooseChain } from '../decide/chain-steps.ts'
import type { FilterChain, Listener } from '../model.ts'
import type { Predicate } from '../predicate.ts'
import type { ConnectionFacts } from '../request-head.ts'
import { connectionTo } from './chain-connections.ts'

/** What is asked for when a client opens its connection with TLS, without it, or in another way. */
const ofOpening = /^connection\.(transport_protocol|requested_server_name|application_protocol)$/

/** So many chains besides the one that serves the connection are looked at. */
const chainsMax = 32

/** Holds for the peers of the chain that serves the connection, and of those that a client reaches by opening it in another way. */
export function admittedPeers(listener: Listener, connection: ConnectionFacts): Predicate {
  const here = chooseChain(listener, connection)
  // What came through a tunnel shows who sent it, though there is no TLS here.
  if (here === undefined || (here.tls === undefined && connection.tls)) return { op: 'always' }
  const others = listener.filterChains
    .slice(0, chainsMax)
    .filter(
      (chain) => chain !== here && kindOf(chain) !== kindOf(here) && isReachedByOpening(listener, connection, chain),
    )
  const kinds = new Set([here, ...others].map(kindOf))
  return { op: 'or', any: [...kinds].map((kind) => peersOf[kind]) }
}

function isReachedByOpening(listener: Listener, connection: ConnectionFacts, chain: FilterChain): boolean {
  const found = connectionTo(listener, connection, chain)
  return found.kind === 'changes' && found.changes.every(({ attribute }) => ofOpening.test(attribute))
}

function kindOf({ tls }: FilterChain): keyof typeof peersOf {
  if (tls === undefined) return 'plaintext'
  return tls.requireClientCertificate ? 'mutual TLS' : 'TLS'
}

const present = (name: 'connection.tls' | 'connection.mtls'): Predicate => ({
  op: 'test',
  attribute: { name },
  test: { is: 'present' },
})

const peersOf = {
  plaintext: { op: 'not', not: present('connection.tls') },
  TLS: present('connection.tls'),
  'mutual TLS': present('connection.mtls'),
} as const satisfies Record<string, Predicate>
