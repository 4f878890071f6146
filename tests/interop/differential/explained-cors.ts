// What a CORS policy adds to an answer, or answers itself.
import {
  decideCors,
  filterOverride,
  type HttpConnectionManager,
  isFilterEnabled,
  type ProofStep,
  type Routed,
  type Subject,
} from '@weft/engine'
import type { Line } from './edited-headers.ts'

/** The lines of a CORS filter; `whole`: they are all there is of the answer. */
export interface CorsLines {
  readonly lines: readonly Line[]
  readonly whole: boolean
}

const none: CorsLines = { lines: [], whole: false }

/** The lines that the connection manager's CORS filter writes. */
export function corsLines(manager: HttpConnectionManager, routed: Routed, subject: Subject, draw: number): CorsLines {
  const filter = manager.httpFilters.find(({ kind }) => kind === 'cors')
  const override = filter === undefined ? undefined : filterOverride(filter.name, routed)
  if (filter === undefined || override?.kind !== 'cors' || routed.route.action.kind !== 'route') return none
  if (!isFilterEnabled(filter, override)) return none
  const decision = decideCors(override.policy, subject.head, draw)
  if (decision.kind !== 'preflight' && decision.kind !== 'actual') return none
  const { headers } = decision
  const lines = headers.flatMap((name, index): Line[] => (index % 2 === 0 ? [[name, headers[index + 1] ?? '']] : []))
  return { lines, whole: decision.kind === 'preflight' }
}

/** Whether the first proxy denies the request: its policies are asked before anything else. */
export function isDeniedFirst(steps: readonly ProofStep[]): boolean {
  const denied = steps.findIndex(({ summary }) => summary.startsWith('denied'))
  return denied >= 0 && steps.slice(0, denied).filter(({ decision }) => decision === 'filter-chain').length <= 1
}

/** Lines with those of the filter in place of any of the same name. */
export function withCors(lines: readonly Line[], { lines: added }: CorsLines): readonly Line[] {
  const names = new Set(added.map(([name]) => name))
  return [...lines.filter(([name]) => !names.has(name)), ...added]
}
