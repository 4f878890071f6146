// The definitions of all kinds, and how an apiVersion and a kind find theirs.
import { serviceKind } from './core/service/service.ts'
import type { KindDefinition } from './kind-definition.ts'
import { groupOfKind, type KindName } from './kinds.ts'
import { destinationRuleKind } from './networking/destination-rule/destination-rule.ts'
import { gatewayKind } from './networking/gateway/gateway.ts'
import { virtualServiceKind } from './networking/virtual-service/virtual-service.ts'
import { authorizationPolicyKind } from './security/authorization-policy/authorization-policy.ts'
import { peerAuthenticationKind } from './security/peer-authentication/peer-authentication.ts'
import { workloadKind } from './weft/workload/workload.ts'

/** Every kind by name. */
export const definitions = {
  Service: serviceKind,
  VirtualService: virtualServiceKind,
  DestinationRule: destinationRuleKind,
  Gateway: gatewayKind,
  PeerAuthentication: peerAuthenticationKind,
  AuthorizationPolicy: authorizationPolicyKind,
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
