// The one list of .proto fields the engine and the proxy read; the input of scripts/protoc-gen-weft-lean.ts. A field that
// is set but not listed here is reported by name ('unlisted'): it makes a security message be refused, and is shown in
// 'weft status' elsewhere. So list a field only when something reads it or when ignoring it is right.

import { clusterMessages } from './cluster-fields.ts'
import { group, type LeanMessage } from './field-group.ts'

const discovery = [
  ...group('envoy.service.discovery.v3', {
    DeltaDiscoveryRequest: {
      write: true,
      fields: `node type_url resource_names_subscribe resource_names_unsubscribe initial_resource_versions
        response_nonce error_detail`,
    },
    DeltaDiscoveryResponse: {
      write: true,
      fields: 'system_version_info resources type_url removed_resources nonce control_plane',
    },
    DiscoveryRequest: { write: true, fields: 'version_info node resource_names type_url response_nonce error_detail' },
    DiscoveryResponse: { write: true, fields: 'version_info resources type_url nonce control_plane' },
    Resource: { write: true, as: 'DiscoveryResource', fields: 'name aliases version resource' },
  }),
  ...group('google.rpc', { Status: { write: true, as: 'RpcStatus', fields: 'code message details' } }),
]

const core = [
  ...group('envoy.config.core.v3', {
    Node: {
      write: true,
      fields: 'id cluster metadata locality user_agent_name user_agent_version client_features',
    },
    ControlPlane: { write: true, fields: 'identifier' },
    Locality: { write: true, fields: 'region zone sub_zone' },
    Metadata: 'filter_metadata typed_filter_metadata',
    Address: 'socket_address pipe envoy_internal_address',
    SocketAddress: 'protocol address port_value named_port',
    Pipe: 'path mode',
    EnvoyInternalAddress: 'server_listener_name endpoint_id',
    BindConfig: 'source_address',
    TcpKeepalive: 'keepalive_probes keepalive_time keepalive_interval',
    CidrRange: 'address_prefix prefix_len',
    TransportSocket: 'name typed_config',
    DataSource: 'filename inline_bytes inline_string environment_variable',
    HeaderValue: 'key value raw_value',
    HeaderValueOption: 'header append append_action keep_empty_value',
    TypedExtensionConfig: 'name typed_config',
    RuntimeFractionalPercent: 'default_value runtime_key',
    RuntimeFeatureFlag: 'default_value runtime_key',
    RuntimeDouble: 'default_value runtime_key',
    ConfigSource: 'path path_config_source api_config_source ads self initial_fetch_timeout resource_api_version',
    PathConfigSource: 'path',
    AggregatedConfigSource: '',
    SelfConfigSource: 'transport_api_version',
    ApiConfigSource: 'api_type transport_api_version grpc_services set_node_on_first_message_only',
    GrpcService: 'envoy_grpc timeout',
    'GrpcService.EnvoyGrpc': 'cluster_name authority',
    HttpProtocolOptions: `idle_timeout max_connection_duration max_headers_count max_stream_duration
      max_requests_per_connection headers_with_underscores_action`,
    Http1ProtocolOptions: 'allow_absolute_url accept_http_10 default_host_for_http_10 enable_trailers',
    Http2ProtocolOptions: `hpack_table_size max_concurrent_streams initial_stream_window_size
      initial_connection_window_size allow_connect max_outbound_frames max_outbound_control_frames
      max_consecutive_inbound_frames_with_empty_payload max_inbound_priority_frames_per_stream
      max_inbound_window_update_frames_per_data_frame_sent stream_error_on_invalid_http_messaging
      override_stream_error_on_invalid_http_message connection_keepalive`,
    KeepaliveSettings: 'interval timeout connection_idle_interval',
    UdpSocketConfig: 'max_rx_datagram_size',
    ProxyProtocolConfig: 'version',
    UpstreamHttpProtocolOptions: 'auto_sni auto_san_validation override_auto_sni_header',
    SubstitutionFormatString: 'text_format json_format text_format_source omit_empty_values content_type',
  }),
  ...group('envoy.type.v3', {
    FractionalPercent: 'numerator denominator',
    Percent: 'value',
    Int64Range: 'start end',
    Int32Range: 'start end',
    DoubleRange: 'start end',
    HashPolicy: 'source_ip',
    'HashPolicy.SourceIp': '',
    TokenBucket: 'max_tokens tokens_per_fill fill_interval',
    HttpStatus: 'code',
  }),
  ...group('envoy.type.matcher.v3', {
    StringMatcher: 'exact prefix suffix safe_regex contains ignore_case',
    RegexMatcher: 'google_re2 regex',
    'RegexMatcher.GoogleRE2': 'max_program_size',
    RegexMatchAndSubstitute: 'pattern substitution',
    PathMatcher: 'path',
    MetadataMatcher: 'filter path value invert',
    'MetadataMatcher.PathSegment': 'key',
    ValueMatcher: 'null_match double_match string_match bool_match present_match list_match or_match',
    'ValueMatcher.NullMatch': '',
    DoubleMatcher: 'range exact',
    ListMatcher: 'one_of',
    OrMatcher: 'value_matchers',
  }),
  ...group('envoy.type.http.v3', {
    Cookie: 'name ttl path',
    PathTransformation: 'operations',
    'PathTransformation.Operation': 'normalize_path_rfc_3986 merge_slashes',
    'PathTransformation.Operation.NormalizePathRFC3986': '',
    'PathTransformation.Operation.MergeSlashes': '',
  }),
  ...group('envoy.config.accesslog.v3', { AccessLog: 'name typed_config' }),
  ...group('envoy.extensions.access_loggers.file.v3', { FileAccessLog: 'path log_format' }),
  ...group('envoy.extensions.access_loggers.stream.v3', {
    StdoutAccessLog: 'log_format',
    StderrAccessLog: 'log_format',
  }),
]

