// Both ends of the hop between two proxies, as the control plane lays it out.
import type { TestContext } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import type { TlsMaterial } from '@weft/core'
import { tcpListener, tcpProxy } from './l4.ts'
import {
  any,
  anyHost,
  everythingTo,
  httpOptions,
  manager,
  proxyFor,
  type ProxyUnderTest,
  staticCluster,
} from './proxy-under-test.ts'
import { testAuthority } from './test-certificates.ts'

/** Who signs for both ends. */
export const authority = await testAuthority()
/** The SPIFFE id of an account of the shop. */
export const idOf = (account: string): string => `spiffe://cluster.local/ns/shop/sa/${account}`
/** The sending end's certificate. */
const web = await authority.issue(idOf('web'))
/** The receiving end's certificate. */
export const stock = await authority.issue(idOf('stock'))

const inline = (text: string): JsonObject => ({ inlineString: text })

function tls(
  side: 'Downstream' | 'Upstream',
  material: TlsMaterial,
  alpnProtocols: string[],
  more: JsonObject = {},
): JsonObject {
  const certificate = {
    certificateChain: inline(material.certificateChainPem),
    privateKey: inline(material.privateKeyPem),
  }
  const commonTlsContext = {
    tlsCertificates: [certificate],
    validationContext: { trustedCa: inline(authority.rootPem), ...more },
    alpnProtocols,
  }
  const required: JsonObject = side === 'Downstream' ? { requireClientCertificate: true } : {}
  const type = `envoy.extensions.transport_sockets.tls.v3.${side}TlsContext`
  return { name: 'envoy.transport_sockets.tls', typedConfig: any(type, { commonTlsContext, ...required }) }
}

/** The receiving end: takes CONNECT to `stock:7000` and leads it to a port. `denied`: nobody may. */
export function terminating(t: TestContext, port: number, material = stock, denied = false): Promise<ProxyUnderTest> {
  const rbac = {
    name: 'envoy.filters.http.rbac',
    typedConfig: any('envoy.extensions.filters.http.rbac.v3.RBAC', {
      rules: {
        policies: {
          callers: {
            permissions: [{ header: { name: ':authority', stringMatch: { exact: 'stock:7000' } } }],
            principals: [{ authenticated: { principalName: { exact: denied ? 'nobody' : idOf('web') } } }],
          },
        },
      },
    }),
  }
  const routes = anyHost([
    {
      match: { connectMatcher: {} },
      route: { cluster: 'app', upgradeConfigs: [{ upgradeType: 'CONNECT', connectConfig: {} }] },
    },
  ])
  const router = {
    name: 'envoy.filters.http.router',
    typedConfig: any('envoy.extensions.filters.http.router.v3.Router'),
  }
  const http2 = { codecType: 'HTTP2', http2ProtocolOptions: { allowConnect: true } }
  return proxyFor(t, {
    listeners: [
      tcpListener('terminate', {
        filterChains: [
          {
            filters: [manager(routes, { ...http2, httpFilters: [rbac, router] })],
            transportSocket: tls('Downstream', material, ['h2']),
          },
        ],
      }),
    ],
    clusters: [staticCluster('app', [port])],
  })
}

interface Way {
  readonly port: number
  readonly identity?: string
  /** What the listener is told to ask for; absent: `stock:7000`. */
  readonly destination?: string
}

/** An endpoint behind a tunnel to the receiving end at `port`. */
export function behindTunnel(
  { port, identity = idOf('stock'), destination = 'stock:7000' }: Way,
  name = 'stock',
): JsonObject {
  return {
    endpoint: { address: { envoyInternalAddress: { serverListenerName: 'originate', endpointId: `${name}:${port}` } } },
    metadata: {
      filterMetadata: {
        'envoy.transport_socket_match': { tunnel: 'h2' },
        tunnel: { destination, address: `127.0.0.1:${port}`, ...(identity === '' ? {} : { identity }) },
      },
    },
  }
}

