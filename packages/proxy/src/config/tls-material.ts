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

/** Where file sources are read, and when. */
type FileReader = Pick<Runtime, 'clock' | 'log'> & { readonly files: Pick<Runtime['files'], 'read'> }

/** A file is read again by the first handshake after this long: lists of revoked certificates are replaced while they are used. */
const rereadMs = 2_000

interface FileText {
  readonly text: string
  readonly readAtMs: number
}

/** Certificates that came with a resource, read once for each text of theirs. */
const givenCertificates = new WeakMap<GivenCertificate, CertificateSecret>()
const fileTexts = new WeakMap<PemSource, FileText>()
const readings = new WeakMap<PemSource, Promise<string | undefined>>()

/**
 * The certificates and roots of a context: from SDS, from the resource itself, or from files it names. At once, except when a
 * file has to be read; the error names what is missing. A file that was read once and cannot be read now keeps its last text.
 */
export function tlsMaterial(
  tls: CommonTls,
  secrets: Secrets,
  runtime: FileReader,
): Result<TlsContextMaterial> | Promise<Result<TlsContextMaterial>> {
  const nowMs = runtime.clock.nowMs()
  const due = sourcesOf(tls).filter((source) => source.kind === 'file' && isDue(fileTexts.get(source), nowMs))
  if (due.length === 0) return collect(tls, secrets)
  return readAll(due, runtime).then((read) => (read.ok ? collect(tls, secrets) : read))
}

function isDue(known: FileText | undefined, nowMs: number): boolean {
  return known === undefined || nowMs - known.readAtMs >= rereadMs
}

function sourcesOf(tls: CommonTls): readonly PemSource[] {
  const sources = (tls.givenCertificates ?? []).flatMap(({ chain, key }) => [chain, key])
  if (tls.givenRoots !== undefined && tls.givenRoots.kind !== 'system') sources.push(tls.givenRoots)
  if (tls.crl !== undefined) sources.push(tls.crl)
  return sources
}

async function readAll(sources: readonly PemSource[], runtime: FileReader): Promise<Result<undefined>> {
  for (const source of sources) {
    if (source.kind !== 'file') continue
    const text = (await readOnce(source, source.path, runtime)) ?? fileTexts.get(source)?.text
    if (text === undefined) return err(`file ${source.path} cannot be read`)
  }
  return ok(undefined)
}

/** Handshakes that want the same file at the same time share one reading. */
function readOnce(source: PemSource, path: string, { files, clock, log }: FileReader): Promise<string | undefined> {
  const known = readings.get(source)
  if (known !== undefined) return known
  const reading = files
    .read(path)
    .catch(() => undefined)
    .then((bytes) => {
      readings.delete(source)
      const before = fileTexts.get(source)
      const text = bytes === undefined ? before?.text : new TextDecoder().decode(bytes)
      if (bytes === undefined && before !== undefined)
        log.warn('file cannot be read again; its last text holds', { path })
      if (text !== undefined) fileTexts.set(source, { text, readAtMs: clock.nowMs() })
      return text
    })
  readings.set(source, reading)
  return reading
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
  const certificateChainPem = textOf(given.chain)
  const privateKeyPem = textOf(given.key)
  const known = givenCertificates.get(given)
  if (known?.material.certificateChainPem === certificateChainPem && known.material.privateKeyPem === privateKeyPem)
    return ok(known)
  const facts = readX509Leaf(certificateChainPem)
  if (!facts.ok) return err(`certificate of the resource: ${facts.error}`)
  const material = { certificateChainPem, privateKeyPem }
  const certificate = { name: '', material, facts: facts.value }
  givenCertificates.set(given, certificate)
  return ok(certificate)
}

function textOf(source: PemSource): string {
  return source.kind === 'inline' ? source.pem : (fileTexts.get(source)?.text ?? '')
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
