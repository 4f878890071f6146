// By which labels the workloads of a ServiceAccount are selected: policies select by labels, SMI by identity.
import type { ConversionNotes } from './conversion.ts'
import type { MeshLookup } from './mesh-lookup.ts'

type Labels = Readonly<Record<string, string>>

/** Labels, and whether they select workloads of this ServiceAccount only. */
export interface TargetSelector {
  readonly labels: Labels
  readonly exact: boolean
}

/** One selector for each set of labels that workloads of the account carry. */
export function targetSelectors(
  account: string,
  namespace: string,
  mesh: MeshLookup,
  notes: ConversionNotes,
): TargetSelector[] {
  const carriers = mesh.carriers(namespace)
  const at = ['spec', 'destination', 'name']
  const found = new Map<string, TargetSelector>()
  for (const { labels, serviceAccount } of carriers) {
    if (serviceAccount !== account) continue
    const key = JSON.stringify(Object.entries(labels).sort())
    if (found.has(key)) continue
    const exact = !carriers.some((other) => other.serviceAccount !== account && carries(other.labels, labels))
    if (!exact) {
      const message =
        'a workload cannot be told by its labels from one of another ServiceAccount: nothing is allowed for both'
      notes.lost(at, message, `Give the workloads of ${account} a label of their own.`)
    }
    found.set(key, { labels, exact })
  }
  if (found.size === 0) {
    const message = `no workload of ${namespace} has the ServiceAccount ${account}`
    notes.lost(at, message, 'Add the workload, or correct the name.')
  }
  return [...found.values()]
}

function carries(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value)
}