/** The sending end: one TCP listener per cluster of endpoints, and the way into tunnels. */
export function originating(
  t: TestContext,
  clusters: Record<string, JsonObject[]>,
  more: JsonObject = {},
): Promise<ProxyUnderTest> {
  const passing = {
    name: 'envoy.transport_sockets.internal_upstream',
    typedConfig: any('envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport', {
      passthroughMetadata: [{ kind: { host: {} }, name: 'tunnel' }],
      transportSocket: {
        name: 'envoy.transport_sockets.raw_buffer',
        typedConfig: any('envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer'),
      },
    }),
  }
  const names = {
    name: 'envoy.filters.network.set_filter_state',
    typedConfig: any('envoy.extensions.filters.network.set_filter_state.v3.Config', {
      onNewConnection: [
        {
          objectKey: 'envoy.network.upstream_subject_alt_names',
          formatString: { textFormatSource: { inlineString: '%DYNAMIC_METADATA(tunnel:identity)%' } },
        },
      ],
    }),
  }
  const tunnelingConfig = {
    hostname: '%DYNAMIC_METADATA(tunnel:destination)%',
    headersToAdd: [{ header: { key: 'baggage', value: 'k8s.namespace.name=shop' } }],
  }
  return proxyFor(t, {
    listeners: [
      ...Object.keys(clusters).map((name, index) =>
        tcpListener(name, { filterChains: [{ filters: [tcpProxy(name, more)] }] }, `127.0.0.${index + 2}`),
      ),
      {
        name: 'originate',
        internalListener: {},
        filterChains: [{ filters: [names, tcpProxy('originate', { tunnelingConfig })] }],
      },
    ],
    clusters: [
      ...Object.entries(clusters).map(([name, lbEndpoints]) => ({
        name,
        type: 'STATIC',
        connectTimeout: '20s',
        transportSocketMatches: [{ name: 'tunnel', match: { tunnel: 'h2' }, transportSocket: passing }],
        loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints }] },
      })),
      {
        name: 'originate',
        type: 'ORIGINAL_DST',
        lbPolicy: 'CLUSTER_PROVIDED',
        connectTimeout: '20s',
        originalDstLbConfig: { metadataKey: { key: 'tunnel', path: [{ key: 'address' }] } },
        transportSocket: tls('Upstream', web, ['h2']),
        ...httpOptions({ explicitHttpConfig: { http2ProtocolOptions: { allowConnect: true } } }),
      },
    ],
  })
}

/** Requests over mutual TLS: the receiving end speaks what `alpn` says and leads to a port, the sending end lets ALPN choose. */
export async function httpHop(
  t: TestContext,
  port: number,
  alpn: readonly string[],
  more: JsonObject = {},
): Promise<{ readonly inner: ProxyUnderTest; readonly outer: ProxyUnderTest }> {
  const http2 = { allowConnect: true }
  const inside = manager(everythingTo('app'), { ...more, http2ProtocolOptions: http2 })
  const inner = await proxyFor(t, {
    listeners: [
      tcpListener('in', {
        filterChains: [{ filters: [inside], transportSocket: tls('Downstream', stock, [...alpn]) }],
      }),
    ],
    clusters: [staticCluster('app', [port])],
  })
  const names = { matchTypedSubjectAltNames: [{ sanType: 'URI', matcher: { exact: idOf('stock') } }] }
  const outer = await proxyFor(t, {
    listeners: [tcpListener('in', { filterChains: [{ filters: [manager(everythingTo('far'), more)] }] })],
    clusters: [
      staticCluster('far', [inner.portOf('in')], {
        connectTimeout: '20s',
        transportSocket: tls('Upstream', web, ['h2', 'http/1.1'], names),
        ...httpOptions({ autoConfig: { http2ProtocolOptions: http2 } }),
      }),
    ],
  })
  return { inner, outer }
}
