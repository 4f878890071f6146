// What a proxy reports about its traffic, as far as listeners say it.
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import type { ProxyRef } from './generator.ts'

/** What is reported, and by which proxy. */
export interface Telemetry {
  readonly flavor: ProxyRef['flavor']
  /** Whether one JSON line per request or connection is written to standard output. */
  readonly logs: boolean
}

/** The telemetry of a proxy. */
export function telemetryOf(mesh: MeshQuery, { flavor }: Pick<ProxyRef, 'flavor'>): Telemetry {
  return { flavor, logs: mesh.settings.accessLog }
}
