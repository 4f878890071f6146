// The handshake of two proxies: whether the one that begins it takes the other for whom it wants, and the other lets it in.
import { matchFilterChain } from '../decide/filter-chain.ts'
import { testValue } from '../match/value-test.ts'
import type { FilterChain, Listener, PemSource, UpstreamTls } from '../model.ts'
import { testText } from '../prove/describe.ts'
import type { Recorder } from '../prove/proof.ts'
import type { ConnectionFacts } from '../request-head.ts'
import type { ProxyView } from './explanation.ts'
import { shakeHands } from './shake-hands.ts'
import { whyUnread } from './why-unread.ts'

/** Names under which proxies get what is the mesh's: their own SVID, and the roots of all. */
export const meshSecrets = { certificate: 'default', roots: 'ROOTCA' } as const

/** Where the authorities of a machine are: no SVID is of any. */
const systemAuthorities = '/etc/ssl/certs/ca-certificates.crt'

/** A connection over TLS from one proxy to another. */
export interface Meeting {
  readonly tls: UpstreamTls
  readonly from: ProxyView
  readonly server: ProxyView
  /** As it arrives. */
  readonly connection: ConnectionFacts
  /** It carries bytes, not requests. */
  readonly bytes: boolean
}

/** The listener of a proxy that a connection arrives at. */
export function listenerAt({ config }: ProxyView, { localAddress, localPort }: ConnectionFacts): Listener | undefined {
  return [...config.listeners.values()].find(
    ({ address }) => address.kind === 'socket' && address.host === localAddress && address.port === localPort,
  )
}

/**
 * Why there is no connection; undefined: there is one, as far as configurations tell. Files and Secrets are not read: who names authorities
 * of its own is taken to know those of the server. `names`: the server must carry one of them as well. Recorded as an identity step.
 */
export function meetServer(meeting: Meeting, recorder: Recorder, names?: readonly string[]): string | undefined {
  const { server, connection } = meeting
  const listener = listenerAt(server, connection)
  // Nothing is known of its certificate either.
  if (listener === undefined && whyUnread(server, 'LDS') !== undefined) return undefined
  const chain = listener === undefined ? undefined : matchFilterChain(listener, connection)
  return verifyServer(meeting, chain, recorder, names) ?? (chain === undefined ? undefined : letIn(meeting, chain))
}

/** Why the client would refuse the server's certificate. */
function verifyServer(
  { tls, server }: Meeting,
  chain: FilterChain | undefined,
  recorder: Recorder,
  names: readonly string[] | undefined,
): string | undefined {
  if (tls.rootsSecret === undefined && tls.givenRoots === undefined) return undefined
  const isOwn = chain?.tls !== undefined && chain.tls.certificateSecret !== meshSecrets.certificate
  // Of a certificate that is no SVID nothing is known but that the mesh did not issue it.
  if (isOwn && tls.rootsSecret !== meshSecrets.roots) return undefined
  const sans = tls.sans.map((san) => `${san.type} ${testText(san.test)}`).join(' or ')
  const wanted = names === undefined ? sans : `name is ${names.join(' or ')}`
  const known = isOwn ? undefined : server.principal
  const named = names === undefined || (known !== undefined && names.includes(known))
  const isTrusted = !isOwn && !ofSystem(tls.givenRoots)
  const fits =
    isTrusted &&
    named &&
    (tls.sans.length === 0 || tls.sans.some((san) => san.type === 'uri' && testValue(san.test, known)))
  recorder.step({
    decision: 'identity',
    chosen: fits ? known : undefined,
    summary: fits ? `the server is ${known}` : `the server is ${known ?? 'unknown'}, wanted: ${wanted}`,
    origins: {},
    losers: [],
  })
  if (fits) return undefined
  if (!isTrusted && !isOwn) return `the server's certificate is of the mesh, which is no authority of the system`
  return `the server's certificate names ${known ?? 'nobody'}, not one whose ${wanted}`
}

function ofSystem(roots: PemSource | { readonly kind: 'system' } | undefined): boolean {
  return roots?.kind === 'system' || (roots?.kind === 'file' && roots.path === systemAuthorities)
}

/** Why the server would refuse the client. */
function letIn({ tls, from, server, connection, bytes }: Meeting, chain: FilterChain): string | undefined {
  if (chain.tls === undefined) {
    return bytes && chain.terminal.kind === 'tcp' ? undefined : `${server.id} speaks no TLS there`
  }
  const isSvid = tls.certificateSecret === meshSecrets.certificate
  const isOther = !isSvid && (tls.certificateSecret !== undefined || tls.givenCertificates !== undefined)
  const { requireClientCertificate, rootsSecret } = chain.tls
  if (isOther) {
    const isRefused = requireClientCertificate && rootsSecret === meshSecrets.roots
    return isRefused ? `${server.id} asks for a certificate of the mesh, ${from.id} shows another` : undefined
  }
  const client = { names: isSvid && from.principal !== undefined ? [from.principal] : [], hello: { sni: tls.sni } }
  const handshake = shakeHands(chain, { ...connection, tls: false }, client)
  return handshake.kind === 'refused' ? `${server.id} closes the connection: ${handshake.reason}` : undefined
}