const listener = [
  ...group('envoy.config.listener.v3', {
    Listener: `name address additional_addresses stat_prefix filter_chains use_original_dst default_filter_chain
      per_connection_buffer_limit_bytes metadata listener_filters listener_filters_timeout
      continue_on_listener_filters_timeout transparent traffic_direction access_log bind_to_port internal_listener
      udp_listener_config`,
    'Listener.InternalListenerConfig': '',
    UdpListenerConfig: 'downstream_socket_config',
    AdditionalAddress: 'address',
    FilterChain: 'filter_chain_match filters metadata transport_socket transport_socket_connect_timeout name',
    FilterChainMatch: `destination_port prefix_ranges direct_source_prefix_ranges source_type source_prefix_ranges
      source_ports server_names transport_protocol application_protocols`,
    Filter: { as: 'NetworkFilter', fields: 'name typed_config' },
    ListenerFilter: 'name typed_config',
  }),
  ...group('envoy.extensions.filters.listener', {
    'tls_inspector.v3.TlsInspector': { as: 'TlsInspector', fields: 'initial_read_buffer_size' },
    'http_inspector.v3.HttpInspector': { as: 'HttpInspector', fields: '' },
    'original_dst.v3.OriginalDst': { as: 'OriginalDst', fields: '' },
    'proxy_protocol.v3.ProxyProtocol': {
      as: 'ProxyProtocol',
      fields: 'allow_requests_without_proxy_protocol disallowed_versions stat_prefix',
    },
  }),
  ...group('envoy.extensions.filters.network.tcp_proxy.v3', {
    TcpProxy: `stat_prefix cluster weighted_clusters idle_timeout access_log max_connect_attempts
      max_downstream_connection_duration tunneling_config hash_policy`,
    'TcpProxy.TunnelingConfig': 'hostname use_post headers_to_add post_path',
    'TcpProxy.WeightedCluster': 'clusters',
    'TcpProxy.WeightedCluster.ClusterWeight': 'name weight',
  }),
  ...group('envoy.extensions.filters.network.set_filter_state.v3', {
    Config: { as: 'NetworkSetFilterState', fields: 'on_new_connection' },
  }),
  ...group('envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3', {
    FilterConfig: { as: 'SniDynamicForwardProxy', fields: 'dns_cache_config port_value' },
  }),
  ...group('envoy.extensions.filters.common.set_filter_state.v3', {
    FilterStateValue: 'object_key format_string read_only',
  }),
  ...group('envoy.extensions.filters.udp.udp_proxy.v3', {
    UdpProxyConfig: `stat_prefix cluster matcher idle_timeout upstream_socket_config use_per_packet_load_balancing
      hash_policies access_log proxy_access_log`,
    'UdpProxyConfig.HashPolicy': 'source_ip key',
    Route: { as: 'UdpRoute', fields: 'cluster' },
  }),
  ...group('xds.type.matcher.v3', {
    Matcher: { as: 'XdsMatcher', fields: 'on_no_match' },
    'Matcher.OnMatch': { as: 'XdsOnMatch', fields: 'action' },
  }),
  ...group('xds.core.v3', { TypedExtensionConfig: { as: 'XdsTypedExtensionConfig', fields: 'name typed_config' } }),
  ...group('envoy.extensions.filters.network.http_connection_manager.v3', {
    HttpConnectionManager: `codec_type stat_prefix rds route_config http_filters common_http_protocol_options
      http_protocol_options http2_protocol_options server_name server_header_transformation max_request_headers_kb
      stream_idle_timeout request_timeout request_headers_timeout drain_timeout delayed_close_timeout access_log
      use_remote_address xff_num_trusted_hops skip_xff_append via generate_request_id preserve_external_request_id
      always_set_request_id_in_response forward_client_cert_details set_current_client_cert_details upgrade_configs
      normalize_path merge_slashes path_with_escaped_slashes_action strip_matching_host_port strip_any_host_port
      path_normalization_options strip_trailing_host_dot proxy_100_continue`,
    'HttpConnectionManager.SetCurrentClientCertDetails': 'subject cert chain dns uri',
    'HttpConnectionManager.UpgradeConfig': 'upgrade_type enabled',
    'HttpConnectionManager.PathNormalizationOptions': 'forwarding_transformation',
    Rds: 'config_source route_config_name',
    HttpFilter: 'name typed_config is_optional disabled',
  }),
]

