// The receiving end of TCP between proxies: port 15008 takes CONNECT streams over HTTP/2 and mutual TLS (HBONE), and leads them to the
// application's TCP ports. Who may is decided here: this is where the caller's certificate and address are seen.
import { type Origin } from '@weft/core'
import { targetPortOf } from '@weft/resources'
import { TrafficDirection } from '@weft/xds/es/envoy/config/core/v3/base'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import type { VirtualHostSchema } from '@weft/xds/es/envoy/config/route/v3/route_components'
import { authorizationOf, httpRbac } from '../policies/authorization.ts'
import { effectiveMtls, type EffectiveMtls } from '../policies/peer-authentication.ts'
import { asksServerName } from '../policies/rbac-rule.ts'
import { duration } from './config-source.ts'
import { encodeResource } from './encode.ts'
import { generator, makeView } from './generator.ts'
import { inboundCluster, portKind } from './hosts.ts'
import { httpConnectionManager } from './http-connection-manager.ts'
import type { InboundRefs } from './inbound-chains.ts'
import { inboundRefs, type InboundScope, inboundScope } from './inbound-listeners.ts'
import type { Init } from './init.ts'
import { weftMetadata } from './metadata.ts'
import { listenerMetadata } from './metrics.ts'
import { socketAddress } from './socket-address.ts'
import { alpn, downstreamMtls } from './tls-contexts.ts'

/** The label by which a workload says how it takes tunnels. */
export const tunnelLabel = 'networking.istio.io/tunnel'
/** Port of tunnels on every sidecar. */
export const tunnelPort = 15008

const name = 'connect_terminate'
/** As long as a TCP connection may be idle. */
const idleMs = 3_600_000

/** `connect_terminate`, for workloads with a TCP port that takes mutual TLS */
export const connectTerminate = generator({
  name: 'connect-terminate',
  scope: (mesh, proxy) => ({
    ...inboundScope(mesh, proxy),
    bindAddress: proxy.interception === 'redirect' ? '0.0.0.0' : proxy.instance.address,
  }),
  views(mesh, scope) {
    return [makeView(scope, inboundRefs(mesh, scope))]
  },
  build({ scope, refs }) {
    const ports = tunnelledPorts(scope, refs)
    const [first] = ports
    if (first === undefined) return { resources: [], problems: [], losers: [] }
    const authorization = authorizationOf(refs, 'connect', scope.trustDomain, scope.accessLog)
    const { mode, origin } = first.mtls
    const metadata = weftMetadata({
      origin: scope.workload,
      mtls: { mode, ...(origin === undefined ? {} : { origin }) },
      policies: Object.keys(authorization.origins).length === 0 ? undefined : { ...authorization.origins },
    })
    const resource = encodeResource(
      ListenerSchema,
      name,
      {
        name,
        address: socketAddress(scope.bindAddress, tunnelPort),
        trafficDirection: TrafficDirection.INBOUND,
        metadata: listenerMetadata(scope.workload, scope.accessLog),
        filterChains: [
          {
            name: 'mtls',
            transportSocket: downstreamMtls(scope.trust, alpn.http2),
            transportSocketConnectTimeout: duration(15_000),
            metadata,
            filters: [
              httpConnectionManager({
                side: 'inbound',
                statPrefix: name,
                accessLog: scope.accessLog,
                onlyHttp2: true,
                authorization: httpRbac(authorization),
                routes: {
                  name,
                  validateClusters: false,
                  virtualHosts: ports.map(({ port }) => portHost(scope, port)),
                },
              }),
            ],
          },
        ],
      },
      [scope.workload],
    )
    return { resources: [resource], problems: authorization.problems, losers: [] }
  },
})

/** Whether a workload takes tunnels: its label, Istio's, can say that it does not; nor does it while a policy asks for what no tunnel tells. */
export function takesTunnels(labels: Readonly<Record<string, string>>, policies: InboundRefs['policies']): boolean {
  return (labels[tunnelLabel] ?? 'http') === 'http' && !asksServerName(policies)
}

/** The TCP ports of a workload that take mutual TLS. */
function tunnelledPorts(scope: InboundScope, refs: InboundRefs): { port: number; mtls: EffectiveMtls }[] {
  if (!takesTunnels(scope.labels, refs.policies)) return []
  return scope.ports.flatMap((workloadPort) => {
    const mtls = effectiveMtls(refs.peerAuthentications, workloadPort.port)
    return mtls.mode === 'DISABLE' || !carriesTcp(workloadPort, refs) ? [] : [{ port: workloadPort.port, mtls }]
  })
}

/** Whether some Service takes the port for TCP: then clients come by tunnel, whatever another Service says. */
function carriesTcp(workloadPort: InboundScope['ports'][number], { services }: InboundRefs): boolean {
  const served = services.flatMap(({ spec }) =>
    spec.ports.filter((port) => targetPortOf(port, [workloadPort]) === workloadPort.port),
  )
  const declared = served.length === 0 ? [{ name: workloadPort.name }] : served
  return declared.some((port) => portKind(port) === 'tcp')
}

function portHost(
  { address, workload }: { readonly address: string; readonly workload: Origin },
  port: number,
): Init<typeof VirtualHostSchema> {
  const metadata = weftMetadata({ origin: workload })
  return {
    name: `tunnel|${port}`,
    domains: [`${address}:${port}`],
    metadata,
    routes: [
      {
        name: 'connect',
        match: { pathSpecifier: { case: 'connectMatcher', value: {} } },
        metadata,
        action: {
          case: 'route',
          value: {
            clusterSpecifier: { case: 'cluster', value: inboundCluster(port) },
            timeout: duration(0),
            idleTimeout: duration(idleMs),
            upgradeConfigs: [{ upgradeType: 'CONNECT', connectConfig: {} }],
          },
        },
      },
    ],
  }
}
