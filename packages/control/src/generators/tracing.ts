// Traces: what a Telemetry and the mesh settings say, as the connection manager's tracing. For Envoy: Weft's own proxy reports no spans.
import {
  durationMs,
  type ExtensionProvider,
  type MeshConfig,
  type TelemetrySide,
  type TracingRule,
  type TracingTag,
  type WorkloadInstance,
} from '@weft/resources'
import { OpenTelemetryConfigSchema } from '@weft/xds/es/envoy/config/trace/v3/opentelemetry'
import type { Tracing_HttpSchema } from '@weft/xds/es/envoy/config/trace/v3/http_tracer'
import { ZipkinConfig_CollectorEndpointVersion, ZipkinConfigSchema } from '@weft/xds/es/envoy/config/trace/v3/zipkin'
import type { HttpConnectionManagerSchema } from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import { UuidRequestIdConfigSchema } from '@weft/xds/es/envoy/extensions/request_id/uuid/v3/uuid'
import type { CustomTagSchema } from '@weft/xds/es/envoy/type/tracing/v3/custom_tag'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import { duration } from './config-source.ts'
import { pack } from './encode.ts'
import type { Init } from './init.ts'
import { type ProviderHost, providerHost } from './provider-host.ts'
import type { Imports } from './sidecar-scope.ts'

type ProviderInit = Init<typeof Tracing_HttpSchema>
type HcmInit = Init<typeof HttpConnectionManagerSchema>

/** Spans of one side of a proxy: plain, so that a scope may hold it. */
export interface TracingPlan extends ProviderHost {
  readonly provider: ExtensionProvider
  /** Share of the requests, in percent. */
  readonly sampling: number
  readonly requestIdDecides: boolean
  /** Present where trace headers are not sent on. */
  readonly keepsContext?: true
  readonly maxTagLength?: number
  readonly tags: Readonly<Record<string, TracingTag>>
  /** What OpenTelemetry calls the workload. */
  readonly serviceName: string
}

/** Share of the requests that is traced where nobody says it, in percent (Istio's). */
const defaultSampling = 1

/** Who is told what about the calls of one side; undefined: nobody is. */
export function tracingPlan(
  mesh: MeshQuery,
  instance: WorkloadInstance,
  { rules, side, reachable }: { rules: readonly TracingRule[]; side: TelemetrySide; reachable: Imports },
): TracingPlan | undefined {
  const { config, trustDomain } = mesh.settings
  const { tracing: older } = config.defaultConfig ?? {}
  const said = mergeRules(rules, side)
  const provider = providerNamed(said.providers?.[0]?.name ?? config.defaultProviders?.tracing?.[0], config)
  const collector = provider?.zipkin ?? provider?.opentelemetry
  if (said.disableSpanReporting === true || provider === undefined || collector === undefined) return undefined
  // Envoy refuses a listener that names a cluster it does not have.
  const target = providerHost(mesh, collector, { namespace: instance.namespace, reachable })
  if (target === undefined) return undefined
  const maxTagLength = collector.maxTagLength ?? older?.maxPathTagLength
  return {
    provider,
    ...target,
    sampling: said.randomSamplingPercentage ?? older?.sampling ?? defaultSampling,
    requestIdDecides: said.useRequestIdForTraceSampling ?? true,
    ...(said.disableContextPropagation === true ? { keepsContext: true as const } : {}),
    ...(maxTagLength === undefined ? {} : { maxTagLength }),
    tags: {
      ...(said.enableIstioTags === false ? {} : istioTags(instance, trustDomain)),
      ...(said.customTags ?? older?.customTags),
    },
    serviceName: `${canonicalName(instance)}.${instance.namespace}`,
  }
}

/** What is said later, and so of less, goes before: each setting on its own. */
function mergeRules(rules: readonly TracingRule[], side: TelemetrySide): TracingRule {
  const holds = ({ match }: TracingRule): boolean => [undefined, 'CLIENT_AND_SERVER', side].includes(match?.mode)
  const merged: TracingRule = Object.assign({}, ...rules.filter(holds))
  const named = rules.filter(holds).findLast(({ providers }) => (providers?.length ?? 0) > 0)
  return named?.providers === undefined ? merged : { ...merged, providers: named.providers }
}

