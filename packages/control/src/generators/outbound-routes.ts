// The routes of the explicit HTTP proxy: every Service the workload may call by name, on every port.
import { originOf } from '@weft/core'
import { resolveHost } from '@weft/resources'
import { RouteConfigurationSchema } from '@weft/xds/es/envoy/config/route/v3/route'
import type { MeshHop } from '../snapshot/mesh-settings.ts'
import type { ConfigPart } from '../snapshot/mesh-snapshot.ts'
import { encodeResource } from './encode.ts'
import { generator, makeView, type ProxyRef } from './generator.ts'
import { domainsOf, portKind, type Service, serviceHost } from './hosts.ts'
import { weftMetadata } from './metadata.ts'
import {
  addServiceHost,
  connectRoute,
  serviceIndex,
  type ServiceIndex,
  VirtualHostBuilder,
  virtualServicesFor,
  visibleTo,
} from './routes/virtual-hosts.ts'
import { tcpTargets } from './routes/tcp-routes.ts'
import type { Caller, VirtualService } from './routes/virtual-service-routes.ts'

/** Name of the RouteConfiguration of sidecars. */
export const outboundHttp = 'outbound-http'

interface RouteScope {
  readonly namespace: string
  /** Only the labels that some rule asks for, so that proxies differ no more than their routes do. */
  readonly labels: Readonly<Record<string, string>>
  readonly tunnel: boolean
  readonly hop: MeshHop
}

/** What routes depend on in a caller. */
export function callerScope(config: ConfigPart, { instance }: ProxyRef): Pick<RouteScope, 'namespace' | 'labels'> {
  const labels = config.sourceLabelKeys.flatMap((key) => {
    const value = instance.labels[key]
    return value === undefined ? [] : [[key, value] as const]
  })
  return { namespace: instance.namespace, labels: Object.fromEntries(labels) }
}

/** `outbound-http` */
export const outboundRoutes = generator({
  name: 'outbound-routes',
  reads: 'config',
  scope: (config, proxy) => ({
    ...callerScope(config, proxy),
    tunnel: proxy.interception === 'explicit',
    hop: config.settings.hop,
  }),
  views({ config }, scope: RouteScope) {
    return [
      makeView(scope, {
        services: config.objects.Service,
        virtualServices: visibleTo(config.objects.VirtualService, scope.namespace, ['mesh']),
      }),
    ]
  },
  build({ scope, refs }) {
    const services = serviceIndex(refs.services)
    const builder = new VirtualHostBuilder(services)
    const caller: Caller = { gateways: ['mesh'], namespace: scope.namespace, labels: scope.labels, port: 80 }
    // The caller's own namespace first: its short names are its own.
    const ordered = [...refs.services].sort((a, b) => rank(a, scope.namespace) - rank(b, scope.namespace))
    for (const service of ordered) addService(builder, service, { ...scope, refs, services, caller })
    addForeignHosts(builder, refs.virtualServices, { ...scope, services, caller })
    if (!builder.has('*')) builder.hosts.push(blockAll())
    const resource = encodeResource(
      RouteConfigurationSchema,
      outboundHttp,
      {
        name: outboundHttp,
        virtualHosts: builder.hosts,
        validateClusters: false,
        maxDirectResponseBodySizeBytes: 1_048_576,
      },
      [...builder.origins],
    )
    return { resources: [resource], problems: builder.problems, losers: builder.losers }
  },
})

function rank(service: Service, namespace: string): number {
  return service.id.namespace === namespace ? 0 : 1
}

interface HostContext {
  readonly services: ServiceIndex
  readonly caller: Caller
  readonly tunnel: boolean
  readonly hop: MeshHop
}

function addService(
  builder: VirtualHostBuilder,
  service: Service,
  context: HostContext & { readonly refs: { readonly virtualServices: readonly VirtualService[] } },
): void {
  const { caller, tunnel, refs, hop } = context
  const host = serviceHost(service)
  const virtualServices = virtualServicesFor(host, refs.virtualServices)
  for (const [index, port] of service.spec.ports.entries()) {
    if (portKind(port, hop) === 'http') {
      addServiceHost(builder, service, index, { virtualServices, caller, tunnel })
    } else if (tunnel) {
      addTcpHost(builder, service, index, { ...context, virtualServices })
    }
  }
}

/** By authority: the inside of a tunnel to a TCP port needs no look at its bytes, so a server may speak first. */
function addTcpHost(
  builder: VirtualHostBuilder,
  service: Service,
  portIndex: number,
  context: HostContext & { readonly virtualServices: readonly VirtualService[] },
): void {
  const port = service.spec.ports[portIndex]?.port ?? 0
  const { caller, services } = context
  const virtualServices = context.virtualServices.filter(({ spec }) => spec.tcp.length > 0)
  const { targets, origin } = tcpTargets(service, port, { services: [...services.values()], virtualServices }, caller)
  const host = serviceHost(service)
  builder.add(
    {
      name: `${host}:${port}`,
      domains: domainsOf(host, port, caller.namespace).filter((domain) => domain.includes(':')),
      routes: [connectRoute(targets)],
      metadata: weftMetadata({ origin }),
    },
    origin,
  )
}

/** VirtualServices for hosts that are no Service: names that exist only as rules, on port 80. */
function addForeignHosts(
  builder: VirtualHostBuilder,
  virtualServices: readonly VirtualService[],
  context: HostContext,
): void {
  for (const virtualService of virtualServices) {
    if (virtualService.spec.http.length === 0) continue
    const origin = originOf(virtualService.id, '')
    for (const host of virtualService.spec.hosts) {
      const full = resolveHost(host, virtualService.id.namespace)
      if (context.services.has(full)) continue
      const { routes } = builder.routesOf([virtualService], context.caller)
      builder.add(
        {
          name: `${full}:80`,
          domains: full === '*' ? ['*'] : domainsOf(full, 80, context.caller.namespace),
          routes: [...(context.tunnel ? [connectRoute()] : []), ...routes],
          metadata: weftMetadata({ origin, virtualService: origin }),
        },
        origin,
      )
    }
  }
}

/** What the mesh does not know is not reachable through the explicit proxy (Istio: REGISTRY_ONLY). */
function blockAll(): VirtualHostBuilder['hosts'][number] {
  return {
    name: 'block_all',
    domains: ['*'],
    routes: [
      {
        name: 'block_all',
        match: { pathSpecifier: { case: 'prefix', value: '/' } },
        action: { case: 'directResponse', value: { status: 502 } },
      },
    ],
  }
}
