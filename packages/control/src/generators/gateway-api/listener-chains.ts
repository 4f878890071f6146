// The filter chains of a port: one for HTTP, one per server name behind TLS, one for plain TCP.
import type { Origin } from '@weft/core'
import type { FilterChainSchema, FilterSchema } from '@weft/xds/es/envoy/config/listener/v3/listener_components'
import type { Attachment } from '../../gateway-api/attach.ts'
import { namesPartOf, namesTarget } from '../../gateway-api/attached-policies.ts'
import { namedPolicies } from '../../gateway-api/filter-policies.ts'
import type { Route } from '../../gateway-api/objects.ts'
import type { GatewayRefs } from '../../gateway-api/gateway-refs.ts'
import type { PlacedListener } from '../../gateway-api/listeners.ts'
import { type Authorization, httpRbac, networkRbac } from '../../policies/authorization.ts'
import { type RateLimit, rateLimitFilter, rateLimitsAmong } from '../../policies/rate-limits.ts'
import type { GatewayAuthorizations } from '../../policies/gateway-authorizations.ts'
import { duration } from '../config-source.ts'
import type { Loser } from '../generator.ts'
import { type HcmOptions, httpConnectionManager } from '../http-connection-manager.ts'
import type { Init } from '../init.ts'
import { weftMetadata } from '../metadata.ts'
import { tcpFilters } from '../tcp-proxy.ts'
import { alpn } from '../tls-contexts.ts'
import { authorizerFilters } from './external-auth.ts'
import { namedHosts } from './hosts-of-listeners.ts'
import { listenerSocket } from './listener-socket.ts'
import type { Served, ServedPort } from './ports.ts'
import { listenerRoutes, portRoutes } from './routes.ts'
import { streamTargets } from './stream-targets.ts'

type FilterChainInit = Init<typeof FilterChainSchema>

/** What chains are made with. */
export interface ChainContext {
  readonly statPrefix: string
  readonly flavor: 'weft' | 'envoy'
  readonly refs: GatewayRefs
  readonly authorization: GatewayAuthorizations
  readonly accessLog: HcmOptions['accessLog']
}

/** Chains of one port. */
export class ListenerChains {
  readonly chains: FilterChainInit[] = []
  readonly losers: Loser[] = []
  readonly #context: ChainContext
  /** Who has a server name; '' stands for all names that nobody has. */
  readonly #names = new Map<string, Origin>()

  constructor(port: ServedPort, context: ChainContext) {
    this.#context = context
    const [first] = port.served
    if (first === undefined) return
    if (port.kind === 'http') this.#http(first, port)
    else if (port.kind === 'tcp') for (const one of port.served) this.#streams(one, port, {})
    else for (const one of port.served) this.#behindTls(one, port)
  }

