// grpc-go's interop client -> our proxy (or two, over mutual TLS) -> grpc-go's interop server. The server listens on all
// addresses, so the test runs this file in a network namespace of its own. Prints one line of JSON per case.
import { type ChildProcess, spawn } from 'node:child_process'
import { whenListening } from '@weft/testkit/ports'
import type { JsonObject } from '@bufbuild/protobuf'
import { any, everythingTo, httpListener, manager, startProxy, staticCluster } from '../../wire/proxy-under-test.ts'
import { testAuthority } from '../../wire/test-certificates.ts'
import { grpcGoCases, type GrpcGoResult } from './grpc-go-cases.ts'
import { findPeer, runPeer } from './peer.ts'

const serverPort = 10_000
const http2: JsonObject = {
  typedExtensionProtocolOptions: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': any(
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      { explicitHttpConfig: { http2ProtocolOptions: {} } },
    ),
  },
}
const noLimit = { timeout: '0s' }
const h2: JsonObject = { codecType: 'HTTP2' }

async function plainPort(): Promise<number> {
  const proxy = await startProxy({
    listeners: [httpListener('in', everythingTo('server', noLimit), h2)],
    clusters: [staticCluster('server', [serverPort], http2)],
  })
  return proxy.portOf('in')
}

/** Two proxies with a certificate each. */
async function meshPort(): Promise<number> {
  const authority = await testAuthority()
  const tls = async (name: string): Promise<JsonObject> => {
    const own = await authority.issue(`spiffe://cluster.local/ns/x/sa/${name}`)
    return {
      tlsCertificates: [
        {
          certificateChain: { inlineString: own.certificateChainPem },
          privateKey: { inlineString: own.privateKeyPem },
        },
      ],
      validationContext: { trustedCa: { inlineString: authority.rootPem } },
      alpnProtocols: ['h2'],
    }
  }
  const socket = (typedConfig: JsonObject): JsonObject => ({
    transportSocket: { name: 'envoy.transport_sockets.tls', typedConfig },
  })
  const tlsType = 'envoy.extensions.transport_sockets.tls.v3'
  const inboundTls = { commonTlsContext: await tls('server'), requireClientCertificate: true }
  const inbound = await startProxy({
    listeners: [
      {
        name: 'in',
        address: { socketAddress: { address: '127.0.0.1', portValue: 0 } },
        filterChains: [
          {
            filters: [manager(everythingTo('server', noLimit), { codecType: 'AUTO' })],
            ...socket(any(`${tlsType}.DownstreamTlsContext`, inboundTls)),
          },
        ],
      },
    ],
    clusters: [staticCluster('server', [serverPort], http2)],
  })
  const outboundTls = any(`${tlsType}.UpstreamTlsContext`, { commonTlsContext: await tls('client') })
  const outbound = await startProxy({
    listeners: [httpListener('out', everythingTo('hop', noLimit), h2)],
    clusters: [staticCluster('hop', [inbound.portOf('in')], { ...http2, ...socket(outboundTls) })],
  })
  return outbound.portOf('out')
}

/** grpcurl, which is told the messages: the server has no reflection. */
async function runGrpcurl(name: string, port: number): Promise<GrpcGoResult> {
  const method = name === 'grpcurl_empty_call' ? 'EmptyCall' : 'UnimplementedCall'
  const proto = ['-import-path', import.meta.dirname, '-proto', 'grpc-go.proto']
  const at = [`127.0.0.1:${port}`, `grpc.testing.TestService/${method}`]
  const { code, stdout, stderr } = await runPeer('grpcurl', ['-plaintext', ...proto, '-d', '{}', ...at])
  const passed = method === 'EmptyCall' ? code === 0 && stdout.trim() === '{}' : /Code: Unimplemented/.test(stderr)
  return { name, passed, why: `${stdout}${stderr}` }
}

async function run(name: string, port: number): Promise<GrpcGoResult> {
  if (name.startsWith('grpcurl_')) return runGrpcurl(name, port)
  const args = ['-server_host', '127.0.0.1', '-server_port', String(port), '-test_case', name]
  if (name.startsWith('orca_')) {
    const policy = { loadBalancingConfig: [{ test_backend_metrics_load_balancer: {} }] }
    args.push('-service_config_json', JSON.stringify(policy))
  }
  const { code, stderr } = await runPeer('grpc-interop-client', args, '', 60_000)
  return { name, passed: code === 0, why: stderr.slice(-500) }
}

async function main(): Promise<void> {
  const server: ChildProcess = spawn(findPeer('grpc-interop-server') ?? '', ['-port', String(serverPort)], {
    stdio: 'ignore',
  })
  try {
    await whenListening(serverPort)
    const way = process.argv[2]
    const port = way === 'direct' ? serverPort : way === 'mesh' ? await meshPort() : await plainPort()
    for (const name of grpcGoCases) console.log(JSON.stringify(await run(name, port)))
  } finally {
    server.kill('SIGKILL')
  }
}

await main()
process.exit(0)
