// Where a request goes whose cluster takes what requests name.
import type { ClusterChoice } from '../decide/cluster-choice.ts'
import { type DynamicHost, dynamicHost } from '../decide/dynamic-host.ts'
import type { FilterOverride } from '../model.ts'
import type { Subject } from '../request-head.ts'
import type { ProxyView } from './explanation.ts'

/** A request as the filter that looks up its host sees it. */
export interface Naming {
  readonly view: ProxyView
  readonly subject: Subject
  readonly choice: ClusterChoice | undefined
}

/** The host that a request names; undefined: its cluster sends it elsewhere. */
export function hostNamed(
  override: FilterOverride | undefined,
  { view, subject: { head }, choice }: Naming,
): DynamicHost | undefined {
  const cluster = view.config.clusters.get(choice?.kind === 'cluster' ? choice.name : '')
  if (cluster?.discovery.kind !== 'dynamic') return undefined
  const { literal, header } = override?.kind === 'dynamic-host' ? override : { literal: undefined, header: undefined }
  return dynamicHost(cluster, literal ?? ((header !== undefined && head.header(header)) || head.authority()))
}
