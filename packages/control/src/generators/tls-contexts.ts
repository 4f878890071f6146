// Mutual TLS of the mesh: TLS 1.3 only, the workload's own SVID, and the far end's SPIFFE id checked on both sides.
import type { ClientTls, TrafficPolicy } from '@weft/resources'
import type { DataSourceSchema, TransportSocketSchema } from '@weft/xds/es/envoy/config/core/v3/base'
import { ProxyProtocolConfig_Version } from '@weft/xds/es/envoy/config/core/v3/proxy_protocol'
import { ProxyProtocolUpstreamTransportSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol'
import { RawBufferSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer'
import {
  type CertificateValidationContextSchema,
  SubjectAltNameMatcher_SanType,
  type SubjectAltNameMatcherSchema,
  TlsParameters_TlsProtocol,
} from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/common'
import {
  type CommonTlsContextSchema,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/tls'
import { type Trust, trustDomainsOf } from '../policies/trust.ts'
import { sdsSource } from './config-source.ts'
import { pack } from './encode.ts'
import type { Init } from './init.ts'
import { authoritiesSecret, certificateSecret, secretConfig } from './secret-names.ts'

type TransportSocketInit = Init<typeof TransportSocketSchema>
type SanMatcherInit = Init<typeof SubjectAltNameMatcherSchema>

/** What an end offers by ALPN, most wanted first; nothing for TCP. */
export const alpn = { http1: ['http/1.1'], http2: ['h2'], either: ['h2', 'http/1.1'], none: [] } as const

type Alpn = (typeof alpn)[keyof typeof alpn]

/** Server side: any id of the own trust domain or an alias of it; who may do what is authorization's business. */
export function downstreamMtls(trust: Trust, offered: Alpn): TransportSocketInit {
  return tlsSocket(
    pack(DownstreamTlsContextSchema, {
      requireClientCertificate: true,
      commonTlsContext: commonContext(trustDomainsOf(trust).map(anyIdOf), offered),
    }),
  )
}

/** Client side: exactly the ids that the destination's workloads have. */
export function upstreamMtls(sni: string, spiffeIds: readonly string[], offered: Alpn): TransportSocketInit {
  const sans = spiffeIds.map(
    (id): SanMatcherInit => ({
      sanType: SubjectAltNameMatcher_SanType.URI,
      matcher: { matchPattern: { case: 'exact', value: id } },
    }),
  )
  return tlsSocket(pack(UpstreamTlsContextSchema, { sni, commonTlsContext: commonContext(sans, offered) }))
}

/**
 * Client side of TLS that a DestinationRule asks for, with files of the proxy's machine. The server is verified unless the rule says not to: by
 * the authorities named, else those of the system; by the names given, else the one it is asked for by. Without a `host` that is each request's own
 * business, unless the rule says a name. `credentials`: whether the proxy takes
 * Secrets that the rule names.
 */
export function originatedTls(
  tls: ClientTls,
  host: string | undefined,
  offered: Alpn,
  flavor: 'weft' | 'envoy',
  credentials = false,
): TransportSocketInit {
  const asked = tls.sni ?? host
  // Servers are asked for by name only.
  const sni = asked !== undefined && isAddress(asked) ? undefined : asked
  const given = tls.subjectAltNames ?? []
  const names = given.length > 0 || asked === undefined ? given : [asked]
  const { clientCertificate, privateKey, mode, insecureSkipVerify = false } = tls
  const credential = credentials ? tls.credentialName : undefined
  const typedNames = { matchTypedSubjectAltNames: names.map(nameMatcher) }
  return tlsSocket(
    pack(UpstreamTlsContextSchema, {
      ...(sni === undefined ? {} : { sni }),
      commonTlsContext: {
        tlsParams: {
          tlsMinimumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_2,
          tlsMaximumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
        },
        alpnProtocols: [...offered],
        ...(clientCertificate === undefined || privateKey === undefined
          ? {}
          : { tlsCertificates: [{ certificateChain: file(clientCertificate), privateKey: file(privateKey) }] }),
        ...(credential === undefined || mode !== 'MUTUAL'
          ? {}
          : { tlsCertificateSdsSecretConfigs: [secretConfig(certificateSecret(credential))] }),
        // Without one nobody is verified.
        validationContextType: insecureSkipVerify
          ? { case: undefined }
          : credential === undefined
            ? {
                case: 'validationContext',
                value: {
                  ...authorities(tls, flavor),
                  ...(tls.caCrl === undefined ? {} : { crl: file(tls.caCrl) }),
                  ...typedNames,
                },
              }
            : {
                case: 'combinedValidationContext',
                value: {
                  defaultValidationContext: typedNames,
                  validationContextSdsSecretConfig: secretConfig(authoritiesSecret(credential)),
                },
              },
      },
    }),
  )
}

/** Envoy does not know `system_root_certs`: it gets the file where Debian, Ubuntu and Alpine keep them. */
export const systemAuthorities = '/etc/ssl/certs/ca-certificates.crt'

function authorities(
  { caCertificates }: ClientTls,
  flavor: 'weft' | 'envoy',
): Pick<Init<typeof CertificateValidationContextSchema>, 'systemRootCerts' | 'trustedCa'> {
  if (caCertificates === undefined && flavor === 'weft') return { systemRootCerts: {} }
  return { trustedCa: file(caCertificates ?? systemAuthorities) }
}

function nameMatcher(name: string): SanMatcherInit {
  return { sanType: sanTypeOf(name), matcher: { matchPattern: { case: 'exact', value: name } } }
}

/** What a name can be in a certificate: Istio asks for each kind, of which its form leaves one. */
function sanTypeOf(name: string): SubjectAltNameMatcher_SanType {
  if (name.includes('://')) return SubjectAltNameMatcher_SanType.URI
  if (name.includes('@')) return SubjectAltNameMatcher_SanType.EMAIL
  return isAddress(name) ? SubjectAltNameMatcher_SanType.IP_ADDRESS : SubjectAltNameMatcher_SanType.DNS
}

function isAddress(name: string): boolean {
  return name.includes(':') || /^[\d.]+$/.test(name)
}

function file(path: string): Init<typeof DataSourceSchema> {
  return { specifier: { case: 'filename', value: path } }
}

/** Client side of tunnels: an id of the trust domain; which one is told connection by connection. */
export function tunnelMtls(trustDomain: string): TransportSocketInit {
  return tlsSocket(
    pack(UpstreamTlsContextSchema, { commonTlsContext: commonContext([anyIdOf(trustDomain)], alpn.http2) }),
  )
}

function anyIdOf(trustDomain: string): SanMatcherInit {
  return {
    sanType: SubjectAltNameMatcher_SanType.URI,
    matcher: { matchPattern: { case: 'prefix', value: `spiffe://${trustDomain}/` } },
  }
}

/** No TLS. */
export function plaintext(): TransportSocketInit {
  return {
    name: 'envoy.transport_sockets.raw_buffer',
    configType: { case: 'typedConfig', value: pack(RawBufferSchema) },
  }
}

/** Tells the far end the address of the client before anything else. */
export function withProxyProtocol(
  inner: TransportSocketInit,
  { version }: NonNullable<TrafficPolicy['proxyProtocol']>,
): TransportSocketInit {
  const config = pack(ProxyProtocolUpstreamTransportSchema, {
    config: { version: version === 'V2' ? ProxyProtocolConfig_Version.V2 : ProxyProtocolConfig_Version.V1 },
    transportSocket: inner,
  })
  return {
    name: 'envoy.transport_sockets.upstream_proxy_protocol',
    configType: { case: 'typedConfig', value: config },
  }
}

function tlsSocket(typedConfig: ReturnType<typeof pack>): TransportSocketInit {
  return { name: 'envoy.transport_sockets.tls', configType: { case: 'typedConfig', value: typedConfig } }
}

function commonContext(sans: readonly SanMatcherInit[], offered: Alpn): Init<typeof CommonTlsContextSchema> {
  return {
    tlsParams: {
      // Envoy offers at most 1.2 upstream unless told.
      tlsMinimumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
      tlsMaximumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
    },
    alpnProtocols: [...offered],
    tlsCertificateSdsSecretConfigs: [{ name: 'default', sdsConfig: sdsSource() }],
    validationContextType: {
      case: 'combinedValidationContext',
      value: {
        defaultValidationContext: { matchTypedSubjectAltNames: [...sans] },
        validationContextSdsSecretConfig: { name: 'ROOTCA', sdsConfig: sdsSource() },
      },
    },
  }
}
