// X-Forwarded-*, X-Request-Id and Envoy's own headers, as Envoy's ConnectionManagerUtility::mutateRequestHeaders treats
// them.
import type { PeerIdentity } from '@weft/core'
import type { ConnectionFacts, ForwardingHeaders, HttpConnectionManager } from '@weft/engine'
import { addHeader, dropKind, headerSafe } from '../codec/head-edits.ts'
import { HeaderKind } from '../codec/header-kind.ts'
import type { MessageHead } from '../codec/message-head.ts'
import type { RandomPool } from './random-pool.ts'
import type { RequestView } from './request-view.ts'

/** What the headers say about the client. */
export interface ClientFacts {
  /** The client's address as far as hops in front are trusted; undefined: the connection's peer. */
  readonly trustedAddress: string | undefined
  readonly requestId: string | undefined
}

/** Headers that steer an Envoy: not taken from strangers, and without `internal_address_config` everyone is one. */
const internalOnly = new Set([
  'x-envoy-internal',
  'x-envoy-retry-on',
  'x-envoy-retry-grpc-on',
  'x-envoy-max-retries',
  'x-envoy-retriable-status-codes',
  'x-envoy-retriable-header-names',
  'x-envoy-upstream-alt-stat-name',
  'x-envoy-upstream-rq-timeout-ms',
  'x-envoy-upstream-rq-per-try-timeout-ms',
  'x-envoy-upstream-rq-timeout-alt-response',
  'x-envoy-expected-rq-timeout-ms',
  'x-envoy-force-trace',
  'x-envoy-ip-tags',
  'x-envoy-original-url',
  'x-envoy-hedge-on-per-try-timeout',
])

/** Headers by which a mesh names itself: not taken from strangers at the edge. */
const meshOnly = new Set([
  'x-envoy-downstream-service-cluster',
  'x-envoy-downstream-service-node',
  'x-envoy-decorator-operation',
])

/** A request whose client is to be known. */
type ReceivedRequest = { readonly head: RequestView; readonly manager: HttpConnectionManager } & {
  -readonly [fact in keyof ClientFacts]: ClientFacts[fact]
}

/** Applies a manager's settings to a request and sets what trusted hops said of its client. */
export function applyForwarding(
  request: ReceivedRequest,
  connection: { readonly facts: ConnectionFacts; readonly peer: PeerIdentity | undefined },
  random: RandomPool,
): void {
  const { head: view, manager } = request
  const { head } = view
  const { forwarding } = manager
  const { facts } = connection
  const edge = forwarding.useRemoteAddress
  if (head.has(HeaderKind.X_ENVOY)) dropSteering(head, edge)
  const proto = facts.tls ? 'https' : 'http'
  const trustedAddress = edge ? edgeAddress(head, forwarding, facts) : innerAddress(head, forwarding)
  if ((edge && forwarding.xffTrustedHops === 0) || !head.has(HeaderKind.X_FORWARDED_PROTO)) {
    dropKind(head, HeaderKind.X_FORWARDED_PROTO)
    addHeader(head, 'x-forwarded-proto', proto)
  } else {
    const said = head.valueOf(HeaderKind.X_FORWARDED_PROTO, 'x-forwarded-proto')
    if (said === 'http' || said === 'https') view.setScheme(said)
  }
  if (edge) {
    dropKind(head, HeaderKind.X_ENVOY_EXTERNAL_ADDRESS)
    addHeader(head, 'x-envoy-external-address', trustedAddress ?? facts.remoteAddress)
  }
  if (manager.via !== '') addHeader(head, 'via', manager.via)
  clientCertificate(head, forwarding, connection)
  request.trustedAddress = trustedAddress
  request.requestId = requestId(head, manager, edge, random)
}

function dropSteering(head: MessageHead, edge: boolean): void {
  for (let at = 0; at < head.count; at++) {
    if (head.kinds[at] !== HeaderKind.X_ENVOY) continue
    const name = head.nameAt(at)
    if (internalOnly.has(name) || (edge && meshOnly.has(name))) head.drop(at)
  }
}

