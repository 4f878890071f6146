// What a proxy reports about its traffic, as far as listeners say it.
import type { ExtensionProvider } from '@weft/resources'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import type { ProxyRef } from './generator.ts'

/** What is reported, and by which proxy. */
export interface Telemetry {
  readonly flavor: ProxyRef['flavor']
  /** Whether one JSON line per request or connection is written to standard output. */
  readonly logs: boolean
  /** Who may be asked about requests. */
  readonly providers: readonly ExtensionProvider[]
}

/** The telemetry of a proxy. */
export function telemetryOf(mesh: MeshQuery, { flavor }: Pick<ProxyRef, 'flavor'>): Telemetry {
  const { accessLog, extensionProviders } = mesh.settings
  return { flavor, logs: accessLog, providers: flavor === 'envoy' ? extensionProviders : [] }
}