/** A provider by name; without a name, the collector that older settings have for every proxy. */
function providerNamed(name: string | undefined, config: MeshConfig): ExtensionProvider | undefined {
  if (name !== undefined) return config.extensionProviders?.find((provider) => provider.name === name)
  const address = config.enableTracing === true ? config.defaultConfig?.tracing?.zipkin?.address : undefined
  const [, service, port] = /^([^:]+):(\d+)$/.exec(address ?? '') ?? []
  return service === undefined ? undefined : { name: 'zipkin', zipkin: { service, port: Number(port) } }
}

function canonicalName({ labels, workload }: WorkloadInstance): string {
  return labels['service.istio.io/canonical-name'] ?? labels['app.kubernetes.io/name'] ?? labels['app'] ?? workload
}

/** The tags by which Istio's users look for spans. */
function istioTags(instance: WorkloadInstance, trustDomain: string): Record<string, TracingTag> {
  const { labels, namespace } = instance
  const revision =
    labels['service.istio.io/canonical-revision'] ??
    labels['app.kubernetes.io/version'] ??
    labels['version'] ??
    'latest'
  const texts = {
    'istio.canonical_revision': revision,
    'istio.canonical_service': canonicalName(instance),
    'istio.mesh_id': trustDomain,
    'istio.namespace': namespace,
  }
  return Object.fromEntries(Object.entries(texts).map(([name, value]) => [name, { literal: { value } }]))
}

/** The plan as fields of a connection manager. */
export function tracingFields(plan: TracingPlan | undefined): HcmInit {
  if (plan === undefined) return {}
  const { sampling, tags, maxTagLength, requestIdDecides, keepsContext = false } = plan
  const requestId = pack(UuidRequestIdConfigSchema, { useRequestIdForTraceSampling: false })
  return {
    tracing: {
      provider: providerInit(plan),
      clientSampling: { value: 100 },
      randomSampling: { value: sampling },
      overallSampling: { value: 100 },
      noContextPropagation: keepsContext,
      customTags: Object.entries(tags)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([tag, value]) => customTag(tag, value)),
      ...(maxTagLength === undefined ? {} : { maxPathTagLength: maxTagLength }),
    },
    ...(requestIdDecides ? {} : { requestIdExtension: { typedConfig: requestId } }),
  }
}

function providerInit({ provider: { zipkin, opentelemetry }, host, cluster, serviceName }: TracingPlan): ProviderInit {
  if (zipkin !== undefined) {
    const value = pack(ZipkinConfigSchema, {
      collectorCluster: cluster,
      collectorHostname: host,
      collectorEndpoint: zipkin.path ?? '/api/v2/spans',
      collectorEndpointVersion: ZipkinConfig_CollectorEndpointVersion.HTTP_JSON,
      traceId128bit: zipkin.enable64bitTraceId !== true,
      sharedSpanContext: false,
    })
    return { name: 'envoy.tracers.zipkin', configType: { case: 'typedConfig', value } }
  }
  const http = opentelemetry?.http
  const value = pack(OpenTelemetryConfigSchema, {
    serviceName,
    ...(http === undefined
      ? { grpcService: { targetSpecifier: { case: 'envoyGrpc', value: { clusterName: cluster, authority: host } } } }
      : {
          httpService: {
            httpUri: {
              uri: `http://${host}:${opentelemetry?.port}/${(http.path ?? '').replace(/^\//, '')}`,
              httpUpstreamType: { case: 'cluster', value: cluster },
              timeout: duration(durationMs(http.timeout) ?? 3000),
            },
            requestHeadersToAdd: (http.headers ?? []).map(({ name, value: text = '' }) => ({
              header: { key: name, value: text },
            })),
          },
        }),
  })
  return { name: 'envoy.tracers.opentelemetry', configType: { case: 'typedConfig', value } }
}

function customTag(tag: string, { literal, environment, header, formatter }: TracingTag): Init<typeof CustomTagSchema> {
  if (literal !== undefined) return { tag, type: { case: 'literal', value: { value: literal.value } } }
  if (environment !== undefined) return { tag, type: { case: 'environment', value: environment } }
  if (formatter !== undefined) return { tag, type: { case: 'value', value: formatter.value } }
  return { tag, type: { case: 'requestHeader', value: header ?? { name: 'x-none' } } }
}
