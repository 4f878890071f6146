// Encoding resources once, with their content hash as version; packing messages into Any.
import { createRegistry, toBinary, create } from '@bufbuild/protobuf'
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import { anyPack, type Any, StringValueSchema } from '@bufbuild/protobuf/wkt'
import { concatenated, type Origin } from '@weft/core'
import { sha256 } from '@weft/resources'
import { typeUrl } from '@weft/xds'
import { ClusterSchema } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { ClusterLoadAssignmentSchema } from '@weft/xds/es/envoy/config/endpoint/v3/endpoint'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import { RouteConfigurationSchema } from '@weft/xds/es/envoy/config/route/v3/route'
import { OpenTelemetryConfigSchema } from '@weft/xds/es/envoy/config/trace/v3/opentelemetry'
import { ZipkinConfigSchema } from '@weft/xds/es/envoy/config/trace/v3/zipkin'
import { ExpressionFilterSchema } from '@weft/xds/es/envoy/extensions/access_loggers/filters/cel/v3/cel'
import { UuidRequestIdConfigSchema } from '@weft/xds/es/envoy/extensions/request_id/uuid/v3/uuid'
import { FileAccessLogSchema } from '@weft/xds/es/envoy/extensions/access_loggers/file/v3/file'
import { StdoutAccessLogSchema } from '@weft/xds/es/envoy/extensions/access_loggers/stream/v3/stream'
import { ClusterConfigSchema as DynamicClusterSchema } from '@weft/xds/es/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster'
import {
  FilterConfigSchema as HttpLookupSchema,
  PerRouteConfigSchema as HttpLookupPerRouteSchema,
} from '@weft/xds/es/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy'
import { FilterConfigSchema as ServerNameLookupSchema } from '@weft/xds/es/envoy/extensions/filters/network/sni_dynamic_forward_proxy/v3/sni_dynamic_forward_proxy'
import { FilterConfigSchema } from '@weft/xds/es/envoy/config/route/v3/route_components'
import { CorsPolicySchema, CorsSchema } from '@weft/xds/es/envoy/extensions/filters/http/cors/v3/cors'
import { PreviousPrioritiesConfigSchema } from '@weft/xds/es/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config'
import {
  ExtAuthzPerRouteSchema,
  ExtAuthzSchema,
} from '@weft/xds/es/envoy/extensions/filters/http/ext_authz/v3/ext_authz'
import { JwtAuthenticationSchema } from '@weft/xds/es/envoy/extensions/filters/http/jwt_authn/v3/config'
import { UriTemplateMatchConfigSchema } from '@weft/xds/es/envoy/extensions/path/match/uri_template/v3/uri_template_match'
import {
  StatefulSessionPerRouteSchema,
  StatefulSessionSchema,
} from '@weft/xds/es/envoy/extensions/filters/http/stateful_session/v3/stateful_session'
import { CookieBasedSessionStateSchema } from '@weft/xds/es/envoy/extensions/http/stateful_session/cookie/v3/cookie'
import { HeaderBasedSessionStateSchema } from '@weft/xds/es/envoy/extensions/http/stateful_session/header/v3/header'
import { LocalRateLimitSchema } from '@weft/xds/es/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit'
import { HTTPFaultSchema } from '@weft/xds/es/envoy/extensions/filters/http/fault/v3/fault'
import { RBACSchema as HttpRbacSchema } from '@weft/xds/es/envoy/extensions/filters/http/rbac/v3/rbac'
import { WasmSchema } from '@weft/xds/es/envoy/extensions/filters/http/wasm/v3/wasm'
import { RouterSchema } from '@weft/xds/es/envoy/extensions/filters/http/router/v3/router'
import { HttpInspectorSchema } from '@weft/xds/es/envoy/extensions/filters/listener/http_inspector/v3/http_inspector'
import { OriginalDstSchema } from '@weft/xds/es/envoy/extensions/filters/listener/original_dst/v3/original_dst'
import { TlsInspectorSchema } from '@weft/xds/es/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector'
import { HttpConnectionManagerSchema } from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import { ConfigSchema as SetFilterStateSchema } from '@weft/xds/es/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state'
import { RBACSchema as NetworkRbacSchema } from '@weft/xds/es/envoy/extensions/filters/network/rbac/v3/rbac'
import { TcpProxySchema } from '@weft/xds/es/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy'
import { RouteSchema as UdpRouteSchema } from '@weft/xds/es/envoy/extensions/filters/udp/udp_proxy/v3/route'
import { UdpProxyConfigSchema } from '@weft/xds/es/envoy/extensions/filters/udp/udp_proxy/v3/udp_proxy'
import { PreviousHostsPredicateSchema } from '@weft/xds/es/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts'
import { InternalUpstreamTransportSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/internal_upstream/v3/internal_upstream'
import { ProxyProtocolUpstreamTransportSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol'
import { RawBufferSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer'
import {
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/tls'
import { SecretSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/secret'
import { HttpProtocolOptionsSchema } from '@weft/xds/es/envoy/extensions/upstreams/http/v3/http_protocol_options'
import type { BuiltResource } from './generator.ts'

/** The messages of our resources by type URL. */
export const resourceSchemas: Readonly<Record<string, DescMessage>> = {
  [typeUrl.listener]: ListenerSchema,
  [typeUrl.routeConfiguration]: RouteConfigurationSchema,
  [typeUrl.cluster]: ClusterSchema,
  [typeUrl.clusterLoadAssignment]: ClusterLoadAssignmentSchema,
  [typeUrl.secret]: SecretSchema,
}

/** Every message that our resources carry inside an Any. */
export const ownMessages = createRegistry(
  StdoutAccessLogSchema,
  FileAccessLogSchema,
  ExpressionFilterSchema,
  ZipkinConfigSchema,
  OpenTelemetryConfigSchema,
  UuidRequestIdConfigSchema,
  JwtAuthenticationSchema,
  ExtAuthzSchema,
  ExtAuthzPerRouteSchema,
  UriTemplateMatchConfigSchema,
  FilterConfigSchema,
  LocalRateLimitSchema,
  CorsSchema,
  CorsPolicySchema,
  StatefulSessionSchema,
  StatefulSessionPerRouteSchema,
  CookieBasedSessionStateSchema,
  HeaderBasedSessionStateSchema,
  PreviousPrioritiesConfigSchema,
  HTTPFaultSchema,
  HttpLookupSchema,
  HttpLookupPerRouteSchema,
  ServerNameLookupSchema,
  DynamicClusterSchema,
  HttpRbacSchema,
  RouterSchema,
  WasmSchema,
  StringValueSchema,
  HttpInspectorSchema,
  OriginalDstSchema,
  TlsInspectorSchema,
  HttpConnectionManagerSchema,
  NetworkRbacSchema,
  SetFilterStateSchema,
  TcpProxySchema,
  UdpProxyConfigSchema,
  UdpRouteSchema,
  PreviousHostsPredicateSchema,
  InternalUpstreamTransportSchema,
  RawBufferSchema,
  ProxyProtocolUpstreamTransportSchema,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
  HttpProtocolOptionsSchema,
)

/** Encodes a resource; its version is the hash of its bytes, so it is the same on every replica. */
export function encodeResource<D extends DescMessage>(
  schema: D,
  name: string,
  init: MessageInitShape<D>,
  origin: readonly Origin[],
): BuiltResource {
  const body = toBinary(schema, create(schema, init))
  return { type: `type.googleapis.com/${schema.typeName}`, name, version: versionOf(body), body, origin }
}

/** A resource whose bytes were put together from parts; `content` names these completely. */
export function splicedResource<D extends DescMessage>(
  schema: D,
  name: string,
  body: Uint8Array,
  parts: { readonly content: string; readonly origin: readonly Origin[] },
): BuiltResource {
  const version = sha256(new TextEncoder().encode(`${schema.typeName}|${name}|${parts.content}`)).slice(0, 16)
  return { type: `type.googleapis.com/${schema.typeName}`, name, version, body, origin: parts.origin }
}

/** Encodes a message that is part of another. */
export function encodePart<D extends DescMessage>(schema: D, init: MessageInitShape<D>): Uint8Array {
  return toBinary(schema, create(schema, init))
}

/** A length-delimited field of these bytes; `tag` is the whole tag, below 128. */
export function field(tag: number, ...pieces: readonly Uint8Array[]): Uint8Array {
  let size = 0
  for (const piece of pieces) size += piece.length
  const head = [tag]
  for (; size > 0x7f; size >>>= 7) head.push((size & 0x7f) | 0x80)
  head.push(size)
  return concatenated([Uint8Array.from(head), ...pieces])
}

/** A string field. */
export function textField(tag: number, text: string): Uint8Array {
  return field(tag, new TextEncoder().encode(text))
}

/** Hash of encoded bytes. */
export function versionOf(bytes: Uint8Array): string {
  return sha256(bytes).slice(0, 16)
}

/** Packs a message for a `typed_config`. */
export function pack<D extends DescMessage>(schema: D, init?: MessageInitShape<D>): Any {
  return anyPack(schema, create(schema, init) as MessageShape<D>)
}
