// When must the proxy of an instance be replaced? When what it was started from or with is not what it would be today.
import { availableParallelism } from 'node:os'
import { type MeshObject, type ProxyConfigSpec, proxySettings, type WorkloadSpec } from '@weft/resources'
import { entryOf, programVersion } from '../process/entries.ts'
import type { ProxyKind } from './proxy-bootstrap.ts'

/**
 * Each process costs some 50 MB (15 MB of its own) and carries more requests than one machine's applications answer; four are
 * the most that is taken without being asked for.
 */
const mostByDefault = 4

/** What the processes of a proxy are started with. */
export interface ProxyStart {
  /** How many; threads, where it is Envoy. */
  readonly shards: number
  readonly environment: Readonly<Record<string, string>>
  /** Another text: a proxy that runs must be replaced. */
  readonly version: string
}

/** What the proxy of a workload is to be started with now. */
export function proxyStart(
  workload: MeshObject<WorkloadSpec>,
  configs: readonly MeshObject<ProxyConfigSpec>[],
  kind: ProxyKind,
): ProxyStart {
  const { concurrency, environment } = proxySettings(workload, configs)
  const shards = shardsOf({ proxy: workload.spec.proxy, ...(concurrency === undefined ? {} : { concurrency }) }, kind)
  // Envoy is not replaced while it serves: a new Envoy, or another number of threads, waits for its next start.
  const version =
    kind === 'envoy'
      ? 'envoy'
      : JSON.stringify([shards, programVersion(entryOf('proxy')), Object.entries(environment).sort()])
  return { shards, environment, version }
}

/** Processes of a workload's proxy; threads, where it is Envoy. */
export function shardsOf(
  { concurrency, proxy }: Pick<WorkloadSpec, 'concurrency' | 'proxy'>,
  kind: ProxyKind,
  cores = availableParallelism(),
): number {
  if (concurrency === 0) return Math.max(1, cores)
  return concurrency ?? (proxy === 'gateway' && kind === 'weft' ? Math.max(1, Math.min(cores, mostByDefault)) : 1)
}
