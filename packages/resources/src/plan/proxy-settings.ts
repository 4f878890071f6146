// How the proxy of a workload is started, as ProxyConfigs say it: that of the root namespace, before it that of the namespace, before it those that select the workload.
import { rootNamespace } from '../networking/host-names.ts'
import type { ProxyConfigSpec } from '../networking/proxy-config/types.ts'
import { selectsLabels } from '../core/service/selection.ts'
import type { MeshObject } from '../mesh-object.ts'
import type { WorkloadSpec } from '../weft/workload/types.ts'

/** More processes (or threads) than this no proxy has. */
export const mostConcurrency = 64

/** What a proxy is started with. */
export interface ProxySettings {
  /** Processes of Weft's proxy, threads of Envoy; 0: one per core. Undefined: nobody says. */
  readonly concurrency?: number
  readonly environment: Readonly<Record<string, string>>
}

type ProxyConfig = MeshObject<ProxyConfigSpec>
type Workload = Pick<MeshObject<Pick<WorkloadSpec, 'concurrency'>>, 'id' | 'labels' | 'spec'>

/** The settings of a workload's proxy: each setting from the nearest that says it, variables one by one; the Workload itself is the nearest. */
export function proxySettings(workload: Workload, configs: readonly ProxyConfig[]): ProxySettings {
  const holding = configs
    .flatMap((config) => {
      const rank = rankOf(config, workload)
      return rank === undefined ? [] : [{ config, rank }]
    })
    .sort((a, b) => a.rank - b.rank || byAge(a.config, b.config))
    .map(({ config }) => config.spec)
  const concurrency =
    workload.spec.concurrency ?? holding.findLast((spec) => spec.concurrency !== undefined)?.concurrency
  return {
    ...(concurrency === undefined ? {} : { concurrency: Math.min(concurrency, mostConcurrency) }),
    environment: Object.assign({}, ...holding.map(({ environmentVariables }) => environmentVariables)),
  }
}

/** Wider first; undefined when it is not about the workload. A selector is for the own namespace, that of the root namespace too. */
function rankOf({ id, spec }: ProxyConfig, workload: Workload): number | undefined {
  const selector = spec.selector?.matchLabels ?? {}
  const near = id.namespace === workload.id.namespace
  if (Object.keys(selector).length > 0) return near && selectsLabels(selector, workload.labels) ? 2 : undefined
  if (near) return 1
  return id.namespace === rootNamespace ? 0 : undefined
}

/** Of several for the same the oldest says it, so it comes last; those that do not know their age give way, then the later name. */
function byAge(a: ProxyConfig, b: ProxyConfig): number {
  const [one, other] = [a, b].map(({ createdAt, id }) => `${createdAt ?? '9'}|${id.name}`)
  return (one ?? '') < (other ?? '') ? 1 : -1
}
