// TLS towards backends that a BackendTLSPolicy or an XBackend asks for. Who cannot be verified is not spoken to.
import type { BackendTlsValidation } from '@weft/resources'
import type { TransportSocketSchema } from '@weft/xds/es/envoy/config/core/v3/base'
import {
  SubjectAltNameMatcher_SanType as SanType,
  type SubjectAltNameMatcherSchema,
  TlsParameters_TlsProtocol as Protocol,
} from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/common'
import { UpstreamTlsContextSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/tls'
import type { NamedObject } from '../../gateway-api/certificates.ts'
import { pack } from '../encode.ts'
import type { Init } from '../init.ts'
import { type alpn, systemAuthorities } from '../tls-contexts.ts'
import { secretConfig } from '../secret-names.ts'
import { certificateSecret } from './listener-socket.ts'

/** How a backend is spoken to over TLS. */
export interface BackendTls {
  readonly validation: BackendTlsValidation
  /** PEM, or those of the operating system. */
  readonly trusted: 'system' | string
  /** The certificate shown to the backend. */
  readonly client: NamedObject | undefined
  readonly offered: (typeof alpn)[keyof typeof alpn]
  readonly flavor: 'weft' | 'envoy'
}

/** The transport socket towards a backend. */
export function backendSocket({
  validation,
  trusted,
  client,
  offered,
  flavor,
}: BackendTls): Init<typeof TransportSocketSchema> {
  const system = flavor === 'weft' ? { systemRootCerts: {} } : { trustedCa: inFile(systemAuthorities) }
  const config = pack(UpstreamTlsContextSchema, {
    sni: validation.hostname,
    commonTlsContext: {
      tlsParams: {
        tlsMinimumProtocolVersion: Protocol.TLSv1_2,
        tlsMaximumProtocolVersion: Protocol.TLSv1_3,
      },
      alpnProtocols: [...offered],
      ...(client === undefined ? {} : { tlsCertificateSdsSecretConfigs: [secretConfig(certificateSecret(client))] }),
      validationContextType: {
        case: 'validationContext',
        value: {
          ...(trusted === 'system' ? system : { trustedCa: { specifier: { case: 'inlineString', value: trusted } } }),
          matchTypedSubjectAltNames: namesOf(validation),
        },
      },
    },
  })
  return { name: 'envoy.transport_sockets.tls', configType: { case: 'typedConfig', value: config } }
}

/** The names written, else the one that is asked for. */
function namesOf({ subjectAltNames = [], hostname }: BackendTlsValidation): Init<typeof SubjectAltNameMatcherSchema>[] {
  if (subjectAltNames.length === 0) return [exactly(SanType.DNS, hostname)]
  return subjectAltNames.map((one) =>
    one.type === 'URI' ? exactly(SanType.URI, one.uri ?? '') : exactly(SanType.DNS, one.hostname ?? ''),
  )
}

function exactly(sanType: SanType, value: string): Init<typeof SubjectAltNameMatcherSchema> {
  return { sanType, matcher: { matchPattern: { case: 'exact', value } } }
}

function inFile(filename: string): { specifier: { case: 'filename'; value: string } } {
  return { specifier: { case: 'filename', value: filename } }
}
