// The kind Workload (weft.dev).
import { defineKind } from '../../kind-definition.ts'
import { workloadSchema } from './schema.ts'
import type { Readiness, WorkloadSpec } from './types.ts'

/** Our own Workload. */
export const workloadKind = defineKind({
  kind: 'Workload',
  versions: ['v1alpha1'],
  names: ['workloads', 'wl'],
  description: 'A process that `weft up` runs, or a gateway.',
  shownBy: 'tests/e2e',
  spec: workloadSchema,
  withDefaults: (spec) => ({
    ...(spec.command === undefined ? {} : { command: spec.command as readonly string[] }),
    ...(spec.workingDirectory === undefined ? {} : { workingDirectory: spec.workingDirectory }),
    ...(spec.address === undefined ? {} : { address: spec.address }),
    ...(spec.concurrency === undefined ? {} : { concurrency: spec.concurrency }),
    ports: (spec.ports ?? []) as WorkloadSpec['ports'],
    serviceAccount: spec.serviceAccount ?? 'default',
    env: (spec.env ?? {}) as Readonly<Record<string, string>>,
    replicas: spec.replicas ?? 1,
    ...(spec.readiness === undefined
      ? {}
      : { readiness: { periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 3, ...spec.readiness } as Readiness }),
    proxy: spec.proxy ?? 'sidecar',
  }),
})
