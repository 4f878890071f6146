// What a gRPC library is told at its start (`GRPC_XDS_BOOTSTRAP`).
import { join } from 'node:path'
import type { WorkloadInstance } from '@weft/resources'
import { svidFiles } from './svid-files.ts'

/** Where a workload finds what it needs. */
export interface GrpcBootstrapPlaces {
  /** The agent's Unix socket that leads to the control plane. */
  readonly socket: string
  /** Folder of the certificate files; absent: it speaks plaintext only. */
  readonly certificates?: string
}

/** The bootstrap document of an instance with `proxy: grpc`, as JSON text. */
export function grpcBootstrap(instance: WorkloadInstance, { socket, certificates }: GrpcBootstrapPlaces): string {
  const { name, namespace, address, workload } = instance
  const file = (of: keyof typeof svidFiles): string => join(certificates ?? '', svidFiles[of])
  const provider = {
    plugin_name: 'file_watcher',
    config: {
      certificate_file: file('certificate'),
      private_key_file: file('privateKey'),
      ca_certificate_file: file('roots'),
      refresh_interval: '5s',
    },
  }
  const weft = { instance: name, namespace, ...(certificates === undefined ? {} : { certificateProvider: 'default' }) }
  const bootstrap = {
    xds_servers: [
      { server_uri: `unix://${socket}`, channel_creds: [{ type: 'insecure' }], server_features: ['xds_v3'] },
    ],
    node: {
      id: `sidecar~${address}~${name}.${namespace}~${namespace}.svc.cluster.local`,
      cluster: `${workload}.${namespace}`,
      // Some libraries want the member; where the workload is the control plane knows by its labels.
      locality: {},
      metadata: { GENERATOR: 'grpc', NAMESPACE: namespace, WEFT: weft },
    },
    ...(certificates === undefined ? {} : { certificate_providers: { default: provider } }),
    server_listener_resource_name_template: 'xds.istio.io/grpc/lds/inbound/%s',
  }
  return `${JSON.stringify(bootstrap, null, 2)}\n`
}
