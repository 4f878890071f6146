// When must the proxy of an instance be replaced? When what it was started from or with is not what it would be today.
import { availableParallelism } from 'node:os'
import type { WorkloadSpec } from '@weft/resources'
import { entryOf, programVersion } from '../process/entries.ts'
import type { ProxyKind } from './proxy-bootstrap.ts'

/**
 * Each process costs some 50 MB (20 MB of its own) and carries more requests than one machine's applications answer; four are
 * the most that is taken without being asked for.
 */
const mostByDefault = 4

/** Processes of a workload's proxy; threads, where it is Envoy. */
export function shardsOf(
  { concurrency, proxy }: Pick<WorkloadSpec, 'concurrency' | 'proxy'>,
  kind: ProxyKind,
  cores = availableParallelism(),
): number {
  return concurrency ?? (proxy === 'gateway' && kind === 'weft' ? Math.max(1, Math.min(cores, mostByDefault)) : 1)
}

/** What the proxy of a workload runs as now; another text: it must be replaced. */
export function proxyVersion(spec: WorkloadSpec, kind: ProxyKind): string {
  // Envoy is not replaced while it serves: a new Envoy, or another number of threads, waits for its next start.
  return kind === 'envoy' ? 'envoy' : JSON.stringify([shardsOf(spec, kind), programVersion(entryOf('proxy'))])
}
