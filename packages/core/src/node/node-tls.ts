import { constants } from 'node:crypto'
import {
  createSecureContext,
  getCACertificates,
  connect as tlsConnect,
  type SecureContext,
  type SecureContextOptions,
  TLSSocket,
} from 'node:tls'
import type { Socket } from 'node:net'
import type {
  PeerVerifier,
  TlsClientOptions,
  TlsMaterial,
  TlsServerOptions,
  Transport,
  TransportClose,
} from '../transport.ts'
import { peerIdentity } from './peer-identity.ts'
import { RecentValues } from './recent-values.ts'
import { shareReads } from './shared-tls-reads.ts'
import { SocketTransport } from './socket-transport.ts'
import { transportDuplex } from './transport-duplex.ts'

type Open = (transport: Transport) => void
type Fail = (close: TransportClose) => void

/**
 * Contexts are costly (parsing keys) and material is shared by many connections; the cache dies with the material. Material may live for ever
 * (a client without a certificate has none), while each version of roots or of a list of revoked certificates makes another context: those that
 * nobody shows any more go. A mesh with more settings in use at once parses again.
 */
const contexts = new WeakMap<TlsMaterial, RecentValues<SecureContext>>()
const mostContexts = 256

/**
 * Clients may resume their sessions: without an id context OpenSSL ends such a handshake with an alert wherever client
 * certificates are asked for. Tickets are sealed with keys of the context, so they end with its material and roots, and
 * hold the client's leaf, which is judged anew each time. See docs/decisions/0009-raw-tcp-handles.md.
 */
const sessionIdContext = 'weft'
const defaultSessionTimeoutSeconds = 300

const noMaterial: TlsMaterial = { certificateChainPem: '', privateKeyPem: '' }

/** Server side of a handshake on `node:tls`; see `Net.secureServer`. */
export function secureServer(
  transport: Transport,
  head: Buffer | undefined,
  options: TlsServerOptions,
  onOpen: Open,
  onFail: Fail,
): void {
  const context = contextOf(options.material, options.clientRootsPem, options)
  if (!('context' in context)) return failLater(transport, context, onFail)
  const raw = transportDuplex(transport)
  if (head !== undefined && head.length > 0) raw.unshift(Buffer.from(head))
  const askForCertificate = options.clientRootsPem !== undefined
  const socket = new TLSSocket(raw as Socket, {
    isServer: true,
    secureContext: context,
    requestCert: askForCertificate,
    rejectUnauthorized: askForCertificate && options.requireClientCertificate,
    ...(options.alpn.length > 0 ? { ALPNCallback: chooseAlpn(options.alpn) } : {}),
    ...(options.materialFor === undefined ? {} : { SNICallback: chooseContext(options, options.materialFor) }),
  })
  const finish = (): void => {
    const leaf = askForCertificate ? socket.getPeerX509Certificate() : undefined
    const refusal = askForCertificate
      ? refusalOf(socket, leaf, options.requireClientCertificate, options.verifyPeer)
      : undefined
    if (refusal !== undefined) return fail(socket, { reason: 'tls', detail: refusal }, onFail)
    onOpen(secured(socket, transport, leaf, socket.servername || undefined))
  }
  handshake(socket, 'secure', finish, onFail)
}

/** Client side of a handshake on `node:tls`; see `Net.secureClient`. */
export function secureClient(transport: Transport, options: TlsClientOptions, onOpen: Open, onFail: Fail): void {
  const rootsPem = options.rootsPem ?? (options.systemRoots === true ? systemRootsPem() : undefined)
  if (rootsPem === '') return failLater(transport, { reason: 'tls', detail: 'there are no roots to trust' }, onFail)
  const context = contextOf(options.material ?? noMaterial, rootsPem, options)
  if (!('context' in context)) return failLater(transport, context, onFail)
  const verify = rootsPem !== undefined
  const socket = tlsConnect({
    socket: transportDuplex(transport) as Socket,
    secureContext: context,
    rejectUnauthorized: verify,
    // Names are judged by `verifyPeer` below, as SPIFFE ids; the host name says nothing in a mesh.
    checkServerIdentity: () => undefined,
    ...(options.sni !== undefined ? { servername: options.sni } : {}),
    ...(options.alpn.length > 0 ? { ALPNProtocols: [...options.alpn] } : {}),
  })
  const finish = (): void => {
    // Asked once: on a client, node 24 takes the leaf out of the session's chain, and a second call finds none.
    const leaf = verify ? socket.getPeerX509Certificate() : undefined
    const refusal = verify ? refusalOf(socket, leaf, true, options.verifyPeer) : undefined
    if (refusal !== undefined) return fail(socket, { reason: 'tls', detail: refusal }, onFail)
    onOpen(secured(socket, transport, leaf, options.sni))
  }
  handshake(socket, 'secureConnect', finish, onFail)
}

