// What a real Envoy is told at its start: how to reach the agent (SDS) and the control plane (ADS over mutual TLS), and
// nothing else; all other configuration is xDS. JSON is YAML, so Envoy takes it as it is.
import { controlPlaneId } from '@weft/identity'
import type { NameServer, ProxyTarget } from './proxy-bootstrap.ts'

/**
 * A connection that crosses a tunnel ends when the stream does that carries it, and Envoy resets streams whose answer is over before the request is: what
 * an application said before it closed must not be lost by taking that for a reset of the connection.
 */
const RUNTIME = {
  'envoy.reloadable_features.propagate_upstream_rst_through_tunneled_tcp_proxy': false,
}

/** The bootstrap document. */
export function envoyBootstrap(target: ProxyTarget): unknown {
  const { node, address, adminPort, xds, sdsPath, trustDomain, dnsServers = [] } = target
  return {
    node: { id: node.id, cluster: node.cluster, metadata: node.metadata },
    admin: { address: socket(address, adminPort), access_log: [] },
    dynamic_resources: {
      ads_config: {
        api_type: 'DELTA_GRPC',
        transport_api_version: 'V3',
        set_node_on_first_message_only: true,
        grpc_services: [{ envoy_grpc: { cluster_name: 'xds-grpc' } }],
      },
      lds_config: { ads: {}, resource_api_version: 'V3' },
      cds_config: { ads: {}, resource_api_version: 'V3' },
    },
    // Sidecars dial from the workload's address, so that the far end can name the workload; clusters are the same for all.
    cluster_manager: { upstream_bind_config: { source_address: { address, port_value: 0 } } },
    ...(dnsServers.length === 0 ? {} : { typed_dns_resolver_config: resolver(dnsServers) }),
    static_resources: { clusters: [sdsCluster(sdsPath), xdsCluster(xds, controlPlaneId(trustDomain))] },
    layered_runtime: { layers: [{ name: 'weft', static_layer: RUNTIME }] },
    // The inside of a CONNECT tunnel is handed to an internal listener.
    bootstrap_extensions: [
      {
        name: 'envoy.bootstrap.internal_listener',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener',
        },
      },
    ],
    overload_manager: {
      resource_monitors: [
        {
          name: 'envoy.resource_monitors.global_downstream_max_connections',
          typed_config: {
            '@type':
              'type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
            max_active_downstream_connections: 50_000,
          },
        },
      ],
    },
  }
}

function resolver(servers: readonly NameServer[]): unknown {
  return {
    name: 'envoy.network.dns_resolver.cares',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig',
      resolvers: servers.map(({ address, port }) => socket(address, port)),
      dns_resolver_options: { no_default_search_domain: true },
    },
  }
}

function sdsCluster(path: string): unknown {
  return {
    name: 'sds-grpc',
    type: 'STATIC',
    connect_timeout: '1s',
    typed_extension_protocol_options: http2Options(),
    load_assignment: assignment('sds-grpc', { pipe: { path } }),
  }
}

function xdsCluster(xds: ProxyTarget['xds'], serverId: string): unknown {
  const sdsConfig = {
    resource_api_version: 'V3',
    api_config_source: {
      api_type: 'GRPC',
      transport_api_version: 'V3',
      set_node_on_first_message_only: true,
      grpc_services: [{ envoy_grpc: { cluster_name: 'sds-grpc' } }],
    },
  }
  return {
    name: 'xds-grpc',
    type: 'STATIC',
    connect_timeout: '2s',
    typed_extension_protocol_options: http2Options(),
    upstream_connection_options: { tcp_keepalive: { keepalive_time: 30 } },
    load_assignment: assignment('xds-grpc', socket(xds.host, xds.port)),
    transport_socket: {
      name: 'envoy.transport_sockets.tls',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
        sni: 'weft-control',
        common_tls_context: {
          alpn_protocols: ['h2'],
          // Envoy offers at most TLS 1.2 to upstreams unless told.
          tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
          tls_certificate_sds_secret_configs: [{ name: 'default', sds_config: sdsConfig }],
          combined_validation_context: {
            default_validation_context: {
              match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: serverId } }],
            },
            validation_context_sds_secret_config: { name: 'ROOTCA', sds_config: sdsConfig },
          },
        },
      },
    },
  }
}

function http2Options(): unknown {
  return {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      explicit_http_config: { http2_protocol_options: { connection_keepalive: { interval: '30s', timeout: '5s' } } },
    },
  }
}

function assignment(name: string, address: unknown): unknown {
  return { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] }
}

function socket(address: string, port: number): { socket_address: { address: string; port_value: number } } {
  return { socket_address: { address, port_value: port } }
}
