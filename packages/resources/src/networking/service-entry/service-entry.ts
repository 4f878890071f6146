// The kind ServiceEntry (networking.istio.io).
import { defineKind } from '../../kind-definition.ts'
import { serviceEntrySchema } from './schema.ts'
import type { EntryEndpoint, EntryPort, ServiceEntrySpec } from './types.ts'

/** Istio's ServiceEntry. */
export const serviceEntryKind = defineKind({
  kind: 'ServiceEntry',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  spec: serviceEntrySchema,
  withDefaults: (spec) => ({
    hosts: ((spec.hosts ?? []) as readonly string[]).map((host) => host.toLowerCase()),
    addresses: (spec.addresses ?? []) as readonly string[],
    ports: (spec.ports ?? []) as readonly EntryPort[],
    location: spec.location ?? 'MESH_EXTERNAL',
    resolution: spec.resolution ?? 'NONE',
    endpoints: (spec.endpoints ?? []) as readonly EntryEndpoint[],
    ...(spec.workloadSelector === undefined
      ? {}
      : { workloadSelector: spec.workloadSelector as NonNullable<ServiceEntrySpec['workloadSelector']> }),
    subjectAltNames: (spec.subjectAltNames ?? []) as readonly string[],
    exportTo: (spec.exportTo ?? ['*']) as readonly string[],
  }),
})
