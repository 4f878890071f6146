// For tests only: certificates of any shape, so that what must be refused can be made.
import 'reflect-metadata'
import type { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

/** A key pair and a certificate for it. */
export interface TestCertificate {
  readonly der: Uint8Array
  readonly certificate: x509.X509Certificate
  readonly keys: webcrypto.CryptoKeyPair
}

/** What deviates from a good leaf. */
export interface TestLeaf {
  readonly uris?: readonly string[]
  readonly ca?: boolean
  readonly usages?: number
  readonly notAfterMs?: number
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const

/** A self-signed root that nobody knows yet. */
export async function testRoot(name: string): Promise<TestCertificate> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    notAfter: new Date(Date.now() + 86_400_000),
    signingAlgorithm: SIGNING,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  })
  return { der: new Uint8Array(certificate.rawData), certificate, keys }
}

/** A leaf signed by `root`, good unless told otherwise. */
export async function testLeaf(root: TestCertificate, leaf: TestLeaf): Promise<TestCertificate> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const names = (leaf.uris ?? []).map((value) => ({ type: 'url' as const, value }))
  const extensions: x509.Extension[] = [
    new x509.BasicConstraintsExtension(leaf.ca ?? false, undefined, true),
    new x509.KeyUsagesExtension(leaf.usages ?? x509.KeyUsageFlags.digitalSignature, true),
  ]
  if (names.length > 0) extensions.push(new x509.SubjectAlternativeNameExtension(names, true))
  const certificate = await x509.X509CertificateGenerator.create({
    issuer: root.certificate.subject,
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(leaf.notAfterMs ?? Date.now() + 3_600_000),
    signingAlgorithm: SIGNING,
    publicKey: keys.publicKey,
    signingKey: root.keys.privateKey,
    extensions,
  })
  return { der: new Uint8Array(certificate.rawData), certificate, keys }
}

/** A PKCS#10 request, DER. */
export async function testCsr(
  uris: readonly string[],
  algorithm: webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams = ALGORITHM,
): Promise<Uint8Array> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    keys: keys as webcrypto.CryptoKeyPair,
    signingAlgorithm: algorithm.name === 'ECDSA' ? SIGNING : { name: algorithm.name },
    extensions:
      uris.length === 0
        ? []
        : [new x509.SubjectAlternativeNameExtension(uris.map((value) => ({ type: 'url' as const, value })))],
  })
  return new Uint8Array(request.rawData)
}
