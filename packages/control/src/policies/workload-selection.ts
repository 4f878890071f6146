// Which workloads a policy with an optional selector holds for.
import type { ObjectId } from '@weft/core'
import { selectsLabels } from '@weft/resources'

/** A workload, as policies see it. */
export interface PolicyTarget {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
}

/** How narrowly a policy selects: the whole mesh, a namespace, or workloads by label. */
export type PolicyLevel = 'mesh' | 'namespace' | 'workload'

/** The level at which a policy holds for a workload; undefined when it does not (Istio's rules of selection). */
export function policyLevel(
  id: ObjectId,
  matchLabels: Readonly<Record<string, string>> | undefined,
  target: PolicyTarget,
  rootNamespace: string,
): PolicyLevel | undefined {
  const inRoot = id.namespace === rootNamespace
  if (!inRoot && id.namespace !== target.namespace) return undefined
  if (matchLabels === undefined || Object.keys(matchLabels).length === 0) return inRoot ? 'mesh' : 'namespace'
  return selectsLabels(matchLabels, target.labels) ? 'workload' : undefined
}
