// The part of the list of fields (fields.ts) that concerns clusters and endpoints.
import { group, type LeanMessage } from './field-group.ts'

/** Clusters, endpoints and balancing. */
export const clusterMessages: readonly LeanMessage[] = [
  ...group('envoy.config.cluster.v3', {
    Cluster: `transport_socket_matches name type cluster_type eds_cluster_config connect_timeout per_connection_buffer_limit_bytes
      lb_policy load_assignment max_requests_per_connection circuit_breakers common_http_protocol_options
      upstream_http_protocol_options http_protocol_options http2_protocol_options typed_extension_protocol_options
      outlier_detection upstream_bind_config least_request_lb_config round_robin_lb_config
      ring_hash_lb_config maglev_lb_config load_balancing_policy original_dst_lb_config common_lb_config
      transport_socket metadata upstream_connection_options`,
    UpstreamConnectionOptions: 'tcp_keepalive',
    'Cluster.CustomClusterType': 'name typed_config',
    'Cluster.RefreshRate': 'base_interval',
    'Cluster.TransportSocketMatch': 'name match transport_socket',
    'Cluster.EdsClusterConfig': 'eds_config service_name',
    'Cluster.LeastRequestLbConfig': 'choice_count active_request_bias slow_start_config',
    'Cluster.RoundRobinLbConfig': 'slow_start_config',
    'Cluster.OriginalDstLbConfig': 'metadata_key',
    'Cluster.SlowStartConfig': 'slow_start_window aggression min_weight_percent',
    'Cluster.CommonLbConfig': 'healthy_panic_threshold locality_weighted_lb_config consistent_hashing_lb_config',
    'Cluster.CommonLbConfig.LocalityWeightedLbConfig': '',
    'Cluster.CommonLbConfig.ConsistentHashingLbConfig': 'use_hostname_for_hashing hash_balance_factor',
    'Cluster.RingHashLbConfig': 'minimum_ring_size maximum_ring_size hash_function',
    'Cluster.MaglevLbConfig': 'table_size',
    LoadBalancingPolicy: 'policies',
    'LoadBalancingPolicy.Policy': 'typed_extension_config',
    CircuitBreakers: 'thresholds',
    'CircuitBreakers.Thresholds': `priority max_connections max_pending_requests max_requests max_retries retry_budget
      track_remaining`,
    'CircuitBreakers.Thresholds.RetryBudget': 'budget_percent min_retry_concurrency budget_interval',
    OutlierDetection: `consecutive_5xx interval base_ejection_time max_ejection_percent enforcing_consecutive_5xx
      consecutive_gateway_failure enforcing_consecutive_gateway_failure max_ejection_time enforcing_success_rate
      split_external_local_origin_errors consecutive_local_origin_failure enforcing_consecutive_local_origin_failure
      always_eject_one_host success_rate_minimum_hosts success_rate_request_volume success_rate_stdev_factor
      enforcing_local_origin_success_rate failure_percentage_threshold enforcing_failure_percentage
      enforcing_failure_percentage_local_origin failure_percentage_minimum_hosts failure_percentage_request_volume`,
  }),
  ...group('envoy.extensions.clusters.dynamic_forward_proxy.v3', {
    ClusterConfig: {
      as: 'DynamicClusterConfig',
      fields: 'dns_cache_config sub_clusters_config allow_insecure_cluster_options',
    },
    SubClustersConfig: '',
  }),
  ...group('envoy.extensions.common.dynamic_forward_proxy.v3', {
    DnsCacheConfig: `name dns_lookup_family dns_refresh_rate dns_min_refresh_rate host_ttl max_hosts
      dns_failure_refresh_rate dns_cache_circuit_breaker typed_dns_resolver_config dns_query_timeout`,
    DnsCacheCircuitBreakers: 'max_pending_requests',
  }),
  ...group('envoy.extensions.network.dns_resolver.cares.v3', {
    CaresDnsResolverConfig: 'resolvers use_resolvers_as_fallback',
  }),
  ...group('envoy.config.common.matcher.v3', {
    MatchPredicate: 'or_match http_response_headers_match',
    'MatchPredicate.MatchSet': 'rules',
    HttpHeadersMatch: 'headers',
  }),
  ...group('envoy.config.endpoint.v3', {
    ClusterLoadAssignment: 'cluster_name endpoints policy',
    'ClusterLoadAssignment.Policy': 'drop_overloads overprovisioning_factor',
    'ClusterLoadAssignment.Policy.DropOverload': 'category drop_percentage',
    LocalityLbEndpoints: 'locality metadata lb_endpoints load_balancing_weight priority',
    LbEndpoint: 'endpoint health_status metadata load_balancing_weight',
    Endpoint: 'address hostname',
  }),
  ...group('envoy.extensions.load_balancing_policies', {
    'round_robin.v3.RoundRobin': { as: 'RoundRobinLb', fields: 'slow_start_config locality_lb_config' },
    'least_request.v3.LeastRequest': {
      as: 'LeastRequestLb',
      fields: 'choice_count active_request_bias slow_start_config locality_lb_config',
    },
    'random.v3.Random': { as: 'RandomLb', fields: 'locality_lb_config' },
    'ring_hash.v3.RingHash': {
      as: 'RingHashLb',
      fields: `hash_function minimum_ring_size maximum_ring_size use_hostname_for_hashing consistent_hashing_lb_config
        locality_weighted_lb_config`,
    },
    'maglev.v3.Maglev': {
      as: 'MaglevLb',
      fields: 'table_size consistent_hashing_lb_config locality_weighted_lb_config',
    },
    'common.v3.SlowStartConfig': { as: 'SlowStartLb', fields: 'slow_start_window aggression min_weight_percent' },
    'common.v3.LocalityLbConfig': {
      as: 'LocalityLbConfig',
      fields: 'zone_aware_lb_config locality_weighted_lb_config',
    },
    'common.v3.LocalityLbConfig.ZoneAwareLbConfig': { as: 'ZoneAwareLbConfig', fields: '' },
    'common.v3.LocalityLbConfig.LocalityWeightedLbConfig': { as: 'LocalityWeightedLb', fields: '' },
    'common.v3.ConsistentHashingLbConfig': {
      as: 'ConsistentHashingLb',
      fields: 'use_hostname_for_hashing hash_balance_factor',
    },
  }),
  ...group('envoy.extensions.upstreams.http.v3', {
    HttpProtocolOptions: {
      as: 'ClusterHttpProtocolOptions',
      fields: `common_http_protocol_options upstream_http_protocol_options explicit_http_config
        use_downstream_protocol_config auto_config outlier_detection`,
    },
    'HttpProtocolOptions.OutlierDetection': { as: 'HttpOutlierDetection', fields: 'error_matcher' },
    'HttpProtocolOptions.ExplicitHttpConfig': {
      as: 'ExplicitHttpConfig',
      fields: 'http_protocol_options http2_protocol_options',
    },
    'HttpProtocolOptions.UseDownstreamHttpConfig': {
      as: 'UseDownstreamHttpConfig',
      fields: 'http_protocol_options http2_protocol_options',
    },
    'HttpProtocolOptions.AutoHttpConfig': {
      as: 'AutoHttpConfig',
      fields: 'http_protocol_options http2_protocol_options',
    },
  }),
]
