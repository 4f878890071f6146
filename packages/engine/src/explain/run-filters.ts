// The http filters in front of the router, one after another, as Envoy and Weft's proxy run them.
import { authorize } from '../decide/authorize.ts'
import type { ClusterChoice } from '../decide/cluster-choice.ts'
import type { DynamicHost } from '../decide/dynamic-host.ts'
import { decideFault } from '../decide/fault.ts'
import { filterOverride, isFilterEnabled, type Routed } from '../decide/filter-override.ts'
import { type RouteDecision, routeName } from '../decide/route.ts'
import { wantedEndpoint } from '../decide/wanted-endpoint.ts'
import type { HttpConnectionManager, HttpFilter, RouteConfig, Session } from '../model.ts'
import { admittedConnections } from '../prove/admitted-connections.ts'
import type { Recorder } from '../prove/proof.ts'
import { type WhereAsked, whereAsked } from '../prove/where-asked.ts'
import type { Subject } from '../request-head.ts'
import { faultText } from './fault-text.ts'
import { hostNamed } from './host-named.ts'
import { customPolicies, openPolicies, recordOpen, recordUnasked, recordUnknown } from './undecided.ts'
import { walkCors } from './walk-cors.ts'
import type { Arrival, Departure } from './walk-proxy.ts'
import type { Wanted } from './walk-upstream.ts'

/** A request in front of the filters of a connection manager, already routed. */
export interface Filtering {
  readonly manager: HttpConnectionManager
  readonly arrival: Arrival
  readonly subject: Subject
  readonly recorder: Recorder
  readonly config: RouteConfig
  readonly decision: RouteDecision
  readonly choice: ClusterChoice | undefined
}

/** What they come to. */
export type Filtered =
  | {
      readonly kind: 'on'
      readonly delayMs: number
      readonly wanted?: Wanted | undefined
      readonly host?: DynamicHost | undefined
    }
  | { readonly kind: 'reply'; readonly departure: Departure }

/** The http filters in the order of the configuration, up to the router. */
export function runFilters(f: Filtering): Filtered {
  let delayMs = 0
  let wanted: Wanted | undefined
  let host: DynamicHost | undefined
  const routed = routedOf(f)
  for (const filter of f.manager.httpFilters) {
    const override = routed === undefined ? undefined : filterOverride(filter.name, routed)
    if (!isFilterEnabled(filter, override)) continue
    const result = runFilter(f, filter, override)
    if (result.kind === 'reply') return result
    delayMs += result.delayMs
    wanted = result.wanted ?? wanted
    host = result.host ?? host
  }
  return { kind: 'on', delayMs, wanted, host }
}

function routedOf({ config, decision, choice }: Pick<Filtering, 'config' | 'decision' | 'choice'>): Routed | undefined {
  if (decision.kind !== 'route') return undefined
  return {
    config,
    host: decision.host,
    route: decision.route,
    leg: choice?.kind === 'cluster' ? choice.leg : undefined,
  }
}

function runFilter(f: Filtering, filter: HttpFilter, override: ReturnType<typeof filterOverride>): Filtered {
  const route = f.decision.kind === 'route' ? routeName(f.decision.route) : undefined
  if (filter.kind === 'rbac') {
    const { rules, shadow } = override?.kind === 'rbac' ? override : filter
    const open = openPolicies(rules, f.subject)
    if (rules !== undefined && open.length > 0) {
      recordOpen(open, rules, f.recorder)
      return { kind: 'on', delayMs: 0 }
    }
    const earlier = f.manager.httpFilters.slice(0, f.manager.httpFilters.indexOf(filter))
    const place = {
      earlier: earlier.flatMap((one) => (one.kind === 'rbac' && one.rules !== undefined ? [one.rules] : [])),
      where: placeOf(f, filter.name),
      connections: () => admittedConnections(f.arrival.listener, f.arrival.connection),
    }
    const verdict = authorize(rules, shadow, f.subject, f.recorder, place)
    if (verdict.allowed) return { kind: 'on', delayMs: 0 }
    const reason = `denied by ${verdict.policy ?? 'default: no ALLOW policy matches'}`
    return { kind: 'reply', departure: { kind: 'reply', status: 403, flag: undefined, reason, route } }
  }
  if (filter.kind === 'unknown') {
    const asked = customPolicies(f.manager.httpFilters, filter, f.subject)
    if (asked?.length === 0) recordUnasked(filter, f.recorder)
    else recordUnknown(filter, f.recorder, asked)
    return { kind: 'on', delayMs: 0 }
  }
  if (
    override?.kind === 'cors' &&
    filter.kind === 'cors' &&
    f.decision.kind === 'route' &&
    f.decision.route.action.kind === 'route'
  ) {
    const how = { draw: f.arrival.faultDraw, route: f.decision.route, recorder: f.recorder }
    const departure = walkCors(override.policy, f.subject, how)
    return departure === undefined ? { kind: 'on', delayMs: 0 } : { kind: 'reply', departure }
  }
  if (filter.kind === 'session') {
    const session = override?.kind === 'session' ? override.session : filter.session
    return { kind: 'on', delayMs: 0, wanted: wantedBy(session, f) }
  }
  if (filter.kind === 'dynamic-host')
    return { kind: 'on', delayMs: 0, host: hostNamed(override, { ...f, view: f.arrival.view }) }
  if (filter.kind !== 'fault') return { kind: 'on', delayMs: 0 }
  const fault = override?.kind === 'fault' ? override.fault : filter.fault
  if (fault.delay === undefined && fault.abort === undefined) return { kind: 'on', delayMs: 0 }
  const cluster = f.choice?.kind === 'cluster' ? f.choice.name : ''
  const draws = { delay: f.arrival.faultDraw, abort: f.arrival.faultDraw }
  const { delayMs, abort } = decideFault(fault, f.subject, draws, cluster)
  f.recorder.step({
    decision: 'fault',
    chosen: delayMs === undefined && abort === undefined ? undefined : 'fault',
    summary: faultText(fault, delayMs, abort?.status),
    origins: f.decision.kind === 'route' ? f.decision.route.origins : {},
    losers: [],
  })
  if (abort === undefined) return { kind: 'on', delayMs: delayMs ?? 0 }
  const { status, grpcStatus } = abort
  const said = grpcStatus === undefined ? {} : { grpcStatus }
  const reason = `the fault filter answers ${grpcStatus === undefined ? status : `grpc-status ${grpcStatus}`}`
  return { kind: 'reply', departure: { kind: 'reply', status, flag: 'FI', reason, route, ...said } }
}

function wantedBy(session: Session | undefined, { subject, arrival }: Filtering): Wanted | undefined {
  const wanted = session === undefined ? undefined : wantedEndpoint(session, subject.head, arrival.wallMs ?? 0)
  return session === undefined || wanted === undefined
    ? undefined
    : { ...wanted, by: `${session.state.kind} ${session.state.name}` }
}

function placeOf({ config, decision, subject }: Filtering, filterName: string): WhereAsked | undefined {
  if (decision.kind === 'tls-redirect' || decision.host === undefined) return undefined
  const route = decision.kind === 'route' ? decision.route : undefined
  return whereAsked({ config, host: decision.host, route }, filterName, subject)
}
