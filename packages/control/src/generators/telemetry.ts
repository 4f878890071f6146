// What the listeners of a proxy need of the mesh besides routes: what they report, and what stands among their filters.
import type { JsonObject } from '@bufbuild/protobuf'
import type { AccessLogging, MeshConfig, PathNormalization, TelemetrySide } from '@weft/resources'
import { gatewayTarget } from '../gateway-api/data-plane.ts'
import type { AskedProvider } from '../policies/ext-authz.ts'
import { policyLevel, withServices } from '../policies/workload-selection.ts'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import { type DynamicTarget, dynamicTargets } from './dynamic-hosts.ts'
import type { ProxyRef } from './generator.ts'
import { type MetricsPlan, metricsPlan } from './metrics.ts'
import { providerHost } from './provider-host.ts'
import { importsOf } from './sidecar-scope.ts'
import { type TracingPlan, tracingPlan } from './tracing.ts'
import { type PluginPlan, pluginsOf } from './wasm-plugins.ts'

/** An access log: `fields` of JSON lines, a `text` with operators (`true`: Envoy's own), or neither: our JSON fields. */
export interface AccessLogPlan {
  readonly path: string
  readonly fields?: JsonObject
  readonly text?: string | true
  /** A CEL expression that must be true for a line to be written. */
  readonly filter?: string
}

/** What is reported, and by which proxy. */
export interface Telemetry {
  readonly flavor: ProxyRef['flavor']
  /** Where access logs go and what they look like. */
  readonly logs: readonly AccessLogPlan[]
  /** What paths are made to look like. */
  readonly normalization: PathNormalization
  /** Who may be asked about requests. */
  readonly providers: readonly AskedProvider[]
  /** Who is told of requests as spans. */
  readonly tracing?: TracingPlan
  /** How metrics differ from Istio's standard ones. */
  readonly metrics?: MetricsPlan
  /** Modules among the filters. */
  readonly plugins?: readonly PluginPlan[]
  /** Clusters whose requests or connections name their host. */
  readonly dynamic?: readonly DynamicTarget[]
}

/** The telemetry of a proxy, as to the calls it makes or the ones it takes; a gateway makes them. */
export function telemetryOf(
  mesh: MeshQuery,
  { flavor, instance }: Pick<ProxyRef, 'flavor' | 'instance'>,
  side: TelemetrySide,
): Telemetry {
  const { accessLog, config, rootNamespace } = mesh.settings
  const { pathNormalization } = config
  const rules = mesh.telemetries(instance)
  const target = withServices(
    mesh,
    instance.proxy === 'gateway' ? gatewayTarget(mesh, instance) : instance,
    rules.map(({ spec }) => spec),
  )
  const specs = levels.flatMap(
    // Of several for the same level the oldest by name holds.
    (level) => rules.find(({ id, spec }) => policyLevel(id, spec, target, rootNamespace) === level)?.spec ?? [],
  )
  const reachable = importsOf(mesh, { instance })
  const tracing =
    flavor === 'envoy'
      ? tracingPlan(mesh, instance, {
          rules: specs.flatMap((spec) => spec.tracing ?? []),
          side,
          reachable,
        })
      : undefined
  const logs = logsOf(
    specs.flatMap((spec) => spec.accessLogging ?? []),
    side,
    config,
  ).map((log) => (flavor === 'envoy' ? log : unfiltered(log)))
  const metrics =
    flavor === 'weft'
      ? metricsPlan(
          specs.flatMap((spec) => spec.metrics ?? []),
          side,
          config,
        )
      : undefined
  const plugins = pluginsOf(mesh, target, { side, flavor })
  const dynamic = side === 'CLIENT' ? dynamicTargets(mesh) : []
  return {
    flavor,
    logs: accessLog ? logs : [],
    normalization: pathNormalization?.normalization ?? 'DEFAULT',
    providers: flavor === 'envoy' ? askedProviders(mesh, instance, reachable) : [],
    ...(tracing === undefined ? {} : { tracing }),
    ...(metrics === undefined ? {} : { metrics }),
    ...(plugins.length === 0 ? {} : { plugins }),
    ...(dynamic.length === 0 ? {} : { dynamic }),
  }
}

