// The definitions of all kinds, and how an apiVersion and a kind find theirs.
import { configMapKind } from './core/config-map/config-map.ts'
import { endpointSliceKind } from './core/endpoint-slice/endpoint-slice.ts'
import { namespaceKind } from './core/namespace/namespace.ts'
import { podKind } from './core/pod/pod.ts'
import { secretKind } from './core/secret/secret.ts'
import { serviceAccountKind } from './core/service-account/service-account.ts'
import { serviceKind } from './core/service/service.ts'
import type { KindDefinition } from './kind-definition.ts'
import { gatewayApiKinds } from './gateway-api/kinds.ts'
import { ingressClassKind, ingressKind } from './ingress/ingress.ts'
import { groupOfKind, type KindName, writtenKind } from './kinds.ts'
import { destinationRuleKind } from './networking/destination-rule/destination-rule.ts'
import { gatewayKind } from './networking/gateway/gateway.ts'
import { envoyFilterKind } from './networking/envoy-filter/envoy-filter.ts'
import { proxyConfigKind } from './networking/proxy-config/proxy-config.ts'
import { serviceEntryKind } from './networking/service-entry/service-entry.ts'
import { sidecarKind } from './networking/sidecar/sidecar.ts'
import { virtualServiceKind } from './networking/virtual-service/virtual-service.ts'
import { authorizationPolicyKind } from './security/authorization-policy/authorization-policy.ts'
import { workloadEntryKind } from './networking/workload-entry/workload-entry.ts'
import { workloadGroupKind } from './networking/workload-group/workload-group.ts'
import { wasmPluginKind } from './extensions/wasm-plugin/wasm-plugin.ts'
import { peerAuthenticationKind } from './security/peer-authentication/peer-authentication.ts'
import { requestAuthenticationKind } from './security/request-authentication/request-authentication.ts'
import { smiKinds } from './smi/kinds.ts'
import { telemetryKind } from './telemetry/telemetry/telemetry.ts'
import { circuitBreakerKind } from './weft/circuit-breaker/circuit-breaker.ts'
import { hedgingPolicyKind } from './weft/policies/hedging-policy.ts'
import { rateLimitKind } from './weft/policies/rate-limit.ts'
import { retryPolicyKind } from './weft/policies/retry-policy.ts'
import { timeoutPolicyKind } from './weft/policies/timeout-policy.ts'
import { workloadKind } from './weft/workload/workload.ts'

/** Every kind by name. */
export const definitions = {
  Service: serviceKind,
  Namespace: namespaceKind,
  ServiceAccount: serviceAccountKind,
  Secret: secretKind,
  ConfigMap: configMapKind,
  Pod: podKind,
  EndpointSlice: endpointSliceKind,
  Ingress: ingressKind,
  IngressClass: ingressClassKind,
  VirtualService: virtualServiceKind,
  DestinationRule: destinationRuleKind,
  Gateway: gatewayKind,
  ServiceEntry: serviceEntryKind,
  WorkloadEntry: workloadEntryKind,
  WorkloadGroup: workloadGroupKind,
  Sidecar: sidecarKind,
  ProxyConfig: proxyConfigKind,
  EnvoyFilter: envoyFilterKind,
  PeerAuthentication: peerAuthenticationKind,
  RequestAuthentication: requestAuthenticationKind,
  AuthorizationPolicy: authorizationPolicyKind,
  Telemetry: telemetryKind,
  WasmPlugin: wasmPluginKind,
  ...gatewayApiKinds,
  ...smiKinds,
  CircuitBreaker: circuitBreakerKind,
  RateLimit: rateLimitKind,
  RetryPolicy: retryPolicyKind,
  TimeoutPolicy: timeoutPolicyKind,
  HedgingPolicy: hedgingPolicyKind,
  Workload: workloadKind,
} satisfies { readonly [K in KindName]: KindDefinition<K> }

const all: readonly KindDefinition[] = Object.values(definitions)

const byWrittenKind = new Map<string, readonly KindDefinition[]>()
for (const definition of all) {
  const written = writtenKind(definition.kind)
  byWrittenKind.set(written, [...(byWrittenKind.get(written) ?? []), definition])
}

/** The definitions of a kind as users write it: several when groups share the name. */
export function definitionsOf(kind: string): readonly KindDefinition[] {
  return byWrittenKind.get(kind) ?? []
}

/** The definition of an object's kind, if known. */
export function definitionOf(id: { readonly group: string; readonly kind: string }): KindDefinition | undefined {
  return definitionsOf(id.kind).find((definition) => groupOfKind[definition.kind] === id.group)
}

/** Whether a document is of a kind. */
export function isWrittenAs(
  definition: KindDefinition,
  document: { readonly apiVersion?: unknown; readonly kind?: unknown },
): boolean {
  if (document.kind !== writtenKind(definition.kind)) return false
  return typeof document.apiVersion === 'string' && apiVersionsOf(definition).includes(document.apiVersion)
}

/** What users may write as `kind`. */
export function writtenKinds(): string[] {
  return [...byWrittenKind.keys()]
}

/** The apiVersions a kind is accepted in. */
export function apiVersionsOf(definition: KindDefinition): string[] {
  const group = groupOfKind[definition.kind]
  return definition.versions.map((version) => (group === '' ? version : `${group}/${version}`))
}

/** Every kind, in the order of the reference. */
export function allKinds(): readonly KindDefinition[] {
  return all
}
