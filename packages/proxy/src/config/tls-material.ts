import { err, ok, type Result, type Runtime } from '@weft/core'
import type { CommonTls, GivenCertificate, PemSource } from '@weft/engine'
import { type CertificateSecret, readX509Leaf, type Secrets } from './secret-source.ts'

/** What a handshake needs of a TLS context, as it is now. */
export interface TlsContextMaterial {
  /** Our certificates, in the order of the configuration; none: we show none. */
  readonly certificates: readonly CertificateSecret[]
  readonly rootsPem: string | undefined
  readonly systemRoots: boolean
  /** Revoked certificates. */
  readonly crlPem?: string
}

/** Where file sources are read. */
type FileReader = Pick<Runtime['files'], 'read'>

/** Certificates that came with a resource, read once for each resource. */
const givenCertificates = new WeakMap<GivenCertificate, CertificateSecret>()
const givenTexts = new WeakMap<PemSource, string>()

/**
 * The certificates and roots of a context: from SDS, from the resource itself, or from files it names. At once, except when a
 * file has to be read for the first time; the error names what is missing.
 */
export function tlsMaterial(
  tls: CommonTls,
  secrets: Secrets,
  files: FileReader,
): Result<TlsContextMaterial> | Promise<Result<TlsContextMaterial>> {
  const unread = sourcesOf(tls).filter((source) => source.kind === 'file' && !givenTexts.has(source))
  if (unread.length === 0) return collect(tls, secrets)
  return readAll(unread, files).then((read) => (read.ok ? collect(tls, secrets) : read))
}

function sourcesOf(tls: CommonTls): readonly PemSource[] {
  const sources = (tls.givenCertificates ?? []).flatMap(({ chain, key }) => [chain, key])
  if (tls.givenRoots !== undefined && tls.givenRoots.kind !== 'system') sources.push(tls.givenRoots)
  if (tls.crl !== undefined) sources.push(tls.crl)
  return sources
}

async function readAll(sources: readonly PemSource[], files: FileReader): Promise<Result<undefined>> {
  for (const source of sources) {
    if (source.kind !== 'file') continue
    const bytes = await files.read(source.path).catch(() => undefined)
    if (bytes === undefined) return err(`file ${source.path} cannot be read`)
    givenTexts.set(source, new TextDecoder().decode(bytes))
  }
  return ok(undefined)
}

function collect(tls: CommonTls, secrets: Secrets): Result<TlsContextMaterial> {
  const certificates: CertificateSecret[] = []
  const names =
    tls.certificateSecret === undefined ? [] : [tls.certificateSecret, ...(tls.moreCertificateSecrets ?? [])]
  for (const name of names) {
    const certificate = secrets.certificate(name)
    if (certificate === undefined) return err(`secret ${name} is not there`)
    certificates.push(certificate)
  }
  for (const given of tls.givenCertificates ?? []) {
    const certificate = certificateOf(given)
    if (!certificate.ok) return certificate
    certificates.push(certificate.value)
  }
  const roots = rootsOf(tls, secrets)
  if (!roots.ok) return roots
  const crlPem = tls.crl === undefined ? undefined : textOf(tls.crl)
  if (crlPem !== undefined && !crlPem.includes('-----BEGIN ')) return err('the crl holds no list')
  const lists = [crlPem, tls.rootsSecret === undefined ? undefined : secrets.crlPem(tls.rootsSecret)]
  const revoked = lists.filter((list) => list !== undefined).join('\n')
  return ok({ certificates, ...roots.value, ...(revoked === '' ? {} : { crlPem: revoked }) })
}

function certificateOf(given: GivenCertificate): Result<CertificateSecret> {
  const known = givenCertificates.get(given)
  if (known !== undefined) return ok(known)
  const certificateChainPem = textOf(given.chain)
  const facts = readX509Leaf(certificateChainPem)
  if (!facts.ok) return err(`certificate of the resource: ${facts.error}`)
  const material = { certificateChainPem, privateKeyPem: textOf(given.key) }
  const certificate = { name: '', material, facts: facts.value }
  givenCertificates.set(given, certificate)
  return ok(certificate)
}

function textOf(source: PemSource): string {
  return source.kind === 'inline' ? source.pem : (givenTexts.get(source) ?? '')
}

/** Roots that are named but absent must never mean "verify nobody". */
function rootsOf(
  tls: CommonTls,
  secrets: Secrets,
): Result<{ readonly rootsPem: string | undefined; readonly systemRoots: boolean }> {
  if (tls.rootsSecret !== undefined) {
    const rootsPem = secrets.rootsPem(tls.rootsSecret)
    return rootsPem === undefined ? err(`secret ${tls.rootsSecret} is not there`) : ok({ rootsPem, systemRoots: false })
  }
  const { givenRoots } = tls
  if (givenRoots === undefined) return ok({ rootsPem: undefined, systemRoots: false })
  if (givenRoots.kind === 'system') return ok({ rootsPem: undefined, systemRoots: true })
  const rootsPem = textOf(givenRoots)
  return rootsPem.includes('-----BEGIN ') ? ok({ rootsPem, systemRoots: false }) : err('the roots hold no certificate')
}
