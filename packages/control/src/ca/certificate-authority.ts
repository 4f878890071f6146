// The mesh's certificate authority: one self-signed P-256 root under `.weft/ca` (0600) that outlives restarts, and
// short-lived leaf SVIDs (X509-SVID: critical URI SAN, empty subject, no CA).
import 'reflect-metadata'
import type { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { err, ok, type Result, type Runtime } from '@weft/core'
import { checkCsr } from './check-csr.ts'

/** How to open the authority. Lifetimes are milliseconds. */
export interface CaOptions {
  readonly runtime: Pick<Runtime, 'clock' | 'files' | 'rng'>
  /** Absolute path of the folder that holds root certificate and key. */
  readonly dir: string
  readonly trustDomain: string
  /** Life of a leaf; a request may ask for less, never for more. Default 24 h. */
  readonly lifetimeMs?: number
}

/** A signed leaf. */
export interface IssuedCertificate {
  /** Leaf first; the root is not in it. DER. */
  readonly chain: readonly Uint8Array[]
  readonly notAfterMs: number
}

/** Signs leaf certificates. Authorisation has happened before. */
export interface CertificateAuthority {
  readonly trustDomain: string
  /** DER. */
  readonly roots: readonly Uint8Array[]
  /** PEM of all roots. */
  readonly rootsPem: string
  /** SHA-256 of the root certificate, lower-case hexadecimal. */
  readonly rootSha256: string
  /** Signs `publicKey` as `id`; `lifetimeMs` is capped by the authority's own limit. */
  sign(publicKey: x509.PublicKeyType, id: string, lifetimeMs?: number): Promise<IssuedCertificate>
}

/** Leaf life when nothing is said: 24 hours, Istio's default. */
const DEFAULT_LIFETIME_MS = 24 * 3_600_000

const ROOT_LIFETIME_MS = 10 * 365 * 24 * 3_600_000
// Tolerates a verifier whose clock is a little behind; small against the shortest lifetimes tests use.
const BACKDATE_MS = 10_000
const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNING_ALGORITHM = { name: 'ECDSA', hash: 'SHA-256' } as const

interface Root {
  readonly certificate: x509.X509Certificate
  readonly key: webcrypto.CryptoKey
}

/** Opens the authority, making the root when the folder holds none. Errors: unreadable or mismatched files, a full disk. */
export async function openCertificateAuthority(options: CaOptions): Promise<Result<CertificateAuthority>> {
  const { runtime, dir } = options
  const certificateFile = `${dir}/root-cert.pem`
  const keyFile = `${dir}/root-key.pem`
  const [certificatePem, keyPem] = await Promise.all([runtime.files.read(certificateFile), runtime.files.read(keyFile)])
  if ((certificatePem === undefined) !== (keyPem === undefined)) {
    return err(`${dir} holds only one of root-cert.pem and root-key.pem: restore the other, or remove both`)
  }
  if (certificatePem !== undefined && keyPem !== undefined) {
    const root = await loadRoot(certificatePem, keyPem).catch((error: Error) => error)
    if (root instanceof Error) return err(`${dir}: ${root.message}`)
    return ok(await authority(root, options))
  }
  const root = await makeRoot(options)
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', root.key)
  // The key first: a crash in between leaves a state that is refused with words, not one that signs with a lost key.
  for (const [path, text] of [
    [keyFile, x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')],
    [certificateFile, root.certificate.toString('pem')],
  ] as const) {
    const written = await runtime.files.writeAtomic(path, Buffer.from(`${text}\n`), 0o600)
    if (!written.ok) return err(`cannot write ${path}: ${written.error}`)
  }
  return ok(await authority({ certificate: root.certificate, key: await nonExtractable(pkcs8) }, options))
}

/** Signs a request that `checkCsr` accepted and the caller authorised for its id. */
export async function signCsr(
  ca: CertificateAuthority,
  csrDer: Uint8Array,
  lifetimeMs?: number,
): Promise<Result<IssuedCertificate>> {
  const csr = await checkCsr(csrDer)
  return csr.ok ? ok(await ca.sign(csr.value.publicKey, csr.value.id, lifetimeMs)) : csr
}

async function authority(root: Root, options: CaOptions): Promise<CertificateAuthority> {
  const { clock, rng } = options.runtime
  const limitMs = options.lifetimeMs ?? DEFAULT_LIFETIME_MS
  const der = new Uint8Array(root.certificate.rawData)
  const rootSha256 = Buffer.from(await crypto.subtle.digest('SHA-256', der)).toString('hex')
  return {
    trustDomain: options.trustDomain,
    roots: [der],
    rootsPem: `${root.certificate.toString('pem')}\n`,
    rootSha256,
    async sign(publicKey, id, lifetimeMs) {
      const nowMs = clock.wallMs()
      const notAfterMs = nowMs + Math.min(lifetimeMs ?? limitMs, limitMs)
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: serial(rng.fill.bind(rng)),
        issuer: root.certificate.subjectName,
        notBefore: new Date(nowMs - BACKDATE_MS),
        notAfter: new Date(notAfterMs),
        signingAlgorithm: SIGNING_ALGORITHM,
        publicKey,
        signingKey: root.key,
        extensions: [
          new x509.SubjectAlternativeNameExtension([{ type: 'url', value: id }], true),
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
          await x509.AuthorityKeyIdentifierExtension.create(root.certificate.publicKey),
        ],
      })
      return { chain: [new Uint8Array(certificate.rawData)], notAfterMs: certificate.notAfter.getTime() }
    },
  }
}

async function makeRoot(options: CaOptions): Promise<Root> {
  const { clock, rng } = options.runtime
  const keys = await crypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify'])
  const nowMs = clock.wallMs()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(rng.fill.bind(rng)),
    name: `O=${options.trustDomain}, CN=Weft root CA`,
    notBefore: new Date(nowMs - BACKDATE_MS),
    notAfter: new Date(nowMs + ROOT_LIFETIME_MS),
    signingAlgorithm: SIGNING_ALGORITHM,
    keys,
    extensions: [
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${options.trustDomain}` }]),
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate, key: keys.privateKey }
}

async function loadRoot(certificatePem: Uint8Array, keyPem: Uint8Array): Promise<Root> {
  const certificate = new x509.X509Certificate(Buffer.from(certificatePem).toString())
  const block = x509.PemConverter.decodeFirst(Buffer.from(keyPem).toString())
  const key = await nonExtractable(block)
  // A key that is not the certificate's would sign leaves that nobody believes: say so now.
  const probe = new Uint8Array(32)
  const signature = await crypto.subtle.sign(SIGNING_ALGORITHM, key, probe)
  const publicKey = await certificate.publicKey.export(KEY_ALGORITHM, ['verify'])
  if (!(await crypto.subtle.verify(SIGNING_ALGORITHM, publicKey, signature, probe))) {
    throw new Error('root-key.pem is not the key of root-cert.pem')
  }
  return { certificate, key }
}

function nonExtractable(pkcs8: ArrayBuffer): Promise<webcrypto.CryptoKey> {
  return crypto.subtle.importKey('pkcs8', pkcs8, KEY_ALGORITHM, false, ['sign'])
}

// 128 random bits; RFC 5280 4.1.2.2 wants a positive number of at most 20 octets.
function serial(fill: (target: Uint8Array) => void): string {
  const bytes = new Uint8Array(16)
  fill(bytes)
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40
  return Buffer.from(bytes).toString('hex')
}
