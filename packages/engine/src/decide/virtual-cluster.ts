// Which virtual cluster counts a request, for metrics only.
import type { VirtualHost } from '../model.ts'
import type { Subject } from '../request-head.ts'

/** The first whose headers match; `other` when none does; undefined when the host has none. */
export function virtualClusterName(host: VirtualHost, subject: Subject): string | undefined {
  if (host.virtualClusters.length === 0) return undefined
  return host.virtualClusters.find((cluster) => cluster.rule.test(subject))?.name ?? 'other'
}
