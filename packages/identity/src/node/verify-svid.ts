// Verifies a peer's chain against the roots of its own trust domain (X509-SVID 5): structure, path, signatures, dates.
import { X509Certificate } from 'node:crypto'
import { err, ok, type Result } from '@weft/core'
import { type CertificateFacts, certificateFacts } from '../certificate-facts.ts'
import type { SpiffeId } from '../spiffe-id.ts'
import { checkChainStructure, signingCertificateProblem, validityProblem } from '../svid-rules.ts'
import type { TrustBundles } from '../trust-bundles.ts'

/** A verified peer. */
export interface VerifiedSvid {
  readonly id: SpiffeId
  readonly leaf: CertificateFacts
}

/** Verifies DER certificates (leaf first, roots not included) at `nowMs`; the error says what is wrong. */
export function verifySvid(chain: readonly Uint8Array[], bundles: TrustBundles, nowMs: number): Result<VerifiedSvid> {
  const facts: CertificateFacts[] = []
  for (const der of chain) {
    const one = certificateFacts(der)
    if (!one.ok) return one
    facts.push(one.value)
  }
  const id = checkChainStructure(facts)
  if (!id.ok) return id
  const roots = bundles.get(id.value.trustDomain)
  if (roots === undefined) return err(`no bundle for ${id.value.trustDomain}`)
  const untrusted = pathProblem(chain, roots, nowMs)
  if (untrusted !== undefined) return err(untrusted)
  for (const one of facts) {
    const stale = validityProblem(one, nowMs)
    if (stale !== undefined) return err(stale)
  }
  return ok({ id: id.value, leaf: facts[0] as CertificateFacts })
}

// Each certificate is signed by the next; the last by a root that is itself a valid CA today.
function pathProblem(chain: readonly Uint8Array[], roots: readonly Uint8Array[], nowMs: number): string | undefined {
  const certificates = chain.map((der) => new X509Certificate(der))
  for (let i = 0; i + 1 < certificates.length; i++) {
    const subject = certificates[i] as X509Certificate
    if (!isSignedBy(subject, certificates[i + 1] as X509Certificate)) return 'chain is not in order'
  }
  const last = certificates.at(-1) as X509Certificate
  const anchor = roots.find((root) => isSignedBy(last, new X509Certificate(root)))
  if (anchor === undefined) return 'signed by an unknown authority'
  const facts = certificateFacts(anchor)
  if (!facts.ok) return facts.error
  return signingCertificateProblem(facts.value) ?? validityProblem(facts.value, nowMs)
}

function isSignedBy(subject: X509Certificate, issuer: X509Certificate): boolean {
  return subject.checkIssued(issuer) && subject.verify(issuer.publicKey)
}
