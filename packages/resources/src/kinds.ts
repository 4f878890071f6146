// The kinds this mesh knows, and typed access to objects by kind.
import type { ServiceSpec } from './core/service/types.ts'
import type { MeshObject } from './mesh-object.ts'
import type { DestinationRuleSpec } from './networking/destination-rule/types.ts'
import type { GatewaySpec } from './networking/gateway/types.ts'
import type { ServiceEntrySpec } from './networking/service-entry/types.ts'
import type { VirtualServiceSpec } from './networking/virtual-service/types.ts'
import type { AuthorizationPolicySpec } from './security/authorization-policy/types.ts'
import type { PeerAuthenticationSpec } from './security/peer-authentication/types.ts'
import type { WorkloadEntrySpec } from './networking/workload-entry/types.ts'
import type { WorkloadGroupSpec } from './networking/workload-group/types.ts'
import type { WorkloadSpec } from './weft/workload/types.ts'

/** The spec of a kind that is read and checked, and has no effect yet: as written. */
export type CheckedSpec = Readonly<Record<string, unknown>>

/** The spec type of each kind. Kind names are unique across the groups known so far. */
export interface SpecByKind {
  Service: ServiceSpec
  VirtualService: VirtualServiceSpec
  DestinationRule: DestinationRuleSpec
  Gateway: GatewaySpec
  ServiceEntry: ServiceEntrySpec
  WorkloadEntry: WorkloadEntrySpec
  WorkloadGroup: WorkloadGroupSpec
  Sidecar: CheckedSpec
  ProxyConfig: CheckedSpec
  EnvoyFilter: CheckedSpec
  PeerAuthentication: PeerAuthenticationSpec
  RequestAuthentication: CheckedSpec
  AuthorizationPolicy: AuthorizationPolicySpec
  Telemetry: CheckedSpec
  WasmPlugin: CheckedSpec
  Workload: WorkloadSpec
}

/** A kind this mesh knows. */
export type KindName = keyof SpecByKind

/** API group of each kind; '' is Kubernetes' core group. */
export const groupOfKind: Readonly<Record<KindName, string>> = {
  Service: '',
  VirtualService: 'networking.istio.io',
  DestinationRule: 'networking.istio.io',
  Gateway: 'networking.istio.io',
  ServiceEntry: 'networking.istio.io',
  WorkloadEntry: 'networking.istio.io',
  WorkloadGroup: 'networking.istio.io',
  Sidecar: 'networking.istio.io',
  ProxyConfig: 'networking.istio.io',
  EnvoyFilter: 'networking.istio.io',
  PeerAuthentication: 'security.istio.io',
  RequestAuthentication: 'security.istio.io',
  AuthorizationPolicy: 'security.istio.io',
  Telemetry: 'telemetry.istio.io',
  WasmPlugin: 'extensions.istio.io',
  Workload: 'weft.dev',
}

/** Whether an object is of a kind, so that its spec has that kind's type. */
export function isKind<K extends KindName>(object: MeshObject, kind: K): object is MeshObject<SpecByKind[K]> {
  return object.id.kind === kind && object.id.group === groupOfKind[kind]
}

/** The objects of one kind, in their order. */
export function ofKind<K extends KindName>(objects: readonly MeshObject[], kind: K): MeshObject<SpecByKind[K]>[] {
  return objects.filter((object) => isKind(object, kind)) as MeshObject<SpecByKind[K]>[]
}
