// TLS contexts. Certificates and roots are named (SDS), never inline; what we cannot enforce refuses the resource.
import * as lean from '@weft/xds/lean'
import type { CommonTls, DownstreamTls, SanMatcher, UpstreamTls } from '../model.ts'
import { type Context, readPart, readStrict, refuse } from './refusal.ts'
import { compileString } from './string-matcher.ts'

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
  if (tls.requireSni === true) refuse(`${where}.require_sni`, 'is not supported')
  const requireClientCertificate = tls.requireClientCertificate ?? false
  if (common.certificateSecret === undefined)
    return refuse(`${where}.common_tls_context`, 'names no certificate of our own')
  if (requireClientCertificate && common.rootsSecret === undefined) {
    return refuse(`${where}.require_client_certificate`, 'names no roots to verify the client with')
  }
  return { ...common, requireClientCertificate }
}

/** The transport socket of a cluster; undefined: plaintext. */
export function compileUpstreamTls(
  context: Context,
  at: string,
  socket: lean.TransportSocket | undefined,
): UpstreamTls | undefined {
  const any = socket?.typedConfig
  if (socket === undefined || any?.typeUrl === lean.typeUrls.RawBuffer) return undefined
  const where = `${at}.typed_config`
  if (any?.typeUrl === lean.typeUrls.InternalUpstreamTransport) {
    const internal = readPart(context, where, lean.readInternalUpstreamTransport, any.value)
    return compileUpstreamTls(context, `${where}.transport_socket`, internal.transportSocket)
  }
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
  if (tls.tlsCertificates.length > 0) refuse(`${at}.tls_certificates`, 'inline certificates are not supported: use SDS')
  if (tls.tlsCertificateSdsSecretConfigs.length > 1) {
    refuse(`${at}.tls_certificate_sds_secret_configs`, 'more than one certificate is not supported')
  }
  const combined = tls.combinedValidationContext
  const validation = combined?.defaultValidationContext ?? tls.validationContext
  const validationAt = combined === undefined ? `${at}.validation_context` : `${at}.combined_validation_context`
  if (validation !== undefined) refuseUnenforced(validationAt, validation)
  const roots = combined?.validationContextSdsSecretConfig ?? tls.validationContextSdsSecretConfig
  const sans = validation === undefined ? [] : compileSans(context, validationAt, validation)
  if (sans.length > 0 && roots === undefined)
    refuse(validationAt, 'matches names but has no roots: they would prove nothing')
  return {
    certificateSecret: secretName(`${at}.tls_certificate_sds_secret_configs[0]`, tls.tlsCertificateSdsSecretConfigs[0]),
    rootsSecret: secretName(`${at}.validation_context_sds_secret_config`, roots),
    sans,
    alpn: tls.alpnProtocols,
    ...compileVersions(`${at}.tls_params`, tls.tlsParams),
  }
}

function secretName(at: string, config: lean.SdsSecretConfig | undefined): string | undefined {
  if (config === undefined) return undefined
  return config.name === '' ? refuse(`${at}.name`, 'is empty') : config.name
}

/** Settings that would weaken or strengthen verification in ways this proxy does not carry out. */
function refuseUnenforced(at: string, validation: lean.CertificateValidationContext): void {
  if (validation.trustedCa !== undefined) refuse(`${at}.trusted_ca`, 'inline roots are not supported: use SDS')
  if (validation.crl !== undefined) refuse(`${at}.crl`, 'is not supported')
  if (validation.allowExpiredCertificate) refuse(`${at}.allow_expired_certificate`, 'is not supported')
  if (validation.verifyCertificateSpki.length > 0) refuse(`${at}.verify_certificate_spki`, 'is not supported')
  if (validation.verifyCertificateHash.length > 0) refuse(`${at}.verify_certificate_hash`, 'is not supported')
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

function compileVersions(
  at: string,
  params: lean.TlsParameters | undefined,
): Pick<CommonTls, 'minVersion' | 'maxVersion'> {
  if (params === undefined) return { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' }
  if (params.cipherSuites.length > 0) refuse(`${at}.cipher_suites`, 'is not supported')
  if (params.ecdhCurves.length > 0) refuse(`${at}.ecdh_curves`, 'is not supported')
  if (params.signatureAlgorithms.length > 0) refuse(`${at}.signature_algorithms`, 'is not supported')
  const minVersion = params.tlsMinimumProtocolVersion === 'TLSv1_3' ? 'TLSv1.3' : 'TLSv1.2'
  const max = params.tlsMaximumProtocolVersion
  if (max === 'TLSv1_0' || max === 'TLSv1_1')
    return refuse(`${at}.tls_maximum_protocol_version`, `${max} is not supported`)
  const maxVersion = max === 'TLSv1_2' ? 'TLSv1.2' : 'TLSv1.3'
  if (minVersion === 'TLSv1.3' && maxVersion === 'TLSv1.2')
    return refuse(at, 'the minimum version is above the maximum')
  return { minVersion, maxVersion }
}
