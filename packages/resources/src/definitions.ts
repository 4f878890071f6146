// The definitions of all kinds, and how an apiVersion and a kind find theirs.
import { serviceKind } from './core/service/service.ts'
import type { KindDefinition } from './kind-definition.ts'
import { groupOfKind, type KindName } from './kinds.ts'
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
import { telemetryKind } from './telemetry/telemetry/telemetry.ts'
import { workloadKind } from './weft/workload/workload.ts'

/** Every kind by name. */
export const definitions = {
  Service: serviceKind,
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
  Workload: workloadKind,
} satisfies { readonly [K in KindName]: KindDefinition<K> }

/** The definition of a kind name, if known. */
export function definitionOf(kind: string): KindDefinition | undefined {
  return Object.hasOwn(definitions, kind) ? (definitions[kind as KindName] as unknown as KindDefinition) : undefined
}

/** The apiVersions a kind is accepted in. */
export function apiVersionsOf(definition: KindDefinition): string[] {
  const group = groupOfKind[definition.kind]
  return definition.versions.map((version) => (group === '' ? version : `${group}/${version}`))
}

/** The kinds of Istio's API. */
export function istioKinds(): KindDefinition[] {
  const all = Object.values(definitions) as unknown as KindDefinition[]
  return all.filter(({ kind }) => groupOfKind[kind].endsWith('istio.io'))
}
