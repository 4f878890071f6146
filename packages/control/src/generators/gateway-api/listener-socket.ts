// TLS that ends at a listener: the certificates it shows, and the authorities that clients are verified by.
import type { TransportSocketSchema } from '@weft/xds/es/envoy/config/core/v3/base'
import {
  CertificateValidationContext_TrustChainVerification as TrustChain,
  TlsParameters_TlsProtocol as Protocol,
} from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/common'
import { DownstreamTlsContextSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/tls'
import type { ListenerTls, NamedObject } from '../../gateway-api/certificates.ts'
import { pack } from '../encode.ts'
import type { Init } from '../init.ts'
import { secretConfig } from '../secret-names.ts'

/** Name of the secret with the key and certificate of a Secret. */
export function certificateSecret({ namespace, name }: NamedObject): string {
  return `kubernetes://${namespace}/${name}`
}

/** Name of the secret with all authorities by which the clients of a port are verified. */
export function authoritiesSecret(authorities: readonly NamedObject[]): string {
  return `kubernetes://authorities/${authorities.map(({ kind, namespace, name }) => `${kind}/${namespace}/${name}`).join(',')}`
}

/** The transport socket of a listener. */
export function listenerSocket(
  { certificates, clients }: ListenerTls,
  offered: readonly string[],
  flavor: 'weft' | 'envoy',
): Init<typeof TransportSocketSchema> {
  // A client that is taken with any certificate or none need not be asked; only Envoy can ask and take whatever comes.
  const asks = clients !== undefined && clients.authorities.length > 0 && (clients.required || flavor === 'envoy')
  const config = pack(DownstreamTlsContextSchema, {
    requireClientCertificate: asks && clients.required,
    commonTlsContext: {
      tlsParams: {
        tlsMinimumProtocolVersion: Protocol.TLSv1_2,
        tlsMaximumProtocolVersion: Protocol.TLSv1_3,
      },
      alpnProtocols: [...offered],
      tlsCertificateSdsSecretConfigs: certificates.map((one) => secretConfig(certificateSecret(one))),
      ...(asks
        ? {
            validationContextType: {
              case: 'combinedValidationContext' as const,
              value: {
                // Insecure fallback: any certificate will do, or none.
                defaultValidationContext: clients.required
                  ? {}
                  : { trustChainVerification: TrustChain.ACCEPT_UNTRUSTED },
                validationContextSdsSecretConfig: secretConfig(authoritiesSecret(clients.authorities)),
              },
            },
          }
        : {}),
    },
  })
  return { name: 'envoy.transport_sockets.tls', configType: { case: 'typedConfig', value: config } }
}