/** Runs until the handshake is done or has failed: exactly one of the two callbacks. */
function handshake(socket: TLSSocket, event: 'secure' | 'secureConnect', onDone: () => void, onFail: Fail): void {
  let failure: Error | undefined
  const settle = (): void => {
    socket.removeListener(event, done)
    socket.removeListener('close', closed)
    socket.removeListener('end', ended)
  }
  const done = (): void => {
    settle()
    socket.removeListener('error', errored)
    socket.removeListener('_tlsError', errored)
    socket.pause()
    onDone()
  }
  const errored = (error: Error): void => {
    failure ??= error
    socket.destroy()
  }
  const closed = (): void => {
    settle()
    const detail = failure?.message ?? 'the peer closed the connection during the handshake'
    onFail({ reason: 'tls', detail })
  }
  // The socket allows half-open connections; half a handshake is of no use.
  const ended = (): void => void socket.destroy()
  socket.once(event, done)
  socket.once('close', closed)
  socket.once('end', ended)
  socket.on('error', errored)
  // A TLSSocket on the server side reports handshake errors only here.
  socket.on('_tlsError', errored)
}

function fail(socket: TLSSocket, close: TransportClose, onFail: Fail): void {
  socket.on('error', () => {})
  socket.destroy()
  onFail(close)
}

type Leaf = ReturnType<TLSSocket['getPeerX509Certificate']>

function secured(socket: TLSSocket, plain: Transport, leaf: Leaf, sni: string | undefined): Transport {
  const peer = leaf === undefined ? undefined : peerIdentity(leaf)
  const alpn = typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : undefined
  const transport = new SocketTransport(socket, { peer, alpn, sni }, plain)
  shareReads(socket)
  return transport
}

/** Why the peer is refused, after the chain was built by OpenSSL; undefined: accepted. */
function refusalOf(
  socket: TLSSocket,
  leaf: Leaf,
  required: boolean,
  verifyPeer: PeerVerifier | undefined,
): string | undefined {
  if (leaf === undefined) return required ? 'the peer showed no certificate' : undefined
  const problem = chainProblem(socket)
  if (problem !== undefined) return problem
  const identity = peerIdentity(leaf)
  // OpenSSL judged the dates when the session began; a resumed one may be older than the certificate's end.
  if (identity.notAfterMs !== undefined && identity.notAfterMs <= Date.now()) return 'the certificate has expired'
  return verifyPeer?.({ ...identity, leafDer: leaf.raw })
}

/** OpenSSL's verdict on the chain. `authorized` is set on clients only; servers are asked as tls.Server asks them. */
function chainProblem(socket: TLSSocket): string | undefined {
  if (socket.authorized) return undefined
  const { ssl } = socket as unknown as { readonly ssl?: { verifyError?(): Error | null | undefined } }
  if (ssl?.verifyError === undefined) return 'the certificate chain cannot be judged on this version of Node'
  return ssl.verifyError()?.message
}

function chooseAlpn(ours: readonly string[]) {
  // Like Envoy, a client that offers only what we do not speak is served without ALPN; node would refuse it.
  return ({ protocols }: { readonly protocols: string[] }): string | undefined =>
    ours.find((name) => protocols.includes(name)) ?? protocols[0]
}

/** The certificate by the server name the client asked for. */
function chooseContext(options: TlsServerOptions, materialFor: (serverName: string) => TlsMaterial) {
  return (serverName: string, done: (error: Error | null, context?: SecureContext) => void): void => {
    const context = contextOf(materialFor(serverName.toLowerCase()), options.clientRootsPem, options)
    if ('context' in context) done(null, context)
    else done(new Error(context.detail))
  }
}

let systemRoots: string | undefined

/** Read once: some hundred certificates, which change with the machine's packages only. */
function systemRootsPem(): string {
  systemRoots ??= getCACertificates('system').join('\n')
  return systemRoots
}

type ContextSettings = Pick<
  TlsServerOptions,
  'minVersion' | 'maxVersion' | 'ciphers' | 'curves' | 'crlPem' | 'tickets' | 'sessionTimeoutSeconds'
>

function contextOf(
  material: TlsMaterial,
  rootsPem: string | undefined,
  settings: ContextSettings,
): SecureContext | TransportClose {
  let cached = contexts.get(material)
  if (cached === undefined) contexts.set(material, (cached = new RecentValues(mostContexts)))
  const { minVersion, maxVersion = 'TLSv1.3', ciphers, curves, crlPem, tickets, sessionTimeoutSeconds } = settings
  const limits = [minVersion, maxVersion, ciphers, curves, tickets, sessionTimeoutSeconds].join(' ')
  const key = `${limits} ${rootsPem ?? ''}${crlPem ?? ''}`
  const known = cached.get(key)
  if (known !== undefined) return known
  try {
    const options: SecureContextOptions = {
      ...(material === noMaterial ? {} : { cert: material.certificateChainPem, key: material.privateKeyPem }),
      ...(rootsPem === undefined ? {} : { ca: rootsPem }),
      ...(crlPem === undefined ? {} : { crl: crlPem }),
      minVersion,
      maxVersion,
      ...(ciphers === undefined ? {} : { ciphers }),
      ...(curves === undefined ? {} : { ecdhCurve: curves }),
      ...(tickets === false ? { secureOptions: constants.SSL_OP_NO_TICKET } : {}),
      sessionIdContext,
      sessionTimeout: sessionTimeoutSeconds ?? defaultSessionTimeoutSeconds,
    }
    const context = createSecureContext(options)
    cached.set(key, context)
    return context
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    return { reason: 'tls', detail: `certificate, key or roots cannot be used: ${what}` }
  }
}

function failLater(transport: Transport, close: TransportClose, onFail: Fail): void {
  queueMicrotask(() => onFail(close))
  transport.destroy()
}
