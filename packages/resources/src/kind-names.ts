// How people name kinds on a command line: as kubectl takes them.
import { allKinds } from './definitions.ts'
import type { KindDefinition } from './kind-definition.ts'
import { groupOfKind, writtenKind } from './kinds.ts'

/** Short names that the APIs' own definitions have, where ours do not list them. */
const shortNames: Readonly<Record<string, readonly string[]>> = {
  AuthorizationPolicy: ['authorizationpolicies', 'ap'],
  BackendTLSPolicy: ['backendtlspolicies', 'btlspolicy'],
  ConfigMap: ['configmaps', 'cm'],
  DestinationRule: ['destinationrules', 'dr'],
  EndpointSlice: ['endpointslices'],
  Gateway: ['gateways', 'gw'],
  GatewayAPIGateway: ['gateways', 'gtw'],
  GatewayClass: ['gatewayclasses', 'gc'],
  Ingress: ['ingresses', 'ing'],
  IngressClass: ['ingressclasses'],
  ListenerSet: ['listenersets', 'lset'],
  Namespace: ['namespaces', 'ns'],
  PeerAuthentication: ['peerauthentications', 'pa'],
  Pod: ['pods', 'po'],
  ReferenceGrant: ['referencegrants', 'refgrant'],
  RequestAuthentication: ['requestauthentications', 'ra'],
  Service: ['services', 'svc'],
  ServiceAccount: ['serviceaccounts', 'sa'],
  ServiceEntry: ['serviceentries', 'se'],
  Telemetry: ['telemetries', 'telemetry'],
  VirtualService: ['virtualservices', 'vs'],
  WorkloadEntry: ['workloadentries', 'we'],
  WorkloadGroup: ['workloadgroups', 'wg'],
  XBackendTrafficPolicy: ['xbackendtrafficpolicies', 'xbtrafficpolicy'],
  XMesh: ['xmeshes', 'mesh'],
}

/** Names of a kind, plural first; the kind itself is one too. */
function namesOfKind(definition: KindDefinition): readonly string[] {
  const singular = writtenKind(definition.kind).toLowerCase()
  const listed = definition.names ?? shortNames[definition.kind] ?? [`${singular}s`]
  return [...new Set([...listed, singular])]
}

/** The kinds that a name means: `gateways` are those of two groups, `gateways.networking.istio.io` of one. */
export function kindsNamed(text: string): readonly KindDefinition[] {
  const name = text.toLowerCase()
  return allKinds().filter((definition) => {
    const group = groupOfKind[definition.kind]
    return namesOfKind(definition).some((one) => name === one || (group !== '' && name === `${one}.${group}`))
  })
}
