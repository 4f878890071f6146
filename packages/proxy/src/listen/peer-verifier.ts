import type { PeerVerifier } from '@weft/core'
import type { CommonTls, SanMatcher } from '@weft/engine'
import { isMemberOf, parseSpiffeId } from '@weft/identity'

/** Tests one SAN text against one matcher; the engine's string test. */
export type SanTest = (matcher: SanMatcher, name: string) => boolean

/**
 * Judges a peer's verified chain. When we ourselves have a SPIFFE id, the peer must have one of our trust domain
 * (SPIFFE X.509-SVID section 5); beyond that it must carry a name that one of the configured SAN matchers accepts.
 */
export function peerVerifier(tls: CommonTls, ownSpiffeId: string | undefined, test: SanTest): PeerVerifier {
  const own = ownSpiffeId === undefined ? undefined : parseSpiffeId(ownSpiffeId)
  const trustDomain = own?.ok === true ? own.value.trustDomain : undefined
  return (peer) => {
    if (trustDomain !== undefined) {
      if (peer.spiffeId === undefined) return 'peer certificate carries no SPIFFE id'
      const id = parseSpiffeId(peer.spiffeId)
      if (!id.ok) return `peer's SPIFFE id: ${id.error}`
      if (!isMemberOf(id.value, trustDomain)) {
        return `peer ${peer.spiffeId} is not of trust domain ${trustDomain}`
      }
    }
    if (tls.sans.length === 0) return undefined
    const accepted = tls.sans.some((matcher) => {
      if (matcher.type === 'uri') return peer.spiffeId !== undefined && test(matcher, peer.spiffeId)
      return matcher.type === 'dns' && peer.dnsNames.some((name) => test(matcher, name))
    })
    if (accepted) return undefined
    return `peer ${peer.spiffeId ?? peer.dnsNames[0] ?? 'without a name'} is not one of the names expected here`
  }
}