/** Who may be asked about requests, and where each is. */
function askedProviders(
  mesh: MeshQuery,
  { namespace }: ProxyRef['instance'],
  reachable: ReturnType<typeof importsOf>,
): AskedProvider[] {
  return (mesh.settings.config.extensionProviders ?? []).flatMap((provider) => {
    const asked = provider.envoyExtAuthzHttp ?? provider.envoyExtAuthzGrpc
    if (asked === undefined) return []
    const at = providerHost(mesh, asked, { namespace, reachable })
    return [at === undefined ? { provider } : { provider, at }]
  })
}

/** Weft's own proxy writes every line: an expression is no reason to write none. */
function unfiltered({ path, fields, text }: AccessLogPlan): AccessLogPlan {
  return { path, ...(fields === undefined ? {} : { fields }), ...(text === undefined ? {} : { text }) }
}

/** From wide to narrow: what is narrower is said later, and holds. */
const levels = ['mesh', 'class', 'namespace', 'workload'] as const

/** The provider that every mesh has: its own log. */
const ownLog = 'envoy'

interface LogState {
  readonly on: boolean
  readonly filter?: string
}

/** Each entry says it of the providers it names; one that names none says it of those in force. */
function logsOf(entries: readonly AccessLogging[], side: TelemetrySide, config: MeshConfig): AccessLogPlan[] {
  const inForce = new Map<string, LogState>()
  for (const name of config.defaultProviders?.accessLogging ?? [ownLog]) inForce.set(name, { on: true })
  for (const { match, providers, disabled = false, filter } of entries) {
    const state = { on: !disabled, ...(filter?.expression === undefined ? {} : { filter: filter.expression }) }
    const mode = match?.mode ?? 'CLIENT_AND_SERVER'
    if (mode !== 'CLIENT_AND_SERVER' && mode !== side) continue
    if (providers === undefined) for (const name of inForce.keys()) inForce.set(name, state)
    else {
      // Naming providers puts them in the place of what was in force; naming one to silence it leaves the others.
      if (!disabled) inForce.clear()
      for (const { name } of providers) inForce.set(name, state)
    }
  }
  return [...inForce].flatMap(([name, { on, filter }]) => {
    const plan = on ? planOf(name, config) : undefined
    return plan === undefined ? [] : [{ ...plan, ...(filter === undefined ? {} : { filter }) }]
  })
}

function planOf(name: string, config: MeshConfig): AccessLogPlan | undefined {
  if (name === ownLog) return logPlan(config)
  const file = config.extensionProviders?.find((provider) => provider.name === name)?.envoyFileAccessLog
  if (file === undefined) return undefined
  const { path = '/dev/stdout', logFormat } = file
  if (logFormat?.text !== undefined) return { path, text: withLineEnd(logFormat.text) }
  return logFormat?.labels === undefined ? { path, text: true } : { path, fields: logFormat.labels as JsonObject }
}

function withLineEnd(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`
}

/** The mesh's own choice of log; without one, JSON lines on standard output. */
function logPlan({ accessLogFile, accessLogFormat, accessLogEncoding }: MeshConfig): AccessLogPlan | undefined {
  if (accessLogFile === '') return undefined
  const path = accessLogFile ?? '/dev/stdout'
  if (accessLogFormat === undefined || accessLogFormat === '') {
    return accessLogEncoding === 'TEXT' ? { path, text: true } : { path }
  }
  const fields = accessLogEncoding === 'JSON' ? jsonObject(accessLogFormat) : undefined
  return fields === undefined ? { path, text: withLineEnd(accessLogFormat) } : { path, fields }
}

function jsonObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined
  } catch {
    return undefined
  }
}
