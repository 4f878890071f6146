// Which certificates are X.509-SVIDs (X509-SVID specification, sections 2 to 5), judged over plain facts.
import { err, ok, type Result } from '@weft/core'
import type { CertificateFacts } from './certificate-facts.ts'
import { parseSpiffeId, type SpiffeId } from './spiffe-id.ts'

/** Judges a leaf, dates apart: exactly one URI SAN that is a SPIFFE id, no CA, the right key usage. */
export function checkLeaf(leaf: CertificateFacts): Result<SpiffeId> {
  const [uri, ...others] = leaf.uris
  if (uri === undefined) return err('leaf has no URI SAN')
  if (others.length > 0) return err('leaf has more than one URI SAN')
  const id = parseSpiffeId(uri)
  if (!id.ok) return err(`leaf id: ${id.error}`)
  if (id.value.path === '') return err('leaf id must have a path')
  if (leaf.isCa) return err('leaf has the CA flag')
  const problem = leafKeyUsageProblem(leaf)
  return problem === undefined ? id : err(problem)
}

/** Judges a certificate that signs others: CA flag and keyCertSign. Undefined when nothing is wrong. */
export function signingCertificateProblem(certificate: CertificateFacts): string | undefined {
  if (!certificate.isCa) return 'signing certificate is not a CA'
  if (certificate.keyUsage?.keyCertSign !== true) return 'signing certificate lacks keyCertSign'
  return undefined
}

/** Judges the dates, milliseconds since 1970. Undefined when the certificate is valid now. */
export function validityProblem(certificate: CertificateFacts, nowMs: number): string | undefined {
  if (nowMs < certificate.notBeforeMs) return 'not yet valid'
  if (nowMs > certificate.notAfterMs) return 'expired'
  return undefined
}

/** Judges a chain's structure (leaf first), dates and signatures apart. */
export function checkChainStructure(chain: readonly CertificateFacts[]): Result<SpiffeId> {
  const [leaf, ...signers] = chain
  if (leaf === undefined) return err('no certificate')
  const id = checkLeaf(leaf)
  if (!id.ok) return id
  for (const signer of signers) {
    const problem = signingCertificateProblem(signer)
    if (problem !== undefined) return err(problem)
  }
  return ok(id.value)
}

function leafKeyUsageProblem(leaf: CertificateFacts): string | undefined {
  // Section 4.3: digitalSignature must be set, keyCertSign and cRLSign must not; the extension itself is required.
  if (leaf.keyUsage?.keyCertSign === true) return 'leaf has keyCertSign'
  if (leaf.keyUsage?.crlSign === true) return 'leaf has cRLSign'
  if (leaf.keyUsage?.digitalSignature !== true) return 'leaf lacks digitalSignature'
  return undefined
}
