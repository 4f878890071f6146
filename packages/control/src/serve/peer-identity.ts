// Who is at the other end of a gRPC call, from the certificate TLS has verified.
import { err, ok, type PeerIdentity, type Result } from '@weft/core'
import { certificateFacts, checkLeaf } from '@weft/identity'

/**
 * The verified peer of a call; undefined when it showed no (acceptable) certificate. A certificate that chains to our
 * roots but is no X.509-SVID is an error: it must not pass as anonymous.
 */
export function peerOfCall(call: {
  getAuthContext(): { readonly sslPeerCertificate?: { readonly raw: Uint8Array } }
}): Result<PeerIdentity | undefined> {
  const raw = call.getAuthContext().sslPeerCertificate?.raw
  if (raw === undefined) return ok(undefined)
  const facts = certificateFacts(raw)
  if (!facts.ok) return facts
  const leaf = checkLeaf(facts.value)
  if (!leaf.ok) return err(`client certificate is no SVID: ${leaf.error}`)
  return ok({ spiffeId: facts.value.uris[0], serial: facts.value.serial, notAfterMs: facts.value.notAfterMs })
}
