// What gRPC servers without a proxy ask for (A36): a listener named after the address they listen on, with who may call.
import { TrafficDirection } from '@weft/xds/es/envoy/config/core/v3/base'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import type { FilterSchema } from '@weft/xds/es/envoy/config/listener/v3/listener_components'
import { RBAC_Action } from '@weft/xds/es/envoy/config/rbac/v3/rbac'
import { RBACSchema } from '@weft/xds/es/envoy/extensions/filters/http/rbac/v3/rbac'
import { RouterSchema } from '@weft/xds/es/envoy/extensions/filters/http/router/v3/router'
import {
  HttpConnectionManagerSchema,
  type HttpFilterSchema,
} from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import { type Authorization, authorizationOf, httpRbac } from '../../policies/authorization.ts'
import { duplicatePeerAuthentications, effectiveMtls } from '../../policies/peer-authentication.ts'
import { asksServerName } from '../../policies/rbac-rule.ts'
import { encodeResource, pack } from '../encode.ts'
import { type Built, generator, type GeneratorProblem, makeView } from '../generator.ts'
import type { InboundPort, InboundRefs } from '../inbound-chains.ts'
import { inboundPorts, inboundRefs, type InboundScope, inboundScope } from '../inbound-listeners.ts'
import type { Init } from '../init.ts'
import { weftMetadata } from '../metadata.ts'
import { socketAddress } from '../socket-address.ts'
import { serverListenerPrefix } from './names.ts'
import { downstreamSocket } from './tls-sockets.ts'

type HttpFilterInit = Init<typeof HttpFilterSchema>

interface ServerScope extends InboundScope {
  readonly certificates: boolean
}

type ServerPort = InboundPort & Pick<ServerScope, 'address' | 'certificates'>

/** `xds.istio.io/grpc/lds/inbound/<address>:<port>`, for each address that a server of the workload may listen on. */
export const grpcServerListeners = generator({
  name: 'proxyless-server-listeners',
  scope: (mesh, proxy): ServerScope => ({ ...inboundScope(mesh, proxy), certificates: proxy.certificates === true }),
  views(mesh, scope: ServerScope) {
    const refs = inboundRefs(mesh, scope)
    const { address, certificates } = scope
    return inboundPorts(scope).map((port) =>
      makeView<ServerPort, InboundRefs>({ ...port, address, certificates }, refs),
    )
  },
  build: ({ scope, refs }) => serverListeners(scope, refs),
})

function serverListeners(port: ServerPort, refs: InboundRefs): Built {
  const { workload, certificates } = port
  const mtls = effectiveMtls(refs.peerAuthentications, port.port)
  const losers = duplicatePeerAuthentications(refs.peerAuthentications)
  const strict = mtls.mode === 'STRICT'
  if (strict && !certificates) {
    const message = `port ${port.port} takes mutual TLS only, and the bootstrap of its server offers no certificates: it is not told to serve`
    return { resources: [], problems: [{ origin: mtls.origin ?? workload, message }], losers }
  }
  const { filters, problems } = authorization(port, refs)
  const chain = {
    name: strict ? 'mtls' : 'plaintext',
    filters: [connectionManager(port.port, filters)],
    ...(strict ? { transportSocket: downstreamSocket() } : {}),
  }
  const resources = [port.address, '0.0.0.0', '::', '127.0.0.1'].map((address) => {
    const name = `${serverListenerPrefix}${address.includes(':') ? `[${address}]` : address}:${port.port}`
    const init: Init<typeof ListenerSchema> = {
      name,
      // A server serves only if this is where it listens.
      address: socketAddress(address, port.port),
      trafficDirection: TrafficDirection.INBOUND,
      metadata: weftMetadata({ origin: workload }),
      defaultFilterChain: chain,
    }
    return encodeResource(ListenerSchema, name, init, [workload])
  })
  return { resources, problems, losers }
}

/** The filters that say who may call. What gRPC would take for "no match" where it cannot know denies everything instead. */
function authorization(
  { trustDomain, workload }: ServerPort,
  refs: InboundRefs,
): { readonly filters: HttpFilterInit[]; readonly problems: readonly GeneratorProblem[] } {
  if (asksServerName(refs.policies)) {
    const message = 'a policy asks for connection.sni, which gRPC servers do not see: they deny every call'
    return { filters: [denyAll()], problems: [{ origin: workload, message }] }
  }
  const made: Authorization = authorizationOf(refs, 'http', trustDomain)
  // gRPC refuses two filters of one name.
  const filters = httpRbac(made).map((filter, index) => ({ ...filter, name: `${filter.name ?? ''}.${index}` }))
  return { filters, problems: made.problems }
}

/** An empty list of those who may. */
function denyAll(): HttpFilterInit {
  const config = pack(RBACSchema, { rules: { action: RBAC_Action.ALLOW, policies: {} } })
  return { name: 'envoy.filters.http.rbac.0', configType: { case: 'typedConfig', value: config } }
}

/** Every call goes to the application. */
function connectionManager(port: number, filters: readonly HttpFilterInit[]): Init<typeof FilterSchema> {
  const name = `inbound|${port}||`
  const router: HttpFilterInit = {
    name: 'envoy.filters.http.router',
    configType: { case: 'typedConfig', value: pack(RouterSchema) },
  }
  const manager = pack(HttpConnectionManagerSchema, {
    statPrefix: `inbound_${port}`,
    httpFilters: [...filters, router],
    routeSpecifier: {
      case: 'routeConfig',
      value: {
        name,
        virtualHosts: [
          {
            name,
            domains: ['*'],
            routes: [
              {
                name: 'default',
                match: { pathSpecifier: { case: 'prefix', value: '/' } },
                action: { case: 'nonForwardingAction', value: {} },
              },
            ],
          },
        ],
      },
    },
  })
  return {
    name: 'envoy.filters.network.http_connection_manager',
    configType: { case: 'typedConfig', value: manager },
  }
}
