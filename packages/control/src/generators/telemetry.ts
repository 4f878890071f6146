// What a proxy reports about its traffic, as far as listeners say it.
import type { JsonObject } from '@bufbuild/protobuf'
import type { ExtensionProvider, MeshConfig, PathNormalization } from '@weft/resources'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import type { ProxyRef } from './generator.ts'

/** An access log: `fields` of JSON lines, a `text` with operators (`true`: Envoy's own), or neither: our JSON fields. */
export interface AccessLogPlan {
  readonly path: string
  readonly fields?: JsonObject
  readonly text?: string | true
}

/** What is reported, and by which proxy. */
export interface Telemetry {
  readonly flavor: ProxyRef['flavor']
  /** Where access logs go and what they look like; undefined: nowhere. */
  readonly logs: AccessLogPlan | undefined
  /** What paths are made to look like. */
  readonly normalization: PathNormalization
  /** Who may be asked about requests. */
  readonly providers: readonly ExtensionProvider[]
}

/** The telemetry of a proxy. */
export function telemetryOf(mesh: MeshQuery, { flavor }: Pick<ProxyRef, 'flavor'>): Telemetry {
  const { accessLog, config } = mesh.settings
  const { extensionProviders = [], pathNormalization } = config
  return {
    flavor,
    logs: accessLog ? logPlan(config) : undefined,
    normalization: pathNormalization?.normalization ?? 'DEFAULT',
    providers: flavor === 'envoy' ? extensionProviders : [],
  }
}

/** The mesh's own choice of log; without one, JSON lines on standard output. */
function logPlan({ accessLogFile, accessLogFormat, accessLogEncoding }: MeshConfig): AccessLogPlan | undefined {
  if (accessLogFile === '') return undefined
  const path = accessLogFile ?? '/dev/stdout'
  if (accessLogFormat === undefined || accessLogFormat === '') {
    return accessLogEncoding === 'TEXT' ? { path, text: true } : { path }
  }
  const fields = accessLogEncoding === 'JSON' ? jsonObject(accessLogFormat) : undefined
  return fields === undefined
    ? { path, text: accessLogFormat.endsWith('\n') ? accessLogFormat : `${accessLogFormat}\n` }
    : { path, fields }
}

function jsonObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined
  } catch {
    return undefined
  }
}