/** The edge: our immediate peer is the client, or the last of the hops we were told to trust. Appends it. */
function edgeAddress(head: MessageHead, forwarding: ForwardingHeaders, facts: ConnectionFacts): string | undefined {
  const before = head.has(HeaderKind.X_FORWARDED_FOR)
    ? head.valueOf(HeaderKind.X_FORWARDED_FOR, 'x-forwarded-for')
    : undefined
  const { xffTrustedHops } = forwarding
  const trusted = xffTrustedHops === 0 ? facts.remoteAddress : lastAddress(before, xffTrustedHops - 1)
  if (!forwarding.skipXffAppend) {
    dropKind(head, HeaderKind.X_FORWARDED_FOR)
    addHeader(head, 'x-forwarded-for', before === undefined ? facts.remoteAddress : `${before},${facts.remoteAddress}`)
  }
  return trusted ?? facts.remoteAddress
}

function innerAddress(head: MessageHead, forwarding: ForwardingHeaders): string | undefined {
  if (!head.has(HeaderKind.X_FORWARDED_FOR)) return undefined
  return lastAddress(head.valueOf(HeaderKind.X_FORWARDED_FOR, 'x-forwarded-for'), forwarding.xffTrustedHops)
}

/** Mostly it is the one that was read before. */
let lastFound = ''

const address = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$/

/** The address `skip` places from the end of X-Forwarded-For; undefined when there is none that can be read. */
function lastAddress(value: string | undefined, skip: number): string | undefined {
  if (value === undefined) return undefined
  let end = value.length
  for (let left = skip; left > 0; left--) {
    end = value.lastIndexOf(',', end - 1)
    if (end < 0) return undefined
  }
  const found = value.slice(end === 0 ? 0 : value.lastIndexOf(',', end - 1) + 1, end).trim()
  if (found === lastFound) return lastFound
  if (!address.test(found)) return undefined
  return (lastFound = found)
}

function requestId(
  head: MessageHead,
  manager: HttpConnectionManager,
  edge: boolean,
  random: RandomPool,
): string | undefined {
  const { generate, preserveExternal } = manager.requestId
  const present = head.has(HeaderKind.X_REQUEST_ID)
  if (!generate || (present && (!edge || preserveExternal)))
    return present ? head.valueOf(HeaderKind.X_REQUEST_ID, 'x-request-id') : undefined
  dropKind(head, HeaderKind.X_REQUEST_ID)
  const id = random.uuid()
  addHeader(head, 'x-request-id', id)
  return id
}

/** X-Forwarded-Client-Cert: what a stranger says there is never passed on unless configured. */
function clientCertificate(
  head: MessageHead,
  { clientCert, clientCertDetails }: ForwardingHeaders,
  connection: { readonly facts: ConnectionFacts; readonly peer: PeerIdentity | undefined },
): void {
  if (clientCert === 'always-forward-only') return
  const { facts, peer } = connection
  if (clientCert === 'sanitize' || peer === undefined) return dropKind(head, HeaderKind.X_FORWARDED_CLIENT_CERT)
  if (clientCert === 'forward-only') return
  const own = certificateOf(facts.localPrincipal, peer, clientCertDetails)
  const kind = HeaderKind.X_FORWARDED_CLIENT_CERT
  const before = clientCert === 'append-forward' ? head.valueOf(kind, 'x-forwarded-client-cert') : undefined
  dropKind(head, kind)
  if (own !== '') addHeader(head, 'x-forwarded-client-cert', before === undefined ? own : `${before},${own}`)
}

type Details = ForwardingHeaders['clientCertDetails']

let lastLocal: string | undefined
let lastPeer: PeerIdentity | undefined
let lastDetails: Details | undefined
let lastText = ''

/** What this hop says of its two ends: the same for all requests of a connection, of which many come in a row. */
function certificateOf(local: string | undefined, peer: PeerIdentity, details: Details): string {
  if (local === lastLocal && peer === lastPeer && details === lastDetails) return lastText
  const parts: string[] = []
  if (local !== undefined) parts.push(`By=${local}`)
  if (peer.fingerprint !== undefined) parts.push(`Hash=${peer.fingerprint}`)
  // Envoy says of an empty subject that it is empty.
  if (details.subject && peer.subject !== undefined) parts.push(`Subject="${peer.subject}"`)
  if (details.uri && peer.spiffeId !== undefined) parts.push(`URI=${peer.spiffeId}`)
  if (details.dns) parts.push(...(peer.dnsNames ?? []).map((name) => `DNS=${headerSafe(name)}`))
  lastLocal = local
  lastPeer = peer
  lastDetails = details
  lastText = parts.join(';')
  return lastText
}
