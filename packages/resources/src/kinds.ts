// The kinds this mesh knows, and typed access to objects by kind.
import type { ConfigMapSpec } from './core/config-map/config-map.ts'
import type { EndpointSliceSpec } from './core/endpoint-slice/endpoint-slice.ts'
import type { PodSpec } from './core/pod/pod.ts'
import type { SecretSpec } from './core/secret/secret.ts'
import type { ServiceSpec } from './core/service/types.ts'
import type { WasmPluginSpec } from './extensions/wasm-plugin/types.ts'
import type { BackendTLSPolicySpec } from './gateway-api/backend-tls-policy/types.ts'
import type { GatewayAPIGatewaySpec, ListenerSetSpec } from './gateway-api/gateway/types.ts'
import type { GatewayClassSpec } from './gateway-api/gateway-class/types.ts'
import type { GRPCRouteSpec } from './gateway-api/grpc-route/types.ts'
import type { HTTPRouteSpec } from './gateway-api/http-route/types.ts'
import type { ReferenceGrantSpec } from './gateway-api/reference-grant/types.ts'
import type { StreamRouteSpec, TLSRouteSpec } from './gateway-api/tcp-route/types.ts'
import type { XBackendTrafficPolicySpec } from './gateway-api/x-backend-traffic-policy/types.ts'
import type { XBackendSpec } from './gateway-api/x-backend/types.ts'
import type { IngressClassSpec, IngressSpec } from './ingress/types.ts'
import type { MeshObject } from './mesh-object.ts'
import type { DestinationRuleSpec } from './networking/destination-rule/types.ts'
import type { EnvoyFilterSpec } from './networking/envoy-filter/types.ts'
import type { GatewaySpec } from './networking/gateway/types.ts'
import type { ServiceEntrySpec } from './networking/service-entry/types.ts'
import type { ProxyConfigSpec } from './networking/proxy-config/types.ts'
import type { SidecarSpec } from './networking/sidecar/types.ts'
import type { VirtualServiceSpec } from './networking/virtual-service/types.ts'
import type { AuthorizationPolicySpec } from './security/authorization-policy/types.ts'
import type { RequestAuthenticationSpec } from './security/request-authentication/types.ts'
import type { PeerAuthenticationSpec } from './security/peer-authentication/types.ts'
import type { WorkloadEntrySpec } from './networking/workload-entry/types.ts'
import type { WorkloadGroupSpec } from './networking/workload-group/types.ts'
import type { HTTPRouteGroupSpec, SmiPortsSpec, TrafficSplitSpec, TrafficTargetSpec } from './smi/types.ts'
import type { CircuitBreakerSpec } from './weft/circuit-breaker/types.ts'
import type { HedgingPolicySpec, RateLimitSpec, RetryPolicySpec, TimeoutPolicySpec } from './weft/policies/types.ts'
import type { TelemetrySpec } from './telemetry/telemetry/types.ts'
import type { WorkloadSpec } from './weft/workload/types.ts'

/** The spec of a kind that is read and checked, and has no effect yet: as written. */
export type CheckedSpec = Readonly<Record<string, unknown>>

