// The handshake that a chain asks a client for: who passes it, and who the client then is.
import { testValue } from '../match/value-test.ts'
import type { DownstreamTls, FilterChain, Listener } from '../model.ts'
import type { ConnectionFacts } from '../request-head.ts'
import type { TcpTarget } from './explanation.ts'

/** The connection as its filters see it, or why it ends before them. */
export type Handshake =
  | { readonly kind: 'passed'; readonly connection: ConnectionFacts }
  | { readonly kind: 'refused'; readonly reason: string }

/** What a client brings to a handshake, whether the listener looks at its first bytes or not. */
export interface Client {
  /** Names in the certificate that it shows where one is asked for, of an authority that is trusted; empty: it has none. */
  readonly names: readonly string[]
  /** What it says first, if it speaks TLS. */
  readonly hello: Pick<ConnectionFacts, 'sni'> | undefined
}

/** The client of a connection that is explained; undefined: it sends a request, and handshakes are not looked at. */
export function clientOf(to: TcpTarget | undefined): Client | undefined {
  if (to === undefined) return undefined
  const { serverName, clientNames = [] } = to
  return { names: clientNames, hello: serverName === undefined ? undefined : { sni: serverName || undefined } }
}

/** What becomes of a client at a chain. Facts of a connection that is secured already stay as they are. */
export function shakeHands(
  { tls }: Pick<FilterChain, 'tls'>,
  connection: ConnectionFacts,
  { names, hello }: Client,
): Handshake {
  if (tls === undefined || connection.tls) return { kind: 'passed', connection }
  if (hello === undefined) return { kind: 'refused', reason: 'the chain wants TLS, the client speaks none' }
  if (tls.requireSni === true && hello.sni === undefined)
    return { kind: 'refused', reason: 'the client names no server' }
  const verifies = tls.rootsSecret !== undefined || tls.givenRoots !== undefined
  const peerNames = verifies ? names : []
  if (peerNames.length === 0 && tls.requireClientCertificate)
    return { kind: 'refused', reason: 'the chain asks for a certificate, the client shows none' }
  if (peerNames.length > 0 && !isExpected(tls, peerNames))
    return { kind: 'refused', reason: `a certificate of ${peerNames.join(', ')} is not accepted` }
  return { kind: 'passed', connection: { ...connection, sni: connection.sni ?? hello.sni, tls: true, peerNames } }
}

/** What a listener knows of TLS that it is not the end of: nothing, unless it looks at the first bytes. */
export function asSeenBy({ sniff }: Listener, connection: ConnectionFacts): ConnectionFacts {
  if (sniff.tls || connection.transportProtocol !== 'tls') return connection
  return { ...connection, sni: undefined, transportProtocol: 'raw_buffer', applicationProtocols: [] }
}

function isExpected({ sans }: DownstreamTls, names: readonly string[]): boolean {
  return sans.length === 0 || names.some((name) => sans.some(({ test }) => testValue(test, name)))
}
