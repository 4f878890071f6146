import { createSecureContext, connect as tlsConnect, type SecureContext, TLSSocket } from 'node:tls'
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
import { SocketTransport } from './socket-transport.ts'
import { transportDuplex } from './transport-duplex.ts'

type Open = (transport: Transport) => void
type Fail = (close: TransportClose) => void

/** Contexts are costly (parsing keys) and material is shared by many connections; the cache dies with the material. */
const contexts = new WeakMap<TlsMaterial, Map<string, SecureContext>>()

/**
 * Clients may resume their sessions: without an id context OpenSSL ends such a handshake with an alert wherever client
 * certificates are asked for. Tickets are sealed with keys of the context, so they end with its material and roots, and
 * hold the client's leaf, which is judged anew each time. See docs/decisions/0009-raw-tcp-handles.md.
 */
const resumption = { sessionIdContext: 'weft', sessionTimeout: 300 }

const noMaterial: TlsMaterial = { certificateChainPem: '', privateKeyPem: '' }

/** Server side of a handshake on `node:tls`; see `Net.secureServer`. */
export function secureServer(
  transport: Transport,
  head: Buffer | undefined,
  options: TlsServerOptions,
  onOpen: Open,
  onFail: Fail,
): void {
  const context = contextOf(options.material, options.clientRootsPem, options, onFail)
  if (context === undefined) return transport.destroy()
  const raw = transportDuplex(transport)
  if (head !== undefined && head.length > 0) raw.unshift(Buffer.from(head))
  const askForCertificate = options.clientRootsPem !== undefined
  const socket = new TLSSocket(raw as Socket, {
    isServer: true,
    secureContext: context,
    requestCert: askForCertificate,
    rejectUnauthorized: askForCertificate && options.requireClientCertificate,
    ...(options.alpn.length > 0 ? { ALPNCallback: chooseAlpn(options.alpn) } : {}),
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
  const context = contextOf(options.material ?? noMaterial, options.rootsPem, options, onFail)
  if (context === undefined) return transport.destroy()
  const verify = options.rootsPem !== undefined
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
  return new SocketTransport(socket, { peer, alpn, sni }, plain)
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

function contextOf(
  material: TlsMaterial,
  rootsPem: string | undefined,
  limits: Pick<TlsServerOptions, 'minVersion' | 'maxVersion'>,
  onFail: Fail,
): SecureContext | undefined {
  let cached = contexts.get(material)
  if (cached === undefined) contexts.set(material, (cached = new Map()))
  const maxVersion = limits.maxVersion ?? 'TLSv1.3'
  const key = `${limits.minVersion} ${maxVersion} ${rootsPem ?? ''}`
  const known = cached.get(key)
  if (known !== undefined) return known
  try {
    const context = createSecureContext({
      ...(material === noMaterial ? {} : { cert: material.certificateChainPem, key: material.privateKeyPem }),
      ...(rootsPem === undefined ? {} : { ca: rootsPem }),
      minVersion: limits.minVersion,
      maxVersion,
      ...resumption,
    })
    cached.set(key, context)
    return context
  } catch (error) {
    const detail = `certificate, key or roots cannot be used: ${error instanceof Error ? error.message : String(error)}`
    queueMicrotask(() => onFail({ reason: 'tls', detail }))
    return undefined
  }
}
