import type { PeerIdentity, Result, TlsServerOptions, Transport } from '@weft/core'
import { chooseCertificate, type ConnectionFacts, type DownstreamTls } from '@weft/engine'
import type { CertificateSecret } from '../config/secret-source.ts'
import { tlsMaterial, type TlsContextMaterial } from '../config/tls-material.ts'
import type { AcceptContext, AcceptRefusal } from './accept.ts'
import { peerVerifier } from './peer-verifier.ts'

/** A handshake without a limit of its own ends after this long (Envoy's default transport socket connect timeout). */
const defaultHandshakeTimeoutMs = 15_000

/** What a handshake adds. */
export interface Secured {
  readonly transport: Transport
  readonly facts: ConnectionFacts
  /** The certificate we showed. */
  readonly own: CertificateSecret
  readonly peer: PeerIdentity | undefined
}

/** A connection before its handshake. */
export interface Unsecured {
  readonly transport: Transport
  readonly head: Buffer | undefined
  readonly facts: ConnectionFacts
  readonly tls: DownstreamTls
  readonly timeoutMs: number
}

/** How it ended; exactly one is called. */
export interface HandshakeOutcome {
  onSecured(secured: Secured): void
  onRefused(refusal: AcceptRefusal, detail: string): void
}

/** Runs the server side of a handshake, bounded in time, with what the TLS context names as it is now. */
export function acceptTls(from: Unsecured, context: AcceptContext, outcome: HandshakeOutcome): void {
  const begin = (material: Result<TlsContextMaterial>): void => {
    const first = material.ok ? material.value.certificates[0] : undefined
    if (material.ok && first !== undefined) return shakeHands(from, material.value, first, context, outcome)
    outcome.onRefused('no_certificate', material.ok ? 'there is no certificate' : material.error)
    from.transport.destroy()
  }
  const material = tlsMaterial(from.tls, context.secrets, context.runtime)
  if ('then' in material) void material.then(begin)
  else begin(material)
}

function shakeHands(
  from: Unsecured,
  material: TlsContextMaterial,
  first: CertificateSecret,
  context: AcceptContext,
  outcome: HandshakeOutcome,
): void {
  const { transport, facts, tls } = from
  let own = first
  let over = false
  const timer = context.runtime.timers.set(from.timeoutMs > 0 ? from.timeoutMs : defaultHandshakeTimeoutMs, () => {
    over = true
    outcome.onRefused('ssl_connection_error', 'handshake timed out')
    transport.destroy()
  })
  const options = serverOptions(tls, material, first, context, (chosen) => (own = chosen))
  context.runtime.net.secureServer(
    transport,
    from.head,
    options,
    (secured) => {
      timer.cancel()
      if (over) return secured.destroy()
      if (tls.requireSni === true && secured.sni === undefined) {
        outcome.onRefused('ssl_connection_error', 'the client names no server')
        return secured.destroy()
      }
      const { peer } = secured
      const peerNames = [...(peer?.spiffeId === undefined ? [] : [peer.spiffeId]), ...(peer?.dnsNames ?? [])]
      const sni = facts.sni ?? secured.sni?.toLowerCase()
      const known: ConnectionFacts = { ...facts, sni, tls: true, peerNames, localPrincipal: own.facts.spiffeId }
      outcome.onSecured({ transport: secured, facts: known, own, peer })
    },
    (close) => {
      timer.cancel()
      if (!over) outcome.onRefused('ssl_connection_error', close.detail)
    },
  )
}

function serverOptions(
  tls: DownstreamTls,
  { certificates, rootsPem, crlPem }: TlsContextMaterial,
  first: CertificateSecret,
  context: AcceptContext,
  onChosen: (certificate: CertificateSecret) => void,
): TlsServerOptions {
  const choose = (serverName: string) => {
    const names = certificates.map(({ facts }) => facts.dnsNames ?? [])
    const chosen = certificates[chooseCertificate(names, serverName)] ?? first
    onChosen(chosen)
    return chosen.material
  }
  return {
    material: first.material,
    ...(certificates.length > 1 ? { materialFor: choose } : {}),
    clientRootsPem: rootsPem,
    requireClientCertificate: tls.requireClientCertificate,
    alpn: tls.alpn,
    minVersion: tls.minVersion,
    maxVersion: tls.maxVersion,
    ...(crlPem === undefined ? {} : { crlPem }),
    ...(tls.ciphers === undefined ? {} : { ciphers: tls.ciphers }),
    ...(tls.curves === undefined ? {} : { curves: tls.curves }),
    ...(tls.resumption?.tickets === false ? { tickets: false } : {}),
    ...(tls.resumption?.timeoutSeconds === undefined ? {} : { sessionTimeoutSeconds: tls.resumption.timeoutSeconds }),
    verifyPeer: rootsPem === undefined ? undefined : peerVerifier(tls, first.facts.spiffeId, context.decisions.testSan),
  }
}