/** The spec type of each kind, by a name of ours: where two groups have a kind of one name, ours tells them apart (`writtenKind`). */
export interface SpecByKind {
  Service: ServiceSpec
  Namespace: CheckedSpec
  ServiceAccount: CheckedSpec
  Secret: SecretSpec
  ConfigMap: ConfigMapSpec
  Pod: PodSpec
  EndpointSlice: EndpointSliceSpec
  Ingress: IngressSpec
  IngressClass: IngressClassSpec
  VirtualService: VirtualServiceSpec
  DestinationRule: DestinationRuleSpec
  Gateway: GatewaySpec
  ServiceEntry: ServiceEntrySpec
  WorkloadEntry: WorkloadEntrySpec
  WorkloadGroup: WorkloadGroupSpec
  Sidecar: SidecarSpec
  ProxyConfig: ProxyConfigSpec
  EnvoyFilter: EnvoyFilterSpec
  PeerAuthentication: PeerAuthenticationSpec
  RequestAuthentication: RequestAuthenticationSpec
  AuthorizationPolicy: AuthorizationPolicySpec
  Telemetry: TelemetrySpec
  WasmPlugin: WasmPluginSpec
  GatewayClass: GatewayClassSpec
  GatewayAPIGateway: GatewayAPIGatewaySpec
  ListenerSet: ListenerSetSpec
  HTTPRoute: HTTPRouteSpec
  GRPCRoute: GRPCRouteSpec
  TLSRoute: TLSRouteSpec
  TCPRoute: StreamRouteSpec
  UDPRoute: StreamRouteSpec
  ReferenceGrant: ReferenceGrantSpec
  BackendTLSPolicy: BackendTLSPolicySpec
  XBackend: XBackendSpec
  XBackendTrafficPolicy: XBackendTrafficPolicySpec
  XMesh: GatewayClassSpec
  TrafficTarget: TrafficTargetSpec
  HTTPRouteGroup: HTTPRouteGroupSpec
  SMITCPRoute: SmiPortsSpec
  SMIUDPRoute: SmiPortsSpec
  TrafficSplit: TrafficSplitSpec
  CircuitBreaker: CircuitBreakerSpec
  RateLimit: RateLimitSpec
  RetryPolicy: RetryPolicySpec
  TimeoutPolicy: TimeoutPolicySpec
  HedgingPolicy: HedgingPolicySpec
  Workload: WorkloadSpec
}

/** A kind this mesh knows. */
export type KindName = keyof SpecByKind

/** API group of each kind; '' is Kubernetes' core group. */
export const groupOfKind: Readonly<Record<KindName, string>> = {
  Service: '',
  Namespace: '',
  ServiceAccount: '',
  Secret: '',
  ConfigMap: '',
  Pod: '',
  EndpointSlice: 'discovery.k8s.io',
  Ingress: 'networking.k8s.io',
  IngressClass: 'networking.k8s.io',
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
  GatewayClass: 'gateway.networking.k8s.io',
  GatewayAPIGateway: 'gateway.networking.k8s.io',
  ListenerSet: 'gateway.networking.k8s.io',
  HTTPRoute: 'gateway.networking.k8s.io',
  GRPCRoute: 'gateway.networking.k8s.io',
  TLSRoute: 'gateway.networking.k8s.io',
  TCPRoute: 'gateway.networking.k8s.io',
  UDPRoute: 'gateway.networking.k8s.io',
  ReferenceGrant: 'gateway.networking.k8s.io',
  BackendTLSPolicy: 'gateway.networking.k8s.io',
  XBackend: 'gateway.networking.x-k8s.io',
  XBackendTrafficPolicy: 'gateway.networking.x-k8s.io',
  XMesh: 'gateway.networking.x-k8s.io',
  TrafficTarget: 'access.smi-spec.io',
  HTTPRouteGroup: 'specs.smi-spec.io',
  SMITCPRoute: 'specs.smi-spec.io',
  SMIUDPRoute: 'specs.smi-spec.io',
  TrafficSplit: 'split.smi-spec.io',
  CircuitBreaker: 'weft.dev',
  RateLimit: 'weft.dev',
  RetryPolicy: 'weft.dev',
  TimeoutPolicy: 'weft.dev',
  HedgingPolicy: 'weft.dev',
  Workload: 'weft.dev',
}

/** Kinds that share what users write with a kind of another group. */
const writtenNames: Partial<Readonly<Record<KindName, string>>> = {
  GatewayAPIGateway: 'Gateway',
  SMITCPRoute: 'TCPRoute',
  SMIUDPRoute: 'UDPRoute',
}

/** What users write as `kind`. */
export function writtenKind(kind: KindName): string {
  return writtenNames[kind] ?? kind
}

/** Whether an object is of a kind, so that its spec has that kind's type. */
export function isKind<K extends KindName>(object: MeshObject, kind: K): object is MeshObject<SpecByKind[K]> {
  return object.id.kind === writtenKind(kind) && object.id.group === groupOfKind[kind]
}

/** The objects of one kind, in their order. */
export function ofKind<K extends KindName>(objects: readonly MeshObject[], kind: K): MeshObject<SpecByKind[K]>[] {
  return objects.filter((object) => isKind(object, kind)) as MeshObject<SpecByKind[K]>[]
}
