// The RouteConfigurations of Gateways: one per HTTP port, one per HTTPS listener.
import { originOf } from '@weft/core'
import type { HttpRetry } from '@weft/resources'
import { RouteConfigurationSchema } from '@weft/xds/es/envoy/config/route/v3/route'
import type { VirtualHostSchema } from '@weft/xds/es/envoy/config/route/v3/route_components'
import type { PolicyTarget } from '../../gateway-api/attached-policies.ts'
import { gatewaysServedBy } from '../../gateway-api/data-plane.ts'
import { byHostname } from '../../gateway-api/hostnames.ts'
import { gatewayModel } from '../../gateway-api/gateway-model.ts'
import type { GatewayRefs } from '../../gateway-api/gateway-refs.ts'
import type { PlacedListener } from '../../gateway-api/listeners.ts'
import { encodeResource } from '../encode.ts'
import { type BuiltResource, generator, type Loser, makeView } from '../generator.ts'
import type { Init } from '../init.ts'
import { weftMetadata } from '../metadata.ts'
import { compileRoutes } from './compiled-routes.ts'
import { dataPlaneRefs } from './data-plane-refs.ts'
import { type NamedHost, namedHosts } from './hosts-of-listeners.ts'
import { type Served, type ServedPort, servedPorts } from './ports.ts'

type VirtualHostInit = Init<typeof VirtualHostSchema>

/** Name of the RouteConfiguration of an HTTP port. */
export function portRoutes(port: number): string {
  return `gateway-api.http.${port}`
}

/** Name of the RouteConfiguration of an HTTPS listener. */
export function listenerRoutes({ owner, spec }: PlacedListener): string {
  return `gateway-api.https.${spec.port}.${spec.name}.${owner.id.name}.${owner.id.namespace}`
}

/** `gateway-api.http.<port>`, `gateway-api.https.<port>.<listener>.<gateway>.<namespace>` */
export const gatewayApiRoutes = generator({
  name: 'gateway-api-routes',
  scope: (mesh, { instance, flavor }) => ({
    namespace: instance.namespace,
    labels: instance.labels,
    flavor,
    ...(mesh.settings.config.defaultHttpRetryPolicy === undefined
      ? {}
      : { retries: mesh.settings.config.defaultHttpRetryPolicy }),
  }),
  views(mesh, scope) {
    const gateways = gatewaysServedBy(mesh, scope)
    return gateways.length === 0 ? [] : [makeView(spoken(scope), dataPlaneRefs(mesh, gateways))]
  },
  build({ scope, refs }) {
    const models = refs.gateways.map((gateway) => gatewayModel(gateway, refs))
    const { ports } = servedPorts(models, {})
    const resources: BuiltResource[] = []
    const losers: Loser[] = []
    for (const port of ports) {
      for (const group of routeGroups(port)) {
        const { hosts, ...found } = virtualHosts(group, refs, scope)
        losers.push(...found.losers)
        resources.push(routeConfiguration(group.name, hosts, group.listeners))
      }
    }
    return { resources, problems: [], losers }
  },
})

/** What routes depend on besides objects. */
interface RouteSettings {
  readonly flavor: 'weft' | 'envoy'
  readonly retries?: HttpRetry
}

function spoken({ flavor, retries }: RouteSettings): RouteSettings {
  return { flavor, ...(retries === undefined ? {} : { retries }) }
}

/** Listeners whose requests are routed together. */
interface RouteGroup {
  readonly name: string
  readonly scheme: 'http' | 'https'
  readonly port: number
  readonly listeners: readonly Served[]
  /** Others on the port, whose names came in by the wrong door. */
  readonly others: readonly Served[]
}

function routeGroups({ kind, port, served }: ServedPort): RouteGroup[] {
  if (kind === 'http') return [{ name: portRoutes(port), scheme: 'http', port, listeners: served, others: [] }]
  const https = served.filter(({ listener }) => listener.spec.protocol === 'HTTPS')
  return https.map((one) => ({
    name: listenerRoutes(one.listener),
    scheme: 'https',
    port,
    listeners: [one],
    others: served.filter((other) => other !== one),
  }))
}

function virtualHosts(
  { listeners, others, scheme, port }: RouteGroup,
  refs: GatewayRefs,
  { flavor, retries }: RouteSettings,
): { readonly hosts: VirtualHostInit[]; readonly losers: readonly Loser[] } {
  const losers: Loser[] = []
  const own = namedHosts(
    listeners.map(({ listener }) => listener),
    [...new Set(listeners.map(({ model }) => model))].flatMap(({ attached }) => attached),
  )
  const hosts: { readonly hostname: string | undefined; readonly host: VirtualHostInit }[] = own.map((host) => {
    const gateways = listeners.filter(({ listener }) => listener === host.listener).map(({ model }) => model.gateway)
    const compiled = compileRoutes(host.levels, {
      refs: { ...refs, gateways },
      entry: { scheme, port },
      flavor,
      at: 'gateway',
      way: wayOf(host.listener, gateways),
      retries,
    })
    losers.push(...compiled.losers)
    return { hostname: host.hostname, host: virtualHost(host, port, [...compiled.routes]) }
  })
  const names = new Set(own.map(({ hostname }) => hostname))
  for (const { listener } of others) {
    const hostname = listener.spec.hostname?.toLowerCase()
    if (names.has(hostname)) continue
    names.add(hostname)
    hosts.push({ hostname, host: virtualHost({ hostname, listener, levels: [] }, port, [misdirected(listener)]) })
  }
  const sorted = hosts.sort((a, b) => byHostname(a.hostname, b.hostname))
  return { hosts: sorted.map(({ host }) => host), losers }
}

/** A listener and its Gateway, nearest first; policies are not attached to ListenerSets. */
function wayOf({ spec, owner }: PlacedListener, gateways: GatewayRefs['gateways']): PolicyTarget[] {
  return gateways.flatMap(({ id }) => [
    ...(owner.id.kind === 'Gateway' ? [{ id, sectionName: spec.name }] : []),
    { id },
  ])
}

function virtualHost(
  { hostname, listener }: NamedHost,
  port: number,
  routes: NonNullable<VirtualHostInit['routes']>,
): VirtualHostInit {
  return {
    name: `${hostname ?? '*'}:${port}`,
    domains: [hostname ?? '*'],
    routes,
    metadata: weftMetadata({ origin: listener.origin }),
  }
}

/** The name belongs to another listener of the port: the client has to ask for it when it connects. */
function misdirected(listener: PlacedListener): NonNullable<VirtualHostInit['routes']>[number] {
  return {
    name: 'misdirected',
    match: { pathSpecifier: { case: 'prefix', value: '/' } },
    action: { case: 'directResponse', value: { status: 421 } },
    metadata: weftMetadata({ origin: listener.origin }),
  }
}

function routeConfiguration(
  name: string,
  virtualHostList: VirtualHostInit[],
  listeners: readonly Served[],
): BuiltResource {
  const routes = listeners.flatMap(({ model, listener }) =>
    model.attached.filter((one) => one.listener === listener).map(({ route }) => originOf(route.id, '')),
  )
  return encodeResource(
    RouteConfigurationSchema,
    name,
    {
      name,
      virtualHosts: virtualHostList,
      validateClusters: false,
      maxDirectResponseBodySizeBytes: 1_048_576,
      ignorePortInHostMatching: true,
    },
    [...new Set([...listeners.map(({ model }) => originOf(model.gateway.id, '')), ...routes])],
  )
}