  /** All listeners of the port have one chain: the host of a request chooses among them. */
  #http({ listener }: Served, port: ServedPort): void {
    const authorization = this.#context.authorization.of(
      'http',
      port.served.map(({ model }) => model.gateway),
    )
    const metadata = weftMetadata({ origin: listener.origin, policies: policyOrigins(authorization) })
    const filters = [this.#manager(portRoutes(port.port), this.#context.statPrefix, { ...port, authorization })]
    this.chains.push({ name: 'http', metadata, filters })
  }

  #behindTls(one: Served, port: ServedPort): void {
    const { listener, model } = one
    const tls = model.tls.get(listener)
    const http = listener.spec.protocol === 'HTTPS'
    const socket: Partial<FilterChainInit> =
      tls === undefined
        ? {}
        : {
            transportSocket: listenerSocket(tls, http ? alpn.either : alpn.none, this.#context.flavor),
            transportSocketConnectTimeout: duration(15_000),
          }
    if (!http) return this.#streams(one, port, socket)
    const routes = listenerRoutes(listener)
    const authorization = this.#context.authorization.of('http', [model.gateway])
    this.#add(
      listener.spec.hostname?.toLowerCase(),
      {
        name: routes,
        filters: [this.#manager(routes, routes, { port: port.port, served: [one], authorization })],
        metadata: weftMetadata({ origin: listener.origin, policies: policyOrigins(authorization) }),
        ...socket,
      },
      listener.origin,
    )
  }

  /** One chain per name; the first route that is attached under a name has it. */
  #streams({ listener, model }: Served, port: ServedPort, socket: Partial<FilterChainInit>): void {
    const { refs, accessLog } = this.#context
    const authorization = this.#context.authorization.of('tcp', [model.gateway])
    const listeners = port.served.map((one) => one.listener)
    const own = namedHosts(listeners, model.attached).filter((host) => host.listener === listener)
    for (const { hostname, levels } of own) {
      const [route] = levels[0] ?? []
      if (route === undefined) continue
      const { targets, origin } = streamTargets(route, { ...refs, gateways: [model.gateway] })
      this.#add(
        hostname,
        {
          name: `${listener.spec.name}-${hostname ?? 'any'}`,
          filters: [...networkRbac(authorization), ...tcpFilters(targets, accessLog)],
          metadata: weftMetadata({ origin, listener: listener.origin, policies: policyOrigins(authorization) }),
          ...socket,
        },
        origin,
      )
    }
    this.#tellLater(
      own.flatMap(({ levels }) => {
        const [first, ...later] = levels[0] ?? []
        return first === undefined ? [] : later.map((route) => [route, first] as const)
      }),
      listener,
      model.attached,
    )
  }

  /** Routes, each with one that came before it. */
  #tellLater(
    later: readonly (readonly [Attachment['route'], Attachment['route']])[],
    listener: PlacedListener,
    attached: readonly Attachment[],
  ): void {
    for (const [route, by] of new Map(later)) {
      if (!attached.some((one) => one.route === route && one.listener === listener)) continue
      const detail = `an older route has the same name on listener ${listener.spec.name}`
      this.losers.push({ origin: route.key, reason: 'host-conflict', by: by.key, detail })
    }
  }

  /** A proxy refuses a listener with two chains for one name. */
  #add(hostname: string | undefined, chain: FilterChainInit, origin: Origin): void {
    const name = hostname ?? ''
    const by = this.#names.get(name)
    if (by !== undefined) {
      this.losers.push({
        origin,
        reason: 'host-conflict',
        by,
        detail: `${hostname ?? 'all server names'}: taken on this port`,
      })
      return
    }
    this.#names.set(name, origin)
    this.chains.push({ ...chain, ...(hostname === undefined ? {} : { filterChainMatch: { serverNames: [hostname] } }) })
  }

  /** Of the routes on these listeners; each speaks to its authorizer as its Gateway does. */
  #authorizers(served: readonly Served[]): ReturnType<typeof authorizerFilters> {
    const pairs = served.flatMap(({ model, listener }) =>
      model.attached
        .filter((one) => one.listener === listener)
        .map(({ route }) => ({ route, refs: { ...this.#context.refs, gateways: [model.gateway] } })),
    )
    return authorizerFilters(pairs)
  }

  /** Of these listeners, their Gateways and the routes on them. */
  #rateLimits(served: readonly Served[]): RateLimit[] {
    const among = rateLimitsAmong(this.#context.refs.attached)
    if (among.length === 0) return []
    return among.filter((limit) =>
      served.some(({ model, listener }) => {
        const attached = model.attached.filter((one) => one.listener === listener).map(({ route }) => route)
        if (attached.some((route) => isNamed(limit, route))) return true
        const routes = attached.map((route) => route.id)
        const { id } = model.gateway
        const parts = [{ id }, { id, sectionName: listener.spec.name }, ...routes.map((route) => ({ id: route }))]
        return parts.some((part) => namesTarget(limit, part)) || routes.some((route) => namesPartOf(limit, route))
      }),
    )
  }

  #manager(
    routes: string,
    statPrefix: string,
    { authorization, port, served }: Pick<ServedPort, 'port' | 'served'> & { readonly authorization: Authorization },
  ): Init<typeof FilterSchema> {
    const { accessLog, flavor } = this.#context
    return httpConnectionManager({
      side: 'gateway',
      statPrefix,
      routes,
      port,
      authorization: httpRbac(authorization),
      rateLimits: this.#rateLimits(served).map((limit) => rateLimitFilter(limit, flavor)),
      authorizers: flavor === 'envoy' ? this.#authorizers(served) : [],
      sessions: true,
      accessLog,
    })
  }
}

/** Whether a rule of the route has the policy as a filter. */
function isNamed({ id }: RateLimit, route: Route): boolean {
  if (id.namespace !== route.id.namespace) return false
  return namedPolicies(route).some(({ kind, name }) => kind === id.kind && name === id.name)
}

function policyOrigins({ origins }: Authorization): Record<string, Origin> | undefined {
  return Object.keys(origins).length === 0 ? undefined : { ...origins }
}
