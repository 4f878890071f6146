// The kinds of the Gateway API (v1.6, standard and experimental channel).
import { defineKind, type KindDefinition, type Written } from '../kind-definition.ts'
import type { KindName, SpecByKind } from '../kinds.ts'
import type { Schema } from '../schema/schema.ts'
import { backendTlsPolicySchema } from './backend-tls-policy/schema.ts'
import { gatewayClassSchema } from './gateway-class/schema.ts'
import { gatewaySpecSchema } from './gateway/schema.ts'
import { grpcRouteSchema } from './grpc-route/schema.ts'
import { httpRouteSchema } from './http-route/schema.ts'
import { listenerSetSchema } from './listener-set/schema.ts'
import { referenceGrantSchema } from './reference-grant/schema.ts'
import { oldStreamRouteSchema, streamRouteSchema } from './tcp-route/schema.ts'
import { oldTlsRouteSchema, tlsRouteSchema } from './tls-route/schema.ts'
import { xBackendSchema } from './x-backend/schema.ts'
import { xBackendTrafficPolicySchema } from './x-backend-traffic-policy/schema.ts'

/** A kind whose defaults all stand in its schema. */
function gatewayApiKind<K extends KindName>(
  kind: K,
  versions: readonly string[],
  spec: Schema,
  more: Partial<Pick<KindDefinition<K>, 'scope' | 'older' | 'names' | 'description'>> = {},
): KindDefinition<K> {
  return defineKind({
    kind,
    versions,
    spec,
    ...more,
    withDefaults: (written: Written<SpecByKind[K]>) => written as SpecByKind[K],
  })
}

/** The kinds by name. */
export const gatewayApiKinds = {
  GatewayClass: gatewayApiKind('GatewayClass', ['v1', 'v1beta1'], gatewayClassSchema, {
    scope: 'cluster',
    names: ['gatewayclasses', 'gc'],
    description: 'Names who serves Gateways.',
  }),
  GatewayAPIGateway: gatewayApiKind('GatewayAPIGateway', ['v1', 'v1beta1'], gatewaySpecSchema, {
    names: ['gateways', 'gtw'],
    description: 'Listeners through which traffic enters the mesh.',
  }),
  ListenerSet: gatewayApiKind('ListenerSet', ['v1'], listenerSetSchema, {
    names: ['listenersets', 'lset'],
    description: 'Listeners that are added to a Gateway.',
  }),
  HTTPRoute: gatewayApiKind('HTTPRoute', ['v1', 'v1beta1'], httpRouteSchema, {
    names: ['httproutes'],
    description: 'Where requests go that enter through a Gateway, or that are sent to a Service.',
  }),
  GRPCRoute: gatewayApiKind('GRPCRoute', ['v1'], grpcRouteSchema, {
    names: ['grpcroutes'],
    description: 'Where gRPC calls go, by service and method.',
  }),
  TLSRoute: gatewayApiKind('TLSRoute', ['v1', 'v1alpha3', 'v1alpha2'], tlsRouteSchema, {
    older: { v1alpha2: { spec: oldTlsRouteSchema } },
    names: ['tlsroutes'],
    description: 'Where TLS connections go, by the name they ask for.',
  }),
  TCPRoute: gatewayApiKind('TCPRoute', ['v1', 'v1alpha2'], streamRouteSchema, {
    older: { v1alpha2: { spec: oldStreamRouteSchema } },
    names: ['tcproutes'],
    description: 'Where connections of a port go.',
  }),
  UDPRoute: gatewayApiKind('UDPRoute', ['v1', 'v1alpha2'], streamRouteSchema, {
    older: { v1alpha2: { spec: oldStreamRouteSchema } },
    names: ['udproutes'],
    description: 'Where datagrams of a port go.',
  }),
  ReferenceGrant: gatewayApiKind('ReferenceGrant', ['v1', 'v1beta1'], referenceGrantSchema, {
    names: ['referencegrants', 'refgrant'],
    description: 'Lets objects of other namespaces refer to objects of this one.',
  }),
  BackendTLSPolicy: gatewayApiKind('BackendTLSPolicy', ['v1', 'v1alpha3'], backendTlsPolicySchema, {
    names: ['backendtlspolicies', 'btlspolicy'],
    description: 'TLS from gateways to backends.',
  }),
  XBackend: gatewayApiKind('XBackend', ['v1alpha1'], xBackendSchema, {
    names: ['xbackends', 'xbackend'],
    description: 'A backend outside of the mesh (experimental).',
  }),
  XBackendTrafficPolicy: gatewayApiKind('XBackendTrafficPolicy', ['v1alpha1'], xBackendTrafficPolicySchema, {
    names: ['xbackendtrafficpolicies', 'xbtrafficpolicy'],
    description: 'Retry budget and sessions of backends (experimental).',
  }),
  XMesh: gatewayApiKind('XMesh', ['v1alpha1'], gatewayClassSchema, {
    scope: 'cluster',
    names: ['xmeshes', 'mesh'],
    description: 'Names who is the mesh (experimental).',
  }),
}
