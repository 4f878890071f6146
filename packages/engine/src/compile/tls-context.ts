// TLS contexts. What we cannot enforce refuses the resource.
import * as lean from '@weft/xds/lean'
import type {
  Cluster,
  CommonTls,
  DispensableSecret,
  DownstreamTls,
  GivenCertificate,
  PassedMetadata,
  PemSource,
  SanMatcher,
  UpstreamTls,
} from '../model.ts'
import { type Context, readPart, readStrict, refuse } from './refusal.ts'
import { compileString } from './string-matcher.ts'
import { compileTlsParameters } from './tls-parameters.ts'

/** The transport socket of a filter chain; undefined: plaintext. */
export function compileDownstreamTls(
  context: Context,
  at: string,
  socket: lean.TransportSocket | undefined,
): DownstreamTls | undefined {
  const any = socket?.typedConfig
  if (socket === undefined || any?.typeUrl === lean.typeUrls.RawBuffer) return undefined
  if (any?.typeUrl !== lean.typeUrls.DownstreamTlsContext) return unknownSocket(at, socket)
  const where = `${at}.typed_config`
  const tls = readStrict(where, lean.readDownstreamTlsContext, any.value)
  const common = compileCommonTls(context, `${where}.common_tls_context`, tls.commonTlsContext)
  const requireClientCertificate = tls.requireClientCertificate ?? false
  if (common.certificateSecret === undefined && common.givenCertificates === undefined)
    return refuse(`${where}.common_tls_context`, 'names no certificate of our own')
  if (requireClientCertificate && common.rootsSecret === undefined && common.givenRoots === undefined) {
    return refuse(`${where}.require_client_certificate`, 'names no roots to verify the client with')
  }
  const tickets = tls.disableStatelessSessionResumption !== true
  const resumption =
    tickets && tls.sessionTimeout === undefined
      ? {}
      : { resumption: { tickets, timeoutSeconds: secondsOf(tls.sessionTimeout) } }
  return { ...common, requireClientCertificate, requireSni: tls.requireSni ?? false, ...resumption }
}

function secondsOf(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : Math.ceil(milliseconds / 1000)
}

/** How connections of a cluster are secured, and what goes in front of them. */
export interface UpstreamSocket {
  /** Undefined: plaintext. */
  readonly tls: UpstreamTls | undefined
  readonly proxyProtocol?: 1 | 2
  readonly passthrough?: readonly PassedMetadata[]
}

const plaintext: UpstreamSocket = { tls: undefined }

/** The transport socket of a cluster. */
export function compileUpstreamSocket(
  context: Context,
  at: string,
  socket: lean.TransportSocket | undefined,
): UpstreamSocket {
  const any = socket?.typedConfig
  const where = `${at}.typed_config`
  if (any?.typeUrl === lean.typeUrls.InternalUpstreamTransport) {
    const internal = readPart(context, where, lean.readInternalUpstreamTransport, any.value)
    const passthrough = internal.passthroughMetadata.map((source, index) =>
      compilePassed(`${where}.passthrough_metadata[${index}]`, source),
    )
    return { ...compileUpstreamSocket(context, `${where}.transport_socket`, internal.transportSocket), passthrough }
  }
  if (any?.typeUrl !== lean.typeUrls.ProxyProtocolUpstreamTransport) {
    const tls = compileUpstreamTls(context, at, socket)
    return tls === undefined ? plaintext : { tls }
  }
  const wrapper = readPart(context, where, lean.readProxyProtocolUpstreamTransport, any.value)
  const inner = wrapper.transportSocket ?? refuse(`${where}.transport_socket`, 'is missing')
  const version = wrapper.config?.version ?? 'V1'
  if (version !== 'V1' && version !== 'V2') return refuse(`${where}.config.version`, `${version} is not supported`)
  return {
    tls: compileUpstreamTls(context, `${where}.transport_socket`, inner),
    proxyProtocol: version === 'V1' ? 1 : 2,
  }
}

function compilePassed(at: string, { kind, name }: lean.InternalUpstreamTransport_MetadataValueSource): PassedMetadata {
  if (name === '') return refuse(`${at}.name`, 'is empty')
  if (kind?.host !== undefined) return { of: 'endpoint', namespace: name }
  return kind?.cluster === undefined
    ? refuse(`${at}.kind`, 'is neither host nor cluster')
    : { of: 'cluster', namespace: name }
}

