// A real Envoy that takes everything from an ADS server and secrets from a Unix socket, and whose access log is read.
import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { TlsMaterial } from '@weft/core'
import { startProgram, type StartedProgram } from '@weft/testkit/start-program'

/** How an Envoy is attached. */
export interface EnvoyOptions {
  readonly nodeId: string
  readonly adsPort: number
  readonly sdsPath: string
  readonly rootPem: string
  readonly material: TlsMaterial
  /** Where the bootstrap is written. */
  readonly bootstrapPath: string
  readonly onLogLine: (line: string) => void
}

/** Starts one; the caller ends it. */
export function startEnvoy(options: EnvoyOptions): StartedProgram {
  writeFileSync(options.bootstrapPath, JSON.stringify(bootstrap(options)))
  const args = ['-c', options.bootstrapPath, '--use-dynamic-base-id', '--concurrency', '1']
  args.push('--file-flush-interval-msec', '20', '-l', process.env['ENVOY_LOG'] ?? 'error')
  const child = startProgram('envoy', args)
  createInterface({ input: child.stdout }).on('line', options.onLogLine)
  return child
}

function bootstrap({ nodeId, adsPort, sdsPath, rootPem, material }: EnvoyOptions): object {
  const tls = {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
    common_tls_context: {
      tls_certificates: [
        {
          certificate_chain: { inline_string: material.certificateChainPem },
          private_key: { inline_string: material.privateKeyPem },
        },
      ],
      validation_context: { trusted_ca: { inline_string: rootPem } },
    },
  }
  const ads = { socket_address: { address: '127.0.0.1', port_value: adsPort } }
  return {
    node: { id: nodeId, cluster: 'test' },
    bootstrap_extensions: [
      {
        name: 'envoy.bootstrap.internal_listener',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener',
        },
      },
    ],
    dynamic_resources: {
      ads_config: {
        api_type: 'DELTA_GRPC',
        transport_api_version: 'V3',
        grpc_services: [{ envoy_grpc: { cluster_name: 'ads' } }],
      },
      lds_config: { ads: {}, resource_api_version: 'V3' },
      cds_config: { ads: {}, resource_api_version: 'V3' },
    },
    static_resources: {
      clusters: [
        { ...grpcCluster('ads', ads), transport_socket: { name: 'envoy.transport_sockets.tls', typed_config: tls } },
        grpcCluster('sds-grpc', { pipe: { path: sdsPath } }),
      ],
    },
  }
}

function grpcCluster(name: string, address: object): object {
  return {
    name,
    type: 'STATIC',
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
  }
}
