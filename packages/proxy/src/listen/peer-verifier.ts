import { createHash, X509Certificate } from 'node:crypto'
import type { PeerVerifier } from '@weft/core'
import type { CommonTls, SanMatcher } from '@weft/engine'
import { isMemberOf, parseSpiffeId } from '@weft/identity'

type Peer = Parameters<PeerVerifier>[0]

/** Tests one SAN text against one matcher; the engine's string test. */
export type SanTest = (matcher: SanMatcher, name: string) => boolean

/**
 * Judges a peer's verified chain. When we ourselves have a SPIFFE id, and the roots are those of the mesh (SDS), the peer
 * must have one of our trust domain (SPIFFE X.509-SVID section 5), or of one that the configured SAN matchers spell out (an alias);
 * beyond that it must carry a name that one of those matchers accepts; and one of `names`, where they are given.
 */
export function peerVerifier(
  tls: CommonTls,
  ownSpiffeId: string | undefined,
  test: SanTest,
  names?: readonly string[],
): PeerVerifier {
  const mesh = tls.givenRoots === undefined
  const own = ownSpiffeId === undefined || !mesh ? undefined : parseSpiffeId(ownSpiffeId)
  const trustDomain = own?.ok === true ? own.value.trustDomain : undefined
  return (peer) => {
    if (trustDomain !== undefined) {
      if (peer.spiffeId === undefined) return 'peer certificate carries no SPIFFE id'
      const id = parseSpiffeId(peer.spiffeId)
      if (!id.ok) return `peer's SPIFFE id: ${id.error}`
      if (!isMemberOf(id.value, trustDomain) && !tls.sans.some((san) => spellsOut(san, id.value.trustDomain))) {
        return `peer ${peer.spiffeId} is not of trust domain ${trustDomain}`
      }
    }
    if (names !== undefined && !names.some((name) => name !== '' && carries(peer, name)))
      return `peer ${peer.spiffeId ?? peer.dnsNames[0] ?? 'without a name'} is not ${names.join(' or ') || 'known by name'}`
    if (tls.leafHashes !== undefined && !isPinned(peer, tls.leafHashes))
      return 'the certificate is none of those expected here'
    if (tls.sans.length === 0) return undefined
    const accepted = tls.sans.some((matcher) =>
      namesOf(peer, matcher.type).some((name) => accepts(matcher, name, test)),
    )
    if (accepted) return undefined
    return `peer ${peer.spiffeId ?? peer.dnsNames[0] ?? 'without a name'} is not one of the names expected here`
  }
}

/** Whether the matcher accepts ids of this one trust domain only: nothing but its whole name proves that it is meant. */
function spellsOut({ type, test }: SanMatcher, trustDomain: string): boolean {
  if (type !== 'uri' || (test.is !== 'exact' && test.is !== 'prefix') || test.ignoreCase) return false
  return test.value.startsWith(`spiffe://${trustDomain}/`)
}

/** Whether the leaf, or its key, is one of those named. On the in-memory network, which has no certificates, none is. */
function isPinned(
  { fingerprint, leafDer }: Peer,
  { keys, certificates }: NonNullable<CommonTls['leafHashes']>,
): boolean {
  if (fingerprint !== undefined && certificates.includes(fingerprint)) return true
  if (keys.length === 0 || leafDer === undefined) return false
  const key = new X509Certificate(leafDer).publicKey.export({ type: 'spki', format: 'der' })
  return keys.includes(createHash('sha256').update(key).digest('base64'))
}

function carries(peer: Peer, name: string): boolean {
  if (peer.spiffeId === name || peer.ipAddresses?.includes(name) === true) return true
  return peer.dnsNames.some((one) => one.toLowerCase() === name.toLowerCase() || covers(one, name))
}

/** A wildcard stands for one leftmost label (RFC 9525 6.3). */
function covers(wildcard: string, name: string): boolean {
  const dot = name.indexOf('.')
  return wildcard.startsWith('*.') && dot > 0 && name.slice(dot).toLowerCase() === wildcard.slice(1).toLowerCase()
}

/** E-mail names are not read out of certificates: a matcher that wants one accepts nobody. */
function namesOf(peer: Peer, type: SanMatcher['type']): readonly string[] {
  if (type === 'uri') return peer.spiffeId === undefined ? [] : [peer.spiffeId]
  if (type === 'dns') return peer.dnsNames
  return type === 'ip' ? (peer.ipAddresses ?? []) : []
}

/** An exact DNS matcher also accepts a certificate whose wildcard (one leftmost label) covers the name, as in Envoy. */
function accepts(matcher: SanMatcher, name: string, test: SanTest): boolean {
  if (test(matcher, name)) return true
  const wanted = matcher.type === 'dns' && matcher.test.is === 'exact' ? matcher.test.value : undefined
  return wanted !== undefined && covers(name, wanted)
}
