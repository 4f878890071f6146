// Which WorkloadEntries are probed, and how: those of a WorkloadGroup that says so.
import type { WorkloadProbe } from '@weft/resources'
import { entryOfGroup } from '../snapshot/mesh-hosts.ts'
import type { ConfigPart } from '../snapshot/mesh-snapshot.ts'
import { groupAnnotation } from '../snapshot/topics.ts'

/** One entry to probe. */
export interface ProbedEntry {
  /** Key of the WorkloadEntry. */
  readonly key: string
  /** Where it is. */
  readonly address: string
  readonly probe: WorkloadProbe
}

/** The entries of groups with a probe. A Unix socket is on this machine alone, and a command would be run here instead of there. */
export function probedEntries({ objects }: Pick<ConfigPart, 'objects'>): ProbedEntry[] {
  const groups = new Map(
    objects.WorkloadGroup.filter(({ spec }) => spec.probe !== undefined).map((group) => [
      `${group.id.namespace}/${group.id.name}`,
      group,
    ]),
  )
  if (groups.size === 0) return []
  return objects.WorkloadEntry.flatMap((entry) => {
    const group = groups.get(`${entry.id.namespace}/${entry.annotations[groupAnnotation] ?? ''}`)
    const probe = group?.spec.probe
    if (group === undefined || probe === undefined) return []
    const { address = '' } = entryOfGroup(entry, group).spec
    return address === '' || address.startsWith('unix://') ? [] : [{ key: entry.key, address, probe }]
  })
}