function compileUpstreamTls(
  context: Context,
  at: string,
  socket: lean.TransportSocket | undefined,
): UpstreamTls | undefined {
  const any = socket?.typedConfig
  if (socket === undefined || any?.typeUrl === lean.typeUrls.RawBuffer) return undefined
  const where = `${at}.typed_config`
  if (any?.typeUrl !== lean.typeUrls.UpstreamTlsContext) return unknownSocket(at, socket)
  const tls = readStrict(where, lean.readUpstreamTlsContext, any.value)
  const common = compileCommonTls(context, `${where}.common_tls_context`, tls.commonTlsContext)
  return { ...common, sni: tls.sni || undefined }
}

function unknownSocket(at: string, socket: lean.TransportSocket): never {
  return refuse(at, `the transport socket "${socket.name}" (${socket.typedConfig?.typeUrl ?? 'nothing'}) is not known`)
}

function compileCommonTls(context: Context, at: string, tls: lean.CommonTlsContext | undefined): CommonTls {
  if (tls === undefined) return refuse(at, 'is missing')
  const secrets = tls.tlsCertificateSdsSecretConfigs.map((config, index) =>
    secretName(`${at}.tls_certificate_sds_secret_configs[${index}]`, config),
  )
  if (secrets.length > 0 && tls.tlsCertificates.length > 0)
    refuse(`${at}.tls_certificates`, 'cannot be mixed with certificates from SDS')
  const given = tls.tlsCertificates.map((one, index) => givenCertificate(`${at}.tls_certificates[${index}]`, one))
  return {
    ...dispensableSecrets(tls),
    certificateSecret: secrets[0],
    ...(secrets.length > 1 ? { moreCertificateSecrets: secrets.slice(1) } : {}),
    ...(given.length > 0 ? { givenCertificates: given } : {}),
    ...compileValidation(context, at, tls),
    alpn: tls.alpnProtocols,
    ...compileTlsParameters(`${at}.tls_params`, tls.tlsParams),
  }
}

/** Waiting for a secret ends, as for anything in xDS, after its `initial_fetch_timeout` (15 s unless set), and never with 0. */
function dispensableSecrets(tls: lean.CommonTlsContext): Pick<CommonTls, 'dispensableSecrets'> {
  const roots = tls.combinedValidationContext?.validationContextSdsSecretConfig ?? tls.validationContextSdsSecretConfig
  const names = [...tls.tlsCertificateSdsSecretConfigs, ...(roots === undefined ? [] : [roots])]
    .filter(({ sdsConfig }) => sdsConfig !== undefined && sdsConfig.initialFetchTimeout !== 0)
    .map(({ name, sdsConfig }) => ({ name, afterMs: sdsConfig?.initialFetchTimeout ?? 15_000 }))
  return names.length === 0 ? {} : { dispensableSecrets: names }
}

/** The SDS names that contexts need before they can be served by, and those of them that are not waited for without end. */
export function secretsOf(
  contexts: readonly (CommonTls | undefined)[],
): Pick<Cluster, 'secretNames' | 'dispensableSecrets'> {
  const names = new Set<string>()
  const dispensable = new Map<string, DispensableSecret>()
  for (const tls of contexts) {
    if (tls === undefined) continue
    for (const name of [tls.certificateSecret, ...(tls.moreCertificateSecrets ?? []), tls.rootsSecret])
      if (name !== undefined) names.add(name)
    for (const one of tls.dispensableSecrets ?? []) dispensable.set(one.name, one)
  }
  return {
    secretNames: [...names],
    ...(dispensable.size === 0 ? {} : { dispensableSecrets: [...dispensable.values()] }),
  }
}

/** Whether one of the contexts came with a private key inline. */
export function holdsKeys(contexts: readonly (CommonTls | undefined)[]): { readonly holdsKeys?: true } {
  const holds = contexts.some((tls) => tls?.givenCertificates?.some(({ key }) => key.kind === 'inline') === true)
  return holds ? { holdsKeys: true } : {}
}

function givenCertificate(at: string, certificate: lean.TlsCertificate): GivenCertificate {
  return {
    chain: pemSource(`${at}.certificate_chain`, certificate.certificateChain),
    key: pemSource(`${at}.private_key`, certificate.privateKey),
  }
}

function pemSource(at: string, source: lean.DataSource | undefined): PemSource {
  if (source?.filename !== undefined) {
    return source.filename.startsWith('/')
      ? { kind: 'file', path: source.filename }
      : refuse(`${at}.filename`, 'must be an absolute path')
  }
  const pem = source?.inlineString ?? (source?.inlineBytes === undefined ? undefined : latin1(source.inlineBytes))
  if (pem === undefined || pem === '') return refuse(at, 'is neither inline nor a file')
  return pem.includes('-----BEGIN ') ? { kind: 'inline', pem } : refuse(at, 'is not PEM')
}

/** PEM is ASCII; a comment in front of it may hold any bytes. */
function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
}

