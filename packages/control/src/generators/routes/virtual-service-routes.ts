// The rules of one VirtualService as routes, in order, each carrying where it came from.
import { originOf, type Origin } from '@weft/core'
import {
  type Destination,
  type HttpMatchRequest,
  type HttpRetry,
  type HttpRoute,
  resolveGateway,
  selectsLabels,
} from '@weft/resources'
import type { RouteActionSchema, RouteSchema } from '@weft/xds/es/envoy/config/route/v3/route_components'
import { commonPolicies, type HoldingPolicies } from '../../gateway-api/attached-policies.ts'
import type { MergedVirtualService } from '../../snapshot/delegates.ts'
import type { Loser } from '../generator.ts'
import { weftMetadata } from '../metadata.ts'
import { corsConfig } from './cors.ts'
import { faultConfig } from './fault.ts'
import { type ClusterOf, type HashOf, routeAction } from './route-action.ts'
import { matchesEverything, routeMatch } from './route-match.ts'
import { withPolicies } from './sending-policies.ts'
import type { Init } from '../init.ts'

type RouteActionInit = Init<typeof RouteActionSchema>

/** The policies of our own on the way to a destination. */
export type SendingOf = (destination: Destination) => HoldingPolicies

/** A VirtualService with its content, delegates merged. */
export type VirtualService = MergedVirtualService

/** For whom rules are compiled: conditions on the caller are decided here, not in the proxy. */
export interface Caller {
  /** `mesh`, or the `namespace/name` of the gateways that serve the port. */
  readonly gateways: readonly string[]
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  /** Port of the virtual host. */
  readonly port: number
  /** Retries where no rule says them, if the mesh does. */
  readonly retries?: HttpRetry
}

/** Routes in order of precedence. */
export interface CompiledRoutes {
  readonly routes: readonly Init<typeof RouteSchema>[]
  readonly losers: readonly Loser[]
  /** The rule that takes everything that is left, if there is one. */
  readonly catchAll: Origin | undefined
}

/** Compiles the HTTP rules; stops at the first that takes everything, what follows has lost. */
export function virtualServiceRoutes(
  virtualService: VirtualService,
  caller: Caller,
  destinations: { readonly clusterOf: ClusterOf; readonly hashOf?: HashOf; readonly sendingOf?: SendingOf },
): CompiledRoutes {
  const routes: Init<typeof RouteSchema>[] = []
  const losers: Loser[] = []
  let catchAll: Origin | undefined
  for (const lost of virtualService.lost ?? []) losers.push({ ...lost, reason: 'unknown-destination' })
  for (const [index, rule] of virtualService.spec.http.entries()) {
    const ruleOrigin = virtualService.ruleOrigins?.[index] ?? originOf(virtualService.id, `spec.http[${index}]`)
    for (const [matchIndex, match] of (rule.match ?? [undefined]).entries()) {
      if (match !== undefined && !holdsFor(match, caller, virtualService.id.namespace)) continue
      const origin = match === undefined ? ruleOrigin : (`${ruleOrigin}.match[${matchIndex}]` as Origin)
      if (catchAll !== undefined) {
        losers.push({ origin, reason: 'shadowed', by: catchAll, detail: 'an earlier rule takes every request' })
        continue
      }
      routes.push({
        name: routeName(rule, match, matchIndex, ruleOrigin),
        match: routeMatch(match),
        ...attached(
          rule,
          routeAction(withRetries(rule, caller), match, caller.port, destinations.clusterOf, destinations.hashOf),
          destinations,
        ),
        typedPerFilterConfig: { ...corsConfig(rule.corsPolicy), ...faultConfig(rule.fault) },
        ...(match?.statPrefix === undefined ? {} : { statPrefix: match.statPrefix }),
        metadata: weftMetadata({ origin, rule: ruleOrigin }),
      })
      if (matchesEverything(match)) catchAll = origin
    }
  }
  return { routes, losers, catchAll }
}

function withRetries(rule: HttpRoute, { retries }: Caller): HttpRoute {
  return rule.retries !== undefined || retries === undefined ? rule : { ...rule, retries }
}

/** An action with what policies on all its destinations say. */
function attached(
  rule: HttpRoute,
  acted: ReturnType<typeof routeAction>,
  { sendingOf }: { readonly sendingOf?: SendingOf },
): ReturnType<typeof routeAction> {
  if (acted.action?.case !== 'route' || sendingOf === undefined) return acted
  const policies = commonPolicies((rule.route ?? []).map(({ destination }) => sendingOf(destination)))
  const said = {
    timeout: rule.timeout !== undefined,
    perTry: rule.retries?.perTryTimeout !== undefined,
    retries: rule.retries !== undefined,
  }
  return {
    ...acted,
    action: { case: 'route', value: withPolicies(acted.action.value as RouteActionInit, policies, said) },
  }
}

/** Conditions on the caller and the port. */
export function holdsFor(
  match: Pick<HttpMatchRequest, 'port' | 'gateways' | 'sourceLabels' | 'sourceNamespace'>,
  caller: Caller,
  namespace: string,
): boolean {
  if (match.port !== undefined && match.port !== caller.port) return false
  const gateways = match.gateways?.map((name) => resolveGateway(name, namespace))
  if (gateways !== undefined && gateways.length > 0 && !gateways.some((name) => caller.gateways.includes(name))) {
    return false
  }
  if (caller.gateways.includes('mesh')) {
    if (match.sourceNamespace !== undefined && match.sourceNamespace !== caller.namespace) return false
    if (match.sourceLabels !== undefined && !selectsLabels(match.sourceLabels, caller.labels)) return false
  }
  return true
}

/** The rule's name or its origin; a match among several adds its own, so that names are unique in a virtual host. */
function routeName(rule: HttpRoute, match: HttpMatchRequest | undefined, index: number, origin: Origin): string {
  const name = rule.name ?? origin
  return (rule.match?.length ?? 0) > 1 ? `${name}.${match?.name ?? index}` : name
}