const route = group('envoy.config.route.v3', {
  RouteConfiguration: `name virtual_hosts response_headers_to_add response_headers_to_remove request_headers_to_add
    request_headers_to_remove most_specific_header_mutations_wins validate_clusters
    max_direct_response_body_size_bytes ignore_port_in_host_matching typed_per_filter_config
    metadata request_mirror_policies`,
  VirtualHost: `name domains routes require_tls request_headers_to_add request_headers_to_remove
    response_headers_to_add response_headers_to_remove typed_per_filter_config include_request_attempt_count
    include_attempt_count_in_response retry_policy hedge_policy metadata virtual_clusters request_mirror_policies
    per_request_buffer_limit_bytes`,
  VirtualCluster: 'headers name',
  FilterConfig: { as: 'RouteFilterConfig', fields: 'config is_optional disabled' },
  Route: `name match route redirect direct_response non_forwarding_action metadata decorator typed_per_filter_config
    request_headers_to_add request_headers_to_remove response_headers_to_add response_headers_to_remove stat_prefix
    per_request_buffer_limit_bytes`,
  NonForwardingAction: '',
  Decorator: 'operation propagate',
  RouteMatch: `prefix path safe_regex connect_matcher path_separated_prefix case_sensitive runtime_fraction headers
    query_parameters grpc dynamic_metadata`,
  'RouteMatch.ConnectMatcher': '',
  'RouteMatch.GrpcRouteMatchOptions': '',
  HeaderMatcher: `name exact_match safe_regex_match range_match present_match prefix_match suffix_match contains_match
    string_match invert_match treat_missing_header_as_empty`,
  QueryParameterMatcher: 'name string_match present_match',
  RouteAction: `cluster cluster_header weighted_clusters cluster_not_found_response_code prefix_rewrite regex_rewrite
    host_rewrite_literal auto_host_rewrite host_rewrite_header host_rewrite_path_regex append_x_forwarded_host timeout
    idle_timeout retry_policy priority hash_policy upgrade_configs max_stream_duration max_grpc_timeout
    grpc_timeout_offset request_mirror_policies rate_limits hedge_policy internal_redirect_policy`,
  InternalRedirectPolicy: `max_internal_redirects redirect_response_codes predicates allow_cross_scheme_redirect
    response_headers_to_copy`,
  // Mirrors are not traced, whatever is said about it.
  'RouteAction.RequestMirrorPolicy':
    'cluster cluster_header runtime_fraction trace_sampled disable_shadow_host_suffix_append',
  RateLimit: 'stage actions',
  'RateLimit.Action': 'request_headers remote_address generic_key header_value_match',
  'RateLimit.Action.RequestHeaders': 'header_name descriptor_key skip_if_absent',
  'RateLimit.Action.RemoteAddress': '',
  'RateLimit.Action.GenericKey': 'descriptor_value descriptor_key',
  'RateLimit.Action.HeaderValueMatch': 'descriptor_key descriptor_value expect_match headers',
  'RouteAction.HashPolicy': 'header cookie connection_properties query_parameter terminal',
  'RouteAction.HashPolicy.CookieAttribute': 'name value',
  'RouteAction.HashPolicy.Header': 'header_name regex_rewrite',
  'RouteAction.HashPolicy.Cookie': 'name ttl path attributes',
  'RouteAction.HashPolicy.ConnectionProperties': 'source_ip',
  'RouteAction.HashPolicy.QueryParameter': 'name',
  'RouteAction.UpgradeConfig': 'upgrade_type enabled connect_config',
  'RouteAction.UpgradeConfig.ConnectConfig': '',
  'RouteAction.MaxStreamDuration': 'max_stream_duration grpc_timeout_header_max grpc_timeout_header_offset',
  RedirectAction: `https_redirect scheme_redirect host_redirect port_redirect path_redirect prefix_rewrite
    regex_rewrite response_code strip_query`,
  DirectResponseAction: 'status body',
  WeightedCluster: 'clusters total_weight header_name',
  'WeightedCluster.ClusterWeight': `name cluster_header weight request_headers_to_add request_headers_to_remove
    response_headers_to_add response_headers_to_remove typed_per_filter_config host_rewrite_literal`,
  RetryPolicy: `retry_on num_retries per_try_timeout per_try_idle_timeout retry_priority retry_host_predicate
    host_selection_retry_max_attempts retriable_status_codes retry_back_off rate_limited_retry_back_off
    retriable_headers retriable_request_headers`,
  HedgePolicy: 'hedge_on_per_try_timeout',
  'RetryPolicy.RetryBackOff': 'base_interval max_interval',
  'RetryPolicy.RateLimitedRetryBackOff': 'max_interval',
  'RetryPolicy.RetryHostPredicate': 'name typed_config',
  'RetryPolicy.RetryPriority': 'name typed_config',
})

