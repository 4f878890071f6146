// Patches of routes: the configuration, its virtual hosts, their routes.
import { clone, type DescMessage, type Message } from '@bufbuild/protobuf'
import type { RoutePlace } from '@weft/resources'
import { type RouteConfiguration, RouteConfigurationSchema } from '@weft/xds/es/envoy/config/route/v3/route'
import {
  type Route,
  RouteSchema,
  type VirtualHost,
  VirtualHostSchema,
} from '@weft/xds/es/envoy/config/route/v3/route_components'
import { mergeMessage } from './merge-message.ts'
import { patchList } from './patch-list.ts'
import { listRule, type ReadyPatch } from './ready-patch.ts'

/** Changes a configuration by one patch. */
export function patchRoutes(configuration: RouteConfiguration, patch: ReadyPatch): void {
  const place = patch.match?.routeConfiguration
  if (!ofConfiguration(configuration, place)) return
  const { applyTo, operation } = patch
  // What one patch adds another may change.
  const copy = <T extends Message>(schema: DescMessage): T | undefined =>
    patch.value === undefined ? undefined : (clone(schema, patch.value) as T)
  const merge =
    (schema: Parameters<typeof mergeMessage>[0]) =>
    (target: Message, source: Message): void =>
      mergeMessage(schema, target, source, listRule(operation))
  const vhost = place?.vhost
  if (applyTo === 'ROUTE_CONFIGURATION') {
    if (patch.value !== undefined && operation.startsWith('MERGE')) {
      merge(RouteConfigurationSchema)(configuration, patch.value)
    }
  } else if (applyTo === 'VIRTUAL_HOST') {
    const names = vhost === undefined ? undefined : (host: VirtualHost) => ofHost(host, vhost)
    configuration.virtualHosts = patchList(configuration.virtualHosts, {
      operation,
      value: copy<VirtualHost>(VirtualHostSchema),
      names,
      merge: merge(VirtualHostSchema),
    })
  } else if (applyTo === 'HTTP_ROUTE') {
    const route = vhost?.route
    const names = route === undefined ? undefined : (each: Route) => ofRoute(each, route)
    for (const host of configuration.virtualHosts) {
      if (vhost !== undefined && !ofHost(host, vhost)) continue
      host.routes = patchList(host.routes, {
        operation,
        value: copy<Route>(RouteSchema),
        names,
        merge: merge(RouteSchema),
      })
    }
  }
}

/** The port is part of the names of configurations for gateways (`http.8080`) and of inbound ones. */
function ofConfiguration({ name, virtualHosts }: RouteConfiguration, place: RoutePlace | undefined): boolean {
  if (place?.name !== undefined && place.name !== name) return false
  if (!ofServer(name, place)) return false
  const port = place?.portNumber
  if (port === undefined) return true
  return /(?:^|[.|])\d+(?:$|\|)/.test(name)
    ? new RegExp(`(?:^|[.|])${port}(?:$|\\|)`).test(name)
    : virtualHosts.some((host) => host.name.endsWith(`:${port}`))
}

/** Routes of a server where TLS ends bear its port's name and its Gateway: `https.443.<port>.<gateway>.<namespace>`. */
function ofServer(name: string, { portName, gateway }: RoutePlace = {}): boolean {
  if (portName === undefined && gateway === undefined) return true
  const [, port, owner] = /^(?:gateway-api\.)?https\.\d+\.([^.]+)\.(.+)$/.exec(name) ?? []
  if (port === undefined || owner === undefined) return false
  const dot = owner.lastIndexOf('.')
  if (portName !== undefined && portName !== port) return false
  return gateway === undefined || gateway === `${owner.slice(dot + 1)}/${owner.slice(0, dot)}`
}

function ofHost(host: VirtualHost, { name, domainName }: NonNullable<RoutePlace['vhost']>): boolean {
  if (name !== undefined && name !== host.name) return false
  return domainName === undefined || host.domains.includes(domainName)
}

const actions = { ROUTE: 'route', REDIRECT: 'redirect', DIRECT_RESPONSE: 'directResponse' } as const

function ofRoute(route: Route, { name, action }: NonNullable<NonNullable<RoutePlace['vhost']>['route']>): boolean {
  if (name !== undefined && name !== route.name) return false
  return action === undefined || action === 'ANY' || route.action.case === actions[action]
}
