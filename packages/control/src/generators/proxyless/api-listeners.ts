// What `xds:///inventory.shop:9000` asks for first: a listener of that very name, which says where its routes are.
import { originOf } from '@weft/core'
import type { ServicePort } from '@weft/resources'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import { HTTPFaultSchema } from '@weft/xds/es/envoy/extensions/filters/http/fault/v3/fault'
import { RouterSchema } from '@weft/xds/es/envoy/extensions/filters/http/router/v3/router'
import { HttpConnectionManagerSchema } from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import { adsSource } from '../config-source.ts'
import { encodeResource, pack } from '../encode.ts'
import { type BuiltResource, generator, makeView } from '../generator.ts'
import { domainsOf, type Service, serviceHost } from '../hosts.ts'
import { faultFilter } from '../http-connection-manager.ts'
import { weftMetadata } from '../metadata.ts'
import { isSeen } from '../service-references.ts'
import { type Imports, imports, importsOf } from '../sidecar-scope.ts'
import { routesOf } from './names.ts'

interface ListenerScope {
  readonly namespace: string
  readonly hosts: Imports
}

/** One listener per name of each Service port; callers of other namespaces have all but the shortest name. */
export const apiListeners = generator({
  name: 'proxyless-listeners',
  scope: (mesh, proxy): ListenerScope => ({ namespace: proxy.instance.namespace, hosts: importsOf(mesh, proxy) }),
  each: ['Service'],
  views(mesh, { namespace, hosts }, item) {
    const service = item as Service
    if (!isSeen(mesh, service, { namespace }) || !imports(mesh, hosts, service, namespace)) return []
    const own = service.id.namespace === namespace ? namespace : ''
    return [makeView({ namespace: own }, { service: [service] })]
  },
  build: ({ scope, refs }) => ({
    resources: refs.service.flatMap((service) =>
      service.spec.ports.flatMap((port) => listeners(service, port, scope.namespace)),
    ),
    problems: [],
    losers: [],
  }),
})

function listeners(service: Service, port: ServicePort, namespace: string): BuiltResource[] {
  const origin = originOf(service.id, '')
  const routes = routesOf(service, port)
  const apiListener = {
    apiListener: pack(HttpConnectionManagerSchema, {
      statPrefix: routes,
      routeSpecifier: { case: 'rds', value: { routeConfigName: routes, configSource: adsSource() } },
      httpFilters: [
        { name: faultFilter, configType: { case: 'typedConfig', value: pack(HTTPFaultSchema) } },
        { name: 'envoy.filters.http.router', configType: { case: 'typedConfig', value: pack(RouterSchema) } },
      ],
    }),
  }
  return domainsOf(serviceHost(service), port.port, namespace).map((name) =>
    encodeResource(ListenerSchema, name, { name, apiListener, metadata: weftMetadata({ origin }) }, [origin]),
  )
}
