// One listener per server port of the Gateways that select the workload.
import { servingAddress } from '@weft/resources'
import { TrafficDirection } from '@weft/xds/es/envoy/config/core/v3/base'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import { authorizationOf, httpRbac, policiesOf } from '../policies/authorization.ts'
import { encodeResource } from './encode.ts'
import { gatewayPorts, gatewaysOn, serverHosts } from './gateways.ts'
import { generator, makeView } from './generator.ts'
import { httpConnectionManager } from './http-connection-manager.ts'
import { inboundScope } from './inbound-listeners.ts'
import { weftMetadata } from './metadata.ts'
import { socketAddress } from './socket-address.ts'

/** Name of the RouteConfiguration of a gateway port. */
export function gatewayRouteName(port: number): string {
  return `http.${port}`
}

/** `gateway_<address>_<port>`, at the address the Workload asks for. */
export const gatewayListeners = generator({
  name: 'gateway-listeners',
  scope: (mesh, proxy) => ({ ...inboundScope(mesh, proxy), address: servingAddress(proxy.instance) }),
  views(mesh, scope) {
    const { address, workload, trustDomain, accessLog } = scope
    const gateways = mesh.gatewaysFor(scope.labels)
    const policies = policiesOf(mesh, scope)
    return gatewayPorts(gateways).map((port) =>
      makeView(
        { address, port, workload, trustDomain, accessLog },
        { gateways: gatewaysOn(gateways, port), ...policies },
      ),
    )
  },
  build({ scope, refs }) {
    const { address, port } = scope
    const name = `gateway_${address}_${port}`
    const origin = serverHosts(refs.gateways, port)[0]?.origin ?? scope.workload
    const authorization = authorizationOf(refs, 'http', scope.trustDomain, scope.accessLog)
    const policies = Object.keys(authorization.origins).length === 0 ? undefined : { ...authorization.origins }
    const listener = encodeResource(
      ListenerSchema,
      name,
      {
        name,
        address: socketAddress(address, port),
        trafficDirection: TrafficDirection.OUTBOUND,
        metadata: weftMetadata({ origin }),
        filterChains: [
          {
            name: 'http',
            metadata: weftMetadata({ origin, policies }),
            filters: [
              httpConnectionManager({
                side: 'gateway',
                statPrefix: name,
                routes: gatewayRouteName(port),
                authorization: httpRbac(authorization),
                accessLog: scope.accessLog,
              }),
            ],
          },
        ],
      },
      refs.gateways.map((gateway) => gateway.key),
    )
    return { resources: [listener], problems: authorization.problems, losers: [] }
  },
})
