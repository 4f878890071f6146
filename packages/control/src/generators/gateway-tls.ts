// TLS of strangers that ends at a gateway or sidecar: whose certificate is shown, and what clients must show.
import type { CertificateFiles, ServerTls, TlsVersion } from '@weft/resources'
import type { DataSourceSchema, TransportSocketSchema } from '@weft/xds/es/envoy/config/core/v3/base'
import {
  type CertificateValidationContextSchema,
  SubjectAltNameMatcher_SanType as SanType,
  type SubjectAltNameMatcherSchema,
  type TlsCertificateSchema,
  TlsParameters_TlsProtocol as Protocol,
} from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/common'
import {
  type CommonTlsContextSchema,
  DownstreamTlsContextSchema,
} from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/tls'
import type { Trust } from '../policies/trust.ts'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import { pack } from './encode.ts'
import type { Init } from './init.ts'
import { authoritiesSecret, certificateSecret, secretConfig } from './secret-names.ts'
import { alpn, downstreamMtls } from './tls-contexts.ts'

type CommonInit = Init<typeof CommonTlsContextSchema>
type Offered = (typeof alpn)[keyof typeof alpn]

/** What the context of a server depends on besides what it says. */
export interface ServerTlsScope {
  readonly trust: Trust
  readonly offered: Offered
}

/** The Secrets with certificates of a server. */
export function certificateNames(tls: ServerTls): readonly string[] {
  return tls.credentialNames ?? (tls.credentialName === undefined ? [] : [tls.credentialName])
}

/** The Secret with the authorities for clients of a server; undefined when it asks for none, or has them in a file. */
export function authoritiesName(tls: ServerTls): string | undefined {
  if (tls.mode !== 'MUTUAL' && tls.mode !== 'OPTIONAL_MUTUAL') return undefined
  if (tls.caCertCredentialName !== undefined) return tls.caCertCredentialName
  const inFile = tls.caCertificates ?? tls.tlsCertificates?.find(({ caCertificates }) => caCertificates !== undefined)
  return inFile === undefined ? (tls.credentialName ?? tls.credentialNames?.[0]) : undefined
}

/** Of the Secrets that servers name, those that are not there. */
export function missingSecrets(mesh: MeshQuery, servers: readonly ServerTls[], namespace: string): string[] {
  const certificates = servers
    .flatMap(certificateNames)
    .filter((name) => mesh.named('Secret', namespace, name) === undefined)
  const authorities = servers
    .flatMap((tls) => authoritiesName(tls) ?? [])
    .filter((name) => [`${name}-cacert`, name].every((each) => mesh.named('Secret', namespace, each) === undefined))
  return [...new Set([...certificates, ...authorities])].sort()
}

/** The transport socket of a server where TLS ends. */
export function serverTlsSocket(tls: ServerTls, scope: ServerTlsScope): Init<typeof TransportSocketSchema> {
  if (tls.mode === 'ISTIO_MUTUAL') return downstreamMtls(scope.trust, scope.offered)
  const asksClients = tls.mode === 'MUTUAL' || tls.mode === 'OPTIONAL_MUTUAL'
  const config = pack(DownstreamTlsContextSchema, {
    requireClientCertificate: tls.mode === 'MUTUAL',
    commonTlsContext: {
      tlsParams: {
        tlsMinimumProtocolVersion: protocols[tls.minProtocolVersion ?? 'TLS_AUTO'] ?? Protocol.TLSv1_2,
        tlsMaximumProtocolVersion: protocols[tls.maxProtocolVersion ?? 'TLS_AUTO'] ?? Protocol.TLSv1_3,
        cipherSuites: [...new Set(tls.cipherSuites ?? [])],
      },
      alpnProtocols: [...scope.offered],
      ...certificates(tls),
      ...(asksClients ? { validationContextType: validation(tls) } : {}),
    },
  })
  return { name: 'envoy.transport_sockets.tls', configType: { case: 'typedConfig', value: config } }
}

const protocols: Readonly<Record<TlsVersion, Protocol | undefined>> = {
  TLS_AUTO: undefined,
  TLSV1_0: Protocol.TLSv1_0,
  TLSV1_1: Protocol.TLSv1_1,
  TLSV1_2: Protocol.TLSv1_2,
  TLSV1_3: Protocol.TLSv1_3,
}

function certificates(tls: ServerTls): Pick<CommonInit, 'tlsCertificates' | 'tlsCertificateSdsSecretConfigs'> {
  const names = certificateNames(tls)
  if (names.length > 0)
    return { tlsCertificateSdsSecretConfigs: names.map((name) => secretConfig(certificateSecret(name))) }
  return { tlsCertificates: (tls.tlsCertificates ?? [tls]).flatMap(certificateOf) }
}

function certificateOf({ serverCertificate, privateKey }: CertificateFiles): Init<typeof TlsCertificateSchema>[] {
  if (serverCertificate === undefined || privateKey === undefined) return []
  return [{ certificateChain: file(serverCertificate), privateKey: file(privateKey) }]
}

/** Who may sign clients, and which names these may bear. */
function validation(tls: ServerTls): NonNullable<CommonInit['validationContextType']> {
  const names: Init<typeof CertificateValidationContextSchema> = {
    matchTypedSubjectAltNames: (tls.subjectAltNames ?? []).flatMap(nameMatchers),
    ...(tls.caCrl === undefined ? {} : { crl: file(tls.caCrl) }),
    verifyCertificateSpki: [...(tls.verifyCertificateSpki ?? [])],
    verifyCertificateHash: [...(tls.verifyCertificateHash ?? [])],
  }
  const path =
    tls.caCertificates ?? tls.tlsCertificates?.find(({ caCertificates: own }) => own !== undefined)?.caCertificates
  if (path !== undefined && tls.caCertCredentialName === undefined) {
    return { case: 'validationContext', value: { ...names, trustedCa: file(path) } }
  }
  const name = authoritiesName(tls) ?? ''
  return {
    case: 'combinedValidationContext',
    value: { defaultValidationContext: names, validationContextSdsSecretConfig: secretConfig(authoritiesSecret(name)) },
  }
}

/** A name of a client, in whichever form its certificate has names. */
function nameMatchers(name: string): Init<typeof SubjectAltNameMatcherSchema>[] {
  const types = name.includes('://') ? [SanType.URI] : [SanType.DNS, SanType.EMAIL, SanType.IP_ADDRESS]
  return types.map((sanType) => ({ sanType, matcher: { matchPattern: { case: 'exact', value: name } } }))
}

function file(path: string): Init<typeof DataSourceSchema> {
  return { specifier: { case: 'filename', value: path } }
}
