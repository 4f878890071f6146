import type { Net, Transport, TransportClose } from '@weft/core'
import { testValue, type UpstreamTls } from '@weft/engine'
import type { CertificateSecret, Secrets } from '../config/secret-source.ts'
import { peerVerifier } from '../listen/peer-verifier.ts'

/** The secrets one upstream connection was made with. */
export interface UpstreamIdentity {
  readonly certificate: CertificateSecret | undefined
  readonly rootsPem: string | undefined
}

/** The secrets a handshake would use now; undefined when one that the settings name is not there. */
export function currentIdentity(tls: UpstreamTls, secrets: Secrets): UpstreamIdentity | undefined {
  const certificate = tls.certificateSecret === undefined ? undefined : secrets.certificate(tls.certificateSecret)
  const rootsPem = tls.rootsSecret === undefined ? undefined : secrets.rootsPem(tls.rootsSecret)
  if (tls.certificateSecret !== undefined && certificate === undefined) return undefined
  if (tls.rootsSecret !== undefined && rootsPem === undefined) return undefined
  return { certificate, rootsPem }
}

/** Runs the client side of a handshake as a cluster's TLS settings say. */
export function secureUpstream(
  net: Net,
  transport: Transport,
  by: { readonly tls: UpstreamTls; readonly identity: UpstreamIdentity },
  onOpen: (transport: Transport) => void,
  onFail: (close: TransportClose) => void,
): void {
  const { tls, identity } = by
  const own = identity.certificate?.facts.spiffeId
  net.secureClient(
    transport,
    {
      material: identity.certificate?.material,
      rootsPem: identity.rootsPem,
      sni: tls.sni,
      alpn: tls.alpn,
      verifyPeer: peerVerifier(tls, own, (matcher, name) => testValue(matcher.test, name)),
      minVersion: tls.minVersion,
      maxVersion: tls.maxVersion,
    },
    onOpen,
    onFail,
  )
}

/** Wall clock, milliseconds: no connection outlives a certificate of either side. */
export function expiresAtMs(identity: UpstreamIdentity | undefined, transport: Transport): number {
  const own = identity?.certificate?.facts.notAfterMs ?? Number.POSITIVE_INFINITY
  return Math.min(own, transport.peer?.notAfterMs ?? Number.POSITIVE_INFINITY)
}
