// The kind Gateway (networking.istio.io).
import { defineKind } from '../../kind-definition.ts'
import { gatewaySchema } from './schema.ts'
import type { GatewaySpec, ServerTls } from './types.ts'

/** Istio's Gateway. */
export const gatewayKind = defineKind({
  kind: 'Gateway',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  spec: gatewaySchema,
  withDefaults: (spec) => ({
    selector: (spec.selector ?? {}) as GatewaySpec['selector'],
    servers: ((spec.servers ?? []) as GatewaySpec['servers']).map((server) =>
      server.tls === undefined ? server : { ...server, tls: tlsDefaults(server.tls) },
    ),
  }),
})

/** What is not written is passed through, as in Istio; a port without TLS that only redirects has no mode. */
function tlsDefaults(tls: Partial<ServerTls>): ServerTls {
  return { ...tls, mode: tls.mode ?? 'PASSTHROUGH' }
}