const routeExtensions = [
  ...group('envoy.extensions.internal_redirect', {
    'allow_listed_routes.v3.AllowListedRoutesConfig': { as: 'AllowListedRoutesConfig', fields: 'allowed_route_names' },
    'previous_routes.v3.PreviousRoutesConfig': { as: 'PreviousRoutesConfig', fields: '' },
    'safe_cross_scheme.v3.SafeCrossSchemeConfig': { as: 'SafeCrossSchemeConfig', fields: '' },
  }),
  ...group('envoy.extensions.retry.priority.previous_priorities.v3', { PreviousPrioritiesConfig: 'update_frequency' }),
]

const httpFilters = [
  ...group('envoy.extensions.filters.http.router.v3', {
    Router: 'suppress_envoy_headers respect_expected_rq_timeout',
  }),
  ...group('envoy.extensions.filters.http.fault.v3', {
    HTTPFault: 'delay abort upstream_cluster headers downstream_nodes max_active_faults',
    FaultAbort: 'http_status grpc_status header_abort percentage',
    'FaultAbort.HeaderAbort': '',
  }),
  ...group('envoy.extensions.filters.http.local_ratelimit.v3', {
    LocalRateLimit: `stat_prefix status token_bucket filter_enabled filter_enforced response_headers_to_add descriptors
      stage`,
  }),
  ...group('envoy.extensions.common.ratelimit.v3', {
    LocalRateLimitDescriptor: 'entries token_bucket',
    'RateLimitDescriptor.Entry': 'key value',
  }),
  ...group('envoy.extensions.filters.http.stateful_session.v3', {
    StatefulSession: 'session_state strict',
    StatefulSessionPerRoute: 'disabled stateful_session',
  }),
  ...group('envoy.extensions.http.stateful_session', {
    'cookie.v3.CookieBasedSessionState': { as: 'CookieBasedSessionState', fields: 'cookie' },
    'header.v3.HeaderBasedSessionState': { as: 'HeaderBasedSessionState', fields: 'name' },
  }),
  ...group('envoy.extensions.filters.http.grpc_web.v3', { GrpcWeb: '' }),
  ...group('envoy.extensions.filters.http.dynamic_forward_proxy.v3', {
    FilterConfig: { as: 'DynamicForwardProxy', fields: 'dns_cache_config sub_cluster_config' },
    SubClusterConfig: '',
    PerRouteConfig: { as: 'DynamicForwardProxyPerRoute', fields: 'host_rewrite_literal host_rewrite_header' },
  }),
  ...group('envoy.extensions.filters.http.cors.v3', {
    Cors: '',
    CorsPolicy: `allow_origin_string_match allow_methods allow_headers expose_headers max_age allow_credentials
      filter_enabled shadow_enabled allow_private_network_access forward_not_matching_preflights`,
  }),
  ...group('envoy.extensions.filters.common.fault.v3', {
    FaultDelay: 'fixed_delay header_delay percentage',
    'FaultDelay.HeaderDelay': '',
  }),
]

