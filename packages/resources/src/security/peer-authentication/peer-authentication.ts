// The kind PeerAuthentication (security.istio.io).
import { defineKind } from '../../kind-definition.ts'
import { peerAuthenticationSchema } from './schema.ts'
import type { PeerAuthenticationSpec } from './types.ts'

/** Istio's PeerAuthentication. */
export const peerAuthenticationKind = defineKind({
  kind: 'PeerAuthentication',
  versions: ['v1', 'v1beta1'],
  spec: peerAuthenticationSchema,
  withDefaults: (spec) => ({
    ...(spec.selector === undefined
      ? {}
      : { selector: { matchLabels: (spec.selector.matchLabels ?? {}) as Readonly<Record<string, string>> } }),
    mtls: { mode: spec.mtls?.mode ?? 'UNSET' },
    portLevelMtls: Object.fromEntries(
      Object.entries(spec.portLevelMtls ?? {}).map(([port, mtls]) => [port, { mode: mtls?.mode ?? 'UNSET' }]),
    ) as PeerAuthenticationSpec['portLevelMtls'],
  }),
})