function compileValidation(
  context: Context,
  at: string,
  tls: lean.CommonTlsContext,
): Pick<CommonTls, 'rootsSecret' | 'givenRoots' | 'crl' | 'leafHashes' | 'sans'> {
  const combined = tls.combinedValidationContext
  const validation = combined?.defaultValidationContext ?? tls.validationContext
  const validationAt = combined === undefined ? `${at}.validation_context` : `${at}.combined_validation_context`
  if (validation !== undefined) refuseUnenforced(validationAt, validation)
  const named = combined?.validationContextSdsSecretConfig ?? tls.validationContextSdsSecretConfig
  const rootsSecret = named === undefined ? undefined : secretName(`${at}.validation_context_sds_secret_config`, named)
  const given = validation === undefined ? undefined : givenRoots(validationAt, validation)
  if (given !== undefined && rootsSecret !== undefined)
    refuse(`${validationAt}.trusted_ca`, 'cannot be merged with roots from SDS')
  const sans = validation === undefined ? [] : compileSans(context, validationAt, validation)
  const further = validation === undefined ? {} : revokedAndPinned(validationAt, validation)
  if (rootsSecret === undefined && given === undefined) {
    if (sans.length > 0) refuse(validationAt, 'matches names but has no roots: they would prove nothing')
    if (Object.keys(further).length > 0) refuse(validationAt, 'has a crl or hashes but no roots')
  }
  return { rootsSecret, ...(given === undefined ? {} : { givenRoots: given }), ...further, sans }
}

/** `crl`, `verify_certificate_spki` and `verify_certificate_hash`. */
function revokedAndPinned(
  at: string,
  validation: lean.CertificateValidationContext,
): Pick<CommonTls, 'crl' | 'leafHashes'> {
  const keys = validation.verifyCertificateSpki.map((hash, index) =>
    /^[A-Za-z0-9+/]{43}=$/.test(hash)
      ? hash
      : refuse(`${at}.verify_certificate_spki[${index}]`, 'is not the base64 of a SHA-256'),
  )
  const certificates = validation.verifyCertificateHash.map((written, index) => {
    const hash = written.replaceAll(':', '').toLowerCase()
    return /^[0-9a-f]{64}$/.test(hash)
      ? hash
      : refuse(`${at}.verify_certificate_hash[${index}]`, 'is not the hexadecimal form of a SHA-256')
  })
  return {
    ...(validation.crl === undefined ? {} : { crl: pemSource(`${at}.crl`, validation.crl) }),
    ...(keys.length + certificates.length === 0 ? {} : { leafHashes: { keys, certificates } }),
  }
}

function givenRoots(at: string, validation: lean.CertificateValidationContext): CommonTls['givenRoots'] {
  if (validation.trustedCa !== undefined) return pemSource(`${at}.trusted_ca`, validation.trustedCa)
  return validation.systemRootCerts === undefined ? undefined : { kind: 'system' }
}

function secretName(at: string, config: lean.SdsSecretConfig): string {
  return config.name === '' ? refuse(`${at}.name`, 'is empty') : config.name
}

/** Settings that would weaken or strengthen verification in ways this proxy does not carry out. */
function refuseUnenforced(at: string, validation: lean.CertificateValidationContext): void {
  if (validation.allowExpiredCertificate) refuse(`${at}.allow_expired_certificate`, 'is not supported')
  if (validation.maxVerifyDepth !== undefined) refuse(`${at}.max_verify_depth`, 'is not supported')
  if (validation.trustChainVerification !== 'VERIFY_TRUST_CHAIN') {
    refuse(`${at}.trust_chain_verification`, `${validation.trustChainVerification} is not supported`)
  }
}

const sanTypes = { URI: 'uri', DNS: 'dns', EMAIL: 'email', IP_ADDRESS: 'ip' } as const

function compileSans(
  context: Context,
  at: string,
  validation: lean.CertificateValidationContext,
): readonly SanMatcher[] {
  const typed = validation.matchTypedSubjectAltNames.map((san, index): SanMatcher => {
    const here = `${at}.match_typed_subject_alt_names[${index}]`
    const type = sanTypes[san.sanType as keyof typeof sanTypes]
    if (type === undefined) return refuse(`${here}.san_type`, `${san.sanType} is not supported`)
    if (san.matcher === undefined) return refuse(`${here}.matcher`, 'is missing')
    return { type, test: compileString(context, `${here}.matcher`, san.matcher) }
  })
  const untyped = validation.matchSubjectAltNames.flatMap((matcher, index): SanMatcher[] => {
    const test = compileString(context, `${at}.match_subject_alt_names[${index}]`, matcher)
    return (['uri', 'dns', 'email', 'ip'] as const).map((type) => ({ type, test }))
  })
  return [...typed, ...untyped]
}