const authorization = [
  ...group('envoy.extensions.filters.http.rbac.v3', {
    RBAC: { as: 'HttpRBAC', fields: 'rules rules_stat_prefix shadow_rules shadow_rules_stat_prefix' },
    RBACPerRoute: 'rbac',
  }),
  ...group('envoy.extensions.filters.network.rbac.v3', {
    RBAC: { as: 'NetworkRBAC', fields: 'rules shadow_rules shadow_rules_stat_prefix stat_prefix enforcement_type' },
  }),
  ...group('envoy.config.rbac.v3', {
    RBAC: 'action policies',
    Policy: 'permissions principals',
    Permission: `and_rules or_rules any header url_path destination_ip destination_port destination_port_range
      not_rule requested_server_name`,
    'Permission.Set': 'rules',
    Principal: 'and_ids or_ids any authenticated source_ip direct_remote_ip remote_ip header url_path not_id',
    'Principal.Set': 'ids',
    'Principal.Authenticated': 'principal_name',
  }),
]

const tls = [
  ...group('envoy.extensions.transport_sockets.tls.v3', {
    DownstreamTlsContext: `common_tls_context require_client_certificate require_sni session_timeout
      disable_stateless_session_resumption disable_stateful_session_resumption full_scan_certs_on_sni_mismatch`,
    // Without renegotiation (node never allows it) and without resumption towards upstream, these two change nothing.
    UpstreamTlsContext: 'common_tls_context sni allow_renegotiation max_session_keys',
    CommonTlsContext: `tls_params tls_certificates tls_certificate_sds_secret_configs validation_context
      validation_context_sds_secret_config combined_validation_context alpn_protocols`,
    'CommonTlsContext.CombinedCertificateValidationContext': `default_validation_context
      validation_context_sds_secret_config`,
    CertificateValidationContext: `trusted_ca match_typed_subject_alt_names match_subject_alt_names crl
      allow_expired_certificate trust_chain_verification verify_certificate_spki verify_certificate_hash
      max_verify_depth system_root_certs`,
    'CertificateValidationContext.SystemRootCerts': '',
    SubjectAltNameMatcher: 'san_type matcher',
    SdsSecretConfig: 'name sds_config',
    TlsParameters: `tls_minimum_protocol_version tls_maximum_protocol_version cipher_suites ecdh_curves
      signature_algorithms`,
    TlsCertificate: 'certificate_chain private_key',
    Secret: 'name tls_certificate validation_context generic_secret',
    GenericSecret: 'secret',
  }),
  ...group('envoy.extensions.transport_sockets.internal_upstream.v3', {
    InternalUpstreamTransport: 'passthrough_metadata transport_socket',
    'InternalUpstreamTransport.MetadataValueSource': 'kind name',
  }),
  ...group('envoy.extensions.transport_sockets.raw_buffer.v3', { RawBuffer: '' }),
  ...group('envoy.extensions.transport_sockets.proxy_protocol.v3', {
    ProxyProtocolUpstreamTransport: 'config transport_socket',
  }),
  ...group('envoy.type.metadata.v3', {
    MetadataKey: 'key path',
    'MetadataKey.PathSegment': 'key',
    MetadataKind: 'request route cluster host',
    'MetadataKind.Request': '',
    'MetadataKind.Route': '',
    'MetadataKind.Cluster': '',
    'MetadataKind.Host': '',
  }),
]

/** Every message with a lean reader, and the fields it reads. */
export const leanMessages: readonly LeanMessage[] = [
  ...discovery,
  ...core,
  ...listener,
  ...route,
  ...routeExtensions,
  ...httpFilters,
  ...authorization,
  ...tls,
  ...clusterMessages,
]
