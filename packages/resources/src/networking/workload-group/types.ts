// Istio WorkloadGroup, as served by this mesh: what the WorkloadEntries that name it take from it.
import type { WorkloadEntrySpec } from '../workload-entry/types.ts'

/** Spec of a WorkloadGroup. */
export interface WorkloadGroupSpec {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> }
  readonly template: WorkloadEntrySpec
}
