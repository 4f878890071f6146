// The endpoint that a request's session asks for.
import type { Endpoint, EndpointSet, Session } from '../model.ts'
import type { Pick } from '../reduce/picker.ts'
import type { RequestHead } from '../request-head.ts'
import { concerns, sessionEndpoint } from './session.ts'

/** The endpoint that a session asks for; `strict`: that one or none. */
export interface WantedEndpoint {
  readonly key: string
  readonly strict: boolean
}

/** What the request says of its session; undefined: nothing that counts. */
export function wantedEndpoint(
  { state, strict }: Session,
  head: RequestHead,
  wallMs: number,
): WantedEndpoint | undefined {
  const key = concerns(state, head.path()) ? sessionEndpoint(state, head, wallMs) : undefined
  return key === undefined ? undefined : { key, strict }
}

/**
 * The endpoint of a session, in whatever priority, as long as nothing speaks against it; undefined: choose one. `ejected`: those that
 * are left out because they fail.
 */
export function pickWanted(
  endpoints: EndpointSet | undefined,
  { key, strict }: WantedEndpoint,
  ejected?: ReadonlySet<string>,
): Pick | undefined {
  const known = ejected?.has(key) === true ? undefined : endpointOf(endpoints, key)
  if (known !== undefined && usable.has(known.health)) return { kind: 'picked', endpoint: known, panic: false }
  return strict ? { kind: 'none', reason: 'no-healthy-endpoints' } : undefined
}

/** States in which Envoy keeps a session at its endpoint (`override_host_status` unless set). */
const usable: ReadonlySet<Endpoint['health']> = new Set(['unknown', 'healthy', 'degraded'] as const)

function endpointOf(endpoints: EndpointSet | undefined, wanted: string): Endpoint | undefined {
  for (const locality of endpoints?.localities ?? []) {
    const found = locality.endpoints.find(({ key }) => key === wanted)
    if (found !== undefined) return found
  }
  return undefined
}
