// Signs certificates that no honest CA would: with foreign names, with none, or by a stranger's root. For checks only; it reads the
// mesh's root key, which lies in the user's own directory with mode 0600, and nothing outside the checks imports it.
import 'reflect-metadata'
import { randomBytes, type webcrypto } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'

/** Which names a certificate bears and who signs it. */
export interface TestCertificateOptions {
  /** URI names, such as SPIFFE ids. */
  readonly uris?: readonly string[]
  readonly dnsNames?: readonly string[]
  /** The mesh's own root (default), or another one that nobody knows. */
  readonly signedBy?: 'mesh' | 'stranger'
}

/** PEM texts. */
export interface TestCertificate {
  readonly cert: string
  readonly key: string
  /** The mesh's roots, whoever signed. */
  readonly ca: string
}

/** Issues certificates for checks. */
export interface TestSigner {
  issue(options: TestCertificateOptions): Promise<TestCertificate>
}

interface Root {
  readonly certificate: x509.X509Certificate
  readonly key: webcrypto.CryptoKey
}

const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' } as const
const lifetimeMs = 600_000
const backdateMs = 10_000

/** A signer with the root in `caDirectory` (`root-cert.pem`, `root-key.pem`); rejects if they cannot be read. */
export async function openTestSigner(caDirectory: string): Promise<TestSigner> {
  const mesh = await loadRoot(caDirectory)
  const stranger = await makeRoot(mesh.certificate.subject)
  const ca = mesh.certificate.toString('pem')
  return {
    async issue(options) {
      const root = options.signedBy === 'stranger' ? stranger : mesh
      const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify'])
      const certificate = await issueLeaf(root, keys.publicKey, options)
      const key = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
      return { cert: certificate.toString('pem'), key, ca }
    },
  }
}

/** Writes a root as the mesh's CA would, for tests that run no mesh. */
export async function writeTestRoot(caDirectory: string): Promise<void> {
  const { certificate, key } = await makeRoot('O=cluster.local, CN=Weft root CA')
  const pkcs8 = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')
  await mkdir(caDirectory, { recursive: true })
  await writeFile(join(caDirectory, 'root-key.pem'), pkcs8, { mode: 0o600 })
  await writeFile(join(caDirectory, 'root-cert.pem'), certificate.toString('pem'))
}

async function loadRoot(directory: string): Promise<Root> {
  const certificate = new x509.X509Certificate(await readFile(join(directory, 'root-cert.pem'), 'utf8'))
  const pkcs8 = x509.PemConverter.decodeFirst(await readFile(join(directory, 'root-key.pem'), 'utf8'))
  return { certificate, key: await crypto.subtle.importKey('pkcs8', pkcs8, keyAlgorithm, false, ['sign']) }
}

// Under the very name of the mesh's root: only the signature tells them apart.
async function makeRoot(name: string): Promise<Root> {
  const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name,
    notBefore: new Date(Date.now() - backdateMs),
    notAfter: new Date(Date.now() + lifetimeMs),
    signingAlgorithm,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  })
  return { certificate, key: keys.privateKey }
}

function issueLeaf(
  root: Root,
  publicKey: webcrypto.CryptoKey,
  options: TestCertificateOptions,
): Promise<x509.X509Certificate> {
  const names = [
    ...(options.uris ?? []).map((value) => ({ type: 'url', value }) as const),
    ...(options.dnsNames ?? []).map((value) => ({ type: 'dns', value }) as const),
  ]
  return x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    issuer: root.certificate.subject,
    notBefore: new Date(Date.now() - backdateMs),
    notAfter: new Date(Date.now() + lifetimeMs),
    signingAlgorithm,
    publicKey,
    signingKey: root.key,
    extensions: [
      new x509.SubjectAlternativeNameExtension(names, true),
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
    ],
  })
}

// A positive number with its first bit set, as RFC 5280 (4.1.2.2) wants it.
function serial(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes.toString('hex')
}
