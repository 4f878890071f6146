// TLS as gRPC is told of it (A29): certificates come from a provider of its bootstrap, never by xDS.
import {
  type CommonTlsContextSchema,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/tls'
import type { TransportSocketSchema } from '@weft/xds/es/envoy/config/core/v3/base'
import { pack } from '../encode.ts'
import type { Init } from '../init.ts'
import { certificateProvider } from './names.ts'

type TransportSocketInit = Init<typeof TransportSocketSchema>

/** Client side: exactly these SPIFFE ids may answer. */
export function upstreamSocket(spiffeIds: readonly string[]): TransportSocketInit {
  return socket(pack(UpstreamTlsContextSchema, { commonTlsContext: common(spiffeIds) }))
}

/** Server side: whoever has a certificate of the mesh; gRPC servers cannot ask for names, authorization does. */
export function downstreamSocket(): TransportSocketInit {
  return socket(pack(DownstreamTlsContextSchema, { requireClientCertificate: true, commonTlsContext: common([]) }))
}

function common(spiffeIds: readonly string[]): Init<typeof CommonTlsContextSchema> {
  const instance = { instanceName: certificateProvider }
  return {
    tlsCertificateProviderInstance: instance,
    validationContextType: {
      case: 'validationContext',
      value: {
        caCertificateProviderInstance: instance,
        // gRPC reads this list, not the one by types that replaces it.
        matchSubjectAltNames: spiffeIds.map((id) => ({ matchPattern: { case: 'exact' as const, value: id } })),
      },
    },
  }
}

function socket(typedConfig: ReturnType<typeof pack>): TransportSocketInit {
  return { name: 'envoy.transport_sockets.tls', configType: { case: 'typedConfig', value: typedConfig } }
}
