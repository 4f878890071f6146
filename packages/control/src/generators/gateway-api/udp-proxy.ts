// The listener filter that forwards datagrams.
import type { ListenerFilterSchema } from '@weft/xds/es/envoy/config/listener/v3/listener_components'
import { RouteSchema } from '@weft/xds/es/envoy/extensions/filters/udp/udp_proxy/v3/route'
import { UdpProxyConfigSchema } from '@weft/xds/es/envoy/extensions/filters/udp/udp_proxy/v3/udp_proxy'
import { pack } from '../encode.ts'
import { type HcmOptions, tcpAccessLog } from '../http-connection-manager.ts'
import type { Init } from '../init.ts'

/** Forwards to a cluster. */
export function udpProxy(cluster: string, accessLog: HcmOptions['accessLog']): Init<typeof ListenerFilterSchema> {
  const config = pack(UdpProxyConfigSchema, {
    statPrefix: cluster,
    routeSpecifier: {
      case: 'matcher',
      value: {
        onNoMatch: {
          onMatch: { case: 'action', value: { name: 'route', typedConfig: pack(RouteSchema, { cluster }) } },
        },
      },
    },
    accessLog: tcpAccessLog(accessLog),
  })
  return { name: 'envoy.filters.udp_listener.udp_proxy', configType: { case: 'typedConfig', value: config } }
}
