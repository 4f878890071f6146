// Istio's metrics as a Telemetry changes them: for Weft's own proxy, which counts them itself. Envoy as it is released does not.
import type { JsonObject } from '@bufbuild/protobuf'
import type { ValueExpression } from '@weft/core'
import {
  durationMs,
  istioMetrics,
  isValue,
  type MeshConfig,
  type MetricOverride,
  type MetricRule,
  readValue,
  type TelemetrySide,
} from '@weft/resources'
import { weftMetadata } from './metadata.ts'
import type { Telemetry } from './telemetry.ts'

/** How one metric differs: plain, so that a scope may hold it, and in the order of names. */
export interface MetricPlan {
  readonly disabled?: true
  /** Labels that are not there. */
  readonly removed?: readonly string[]
  /** Labels that are there beside the usual ones, or in the place of one of them. */
  readonly values?: Readonly<Record<string, ValueExpression>>
}

/** How the metrics of one side of a proxy differ from Istio's standard ones. */
export interface MetricsPlan {
  readonly metrics: Readonly<Record<string, MetricPlan>>
  /** How often open TCP connections are counted, in milliseconds. */
  readonly reportingMs?: number
}

type TagOverride = NonNullable<MetricOverride['tagOverrides']>[string]

interface MetricState {
  disabled: boolean
  readonly tags: Map<string, TagOverride>
}

const allNames: readonly string[] = Object.values(istioMetrics)

/** What the rules (from wide to narrow) make of the metrics of one side; undefined: nothing. */
export function metricsPlan(
  rules: readonly MetricRule[],
  side: TelemetrySide,
  config: MeshConfig,
): MetricsPlan | undefined {
  const provider = prometheusAmong(providersInForce(rules, config), config)
  if (provider === undefined) return { metrics: Object.fromEntries(allNames.map((name) => [name, { disabled: true }])) }
  const states = new Map<string, MetricState>()
  let interval: string | undefined
  let inherited = defaultMetricProviders(config)
  for (const { providers = [], overrides = [], reportingInterval } of rules) {
    if (providers.length > 0) inherited = providers.map(({ name }) => name)
    if (!inherited.includes(provider)) continue
    interval = reportingInterval ?? interval
    for (const override of overrides) apply(states, override, side)
  }
  const changed = [...states].map(([name, state]) => [name, planOf(state)] as const)
  const metrics = Object.fromEntries(changed.filter(([, plan]) => Object.keys(plan).length > 0).sort(byName))
  const reportingMs = durationMs(interval)
  if (Object.keys(metrics).length === 0 && reportingMs === undefined) return undefined
  return { metrics, ...(reportingMs === undefined ? {} : { reportingMs }) }
}

/** Prometheus asks every proxy unless the mesh says otherwise. */
function defaultMetricProviders(config: MeshConfig): readonly string[] {
  return config.defaultProviders?.metrics ?? ['prometheus']
}

/** The narrowest rule that names providers puts them in the place of those before. */
function providersInForce(rules: readonly MetricRule[], config: MeshConfig): readonly string[] {
  const named = rules.findLast(({ providers }) => (providers?.length ?? 0) > 0)?.providers
  return named?.map(({ name }) => name) ?? defaultMetricProviders(config)
}

function prometheusAmong(names: readonly string[], { extensionProviders = [] }: MeshConfig): string | undefined {
  return names.find((name) => {
    const written = extensionProviders.find((provider) => provider.name === name)
    return written === undefined ? name === 'prometheus' : written.prometheus !== undefined
  })
}

function apply(
  states: Map<string, MetricState>,
  { match, disabled, tagOverrides = {} }: MetricOverride,
  side: TelemetrySide,
): void {
  const mode = match?.mode ?? 'CLIENT_AND_SERVER'
  if (mode !== 'CLIENT_AND_SERVER' && mode !== side) return
  for (const name of namesOf(match)) {
    let state = states.get(name)
    if (state === undefined) states.set(name, (state = { disabled: false, tags: new Map() }))
    state.disabled = disabled ?? state.disabled
    for (const [tag, override] of Object.entries(tagOverrides)) state.tags.set(tag, override)
  }
}

function namesOf(match: MetricOverride['match']): readonly string[] {
  if (match?.customMetric !== undefined) return allNames.filter((name) => name === match.customMetric)
  const { metric = 'ALL_METRICS' } = match ?? {}
  const known: Readonly<Record<string, string>> = istioMetrics
  return metric === 'ALL_METRICS' ? allNames : [known[metric] ?? []].flat()
}

function planOf({ disabled, tags }: MetricState): MetricPlan {
  if (disabled) return { disabled: true }
  const removed = [...tags].filter(([, { operation }]) => operation === 'REMOVE').map(([name]) => name)
  const values = [...tags].flatMap(([name, { operation, value = '' }]) => {
    const read = operation === 'REMOVE' ? undefined : readValue(value)
    return isValue(read) ? [[name, read] as const] : []
  })
  return {
    ...(removed.length === 0 ? {} : { removed: removed.sort() }),
    ...(values.length === 0 ? {} : { values: Object.fromEntries(values.sort(byName)) }),
  }
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}

/** The metadata of a listener: where it came from, and how what passes it is counted. */
export function listenerMetadata(origin: string, { metrics }: Telemetry): ReturnType<typeof weftMetadata> {
  return weftMetadata({ origin, metrics: metrics as JsonObject | undefined })
}
