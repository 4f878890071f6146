// The kind Telemetry (telemetry.istio.io).
import { defineKind } from '../../kind-definition.ts'
import type { TelemetrySpec } from './types.ts'
import { telemetrySchema } from './schema.ts'

/** Istio's Telemetry. */
export const telemetryKind = defineKind({
  kind: 'Telemetry',
  versions: ['v1', 'v1alpha1'],
  spec: telemetrySchema,
  withDefaults: (spec) => spec as TelemetrySpec,
})
