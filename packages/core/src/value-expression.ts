// Expressions for the values of metric labels: read from CEL by the control plane, carried to a proxy as plain JSON, computed there. So a
// proxy needs no parser of CEL.

/** What an attribute is before it becomes text. */
export type AttributeType = 'text' | 'number' | 'truth' | 'map'

/**
 * The attributes that have a value at the end of a request or connection, named as Envoy names them
 * (https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes), and Istio's `node`, `upstream_peer` and `downstream_peer`.
 */
export const valueAttributes = {
  'request.method': 'text',
  'request.path': 'text',
  'request.url_path': 'text',
  'request.query': 'text',
  'request.host': 'text',
  'request.protocol': 'text',
  'request.id': 'text',
  'request.referer': 'text',
  'request.useragent': 'text',
  'request.size': 'number',
  'request.headers': 'map',
  'response.code': 'number',
  'response.code_details': 'text',
  'response.grpc_status': 'number',
  'response.size': 'number',
  'response.headers': 'map',
  'response.trailers': 'map',
  'connection.mtls': 'truth',
  'connection.requested_server_name': 'text',
  'connection.uri_san_local_certificate': 'text',
  'connection.uri_san_peer_certificate': 'text',
  'connection.termination_details': 'text',
  'source.address': 'text',
  'source.port': 'number',
  'destination.address': 'text',
  'destination.port': 'number',
  'upstream.address': 'text',
  'upstream.port': 'number',
  'upstream.local_address': 'text',
  'upstream.uri_san_peer_certificate': 'text',
  'upstream.transport_failure_reason': 'text',
  'upstream.request_attempt_count': 'number',
  'xds.cluster_name': 'text',
  'xds.route_name': 'text',
  'xds.virtual_host_name': 'text',
  'xds.listener_name': 'text',
  'node.id': 'text',
  'node.cluster': 'text',
  'node.metadata': 'map',
  'upstream_peer.workload': 'text',
  'upstream_peer.namespace': 'text',
  'upstream_peer.app': 'text',
  'upstream_peer.version': 'text',
  'upstream_peer.service': 'text',
  'upstream_peer.revision': 'text',
  'upstream_peer.cluster': 'text',
  'downstream_peer.workload': 'text',
  'downstream_peer.namespace': 'text',
  'downstream_peer.app': 'text',
  'downstream_peer.version': 'text',
  'downstream_peer.service': 'text',
  'downstream_peer.revision': 'text',
  'downstream_peer.cluster': 'text',
} as const satisfies Readonly<Record<string, AttributeType>>

/** The name of an attribute. */
export type ValueAttribute = keyof typeof valueAttributes

/** Functions and operators with the number of what they are applied to. */
export const valueFunctions = {
  string: 1,
  int: 1,
  size: 1,
  contains: 2,
  startsWith: 2,
  endsWith: 2,
  '!': 1,
  '+': 2,
  '==': 2,
  '!=': 2,
  '<': 2,
  '<=': 2,
  '>': 2,
  '>=': 2,
  '&&': 2,
  '||': 2,
  '?:': 3,
} as const

/** The name of a function or operator. */
export type ValueFunction = keyof typeof valueFunctions

/** An expression. `has`: whether the map has the key; `in`: whether the first is among the others. */
export type ValueExpression =
  | { readonly constant: string | number | boolean }
  | { readonly attribute: ValueAttribute; readonly key?: string; readonly has?: true }
  | { readonly in: readonly ValueExpression[] }
  | { readonly call: ValueFunction; readonly of: readonly ValueExpression[] }

/** Whether a text names an attribute. */
export function isValueAttribute(name: string): name is ValueAttribute {
  return Object.hasOwn(valueAttributes, name)
}

/** Whether a text names a function or operator. */
export function isValueFunction(name: string): name is ValueFunction {
  return Object.hasOwn(valueFunctions, name)
}
