// The filter chains of a gateway port: one for HTTP, one per server name behind TLS, one for everything else.
import type { Origin } from '@weft/core'
import type { FilterSchema } from '@weft/xds/es/envoy/config/listener/v3/listener_components'
import {
  type Authorization,
  authorizationOf,
  httpRbac,
  networkRbac,
  type SelectedPolicies,
} from '../policies/authorization.ts'
import { type PassedName, passesByName } from './auto-passthrough.ts'
import { duration } from './config-source.ts'
import { namesToward } from './dynamic-hosts.ts'
import { type ConnectionRule, ConnectionRules } from './gateway-bindings.ts'
import type { Trust } from '../policies/trust.ts'
import { serverTlsSocket } from './gateway-tls.ts'
import {
  endsTls,
  type Gateway,
  type GatewayPort,
  hostsOf,
  type PlacedServer,
  routeNameOf,
  serversOf,
} from './gateways.ts'
import type { GeneratorProblem, Loser } from './generator.ts'
import type { Service } from './hosts.ts'
import { httpConnectionManager } from './http-connection-manager.ts'
import type { Init } from './init.ts'
import { weftMetadata } from './metadata.ts'
import { addressMatch, covers, everyAddress, isForAll, type MatchedChain, spread } from './routes/address-rules.ts'
import type { VirtualService } from './routes/virtual-service-routes.ts'
import { tcpFilters } from './tcp-proxy.ts'
import type { Telemetry } from './telemetry.ts'
import { alpn } from './tls-contexts.ts'

type FilterChainInit = MatchedChain

/** The objects that chains are made from. */
export interface ChainRefs extends SelectedPolicies {
  readonly gateways: readonly Gateway[]
  /** Those with rules for connections. */
  readonly virtualServices: readonly VirtualService[]
  readonly services: readonly Service[]
}

/** What chains depend on besides objects. */
export interface ChainScope extends GatewayPort {
  readonly statPrefix: string
  readonly workload: Origin
  readonly namespace: string
  readonly trust: Trust
  readonly trustDomain: string
  readonly accessLog: Telemetry
  /** What AUTO_PASSTHROUGH servers pass on, by their origins. */
  readonly passed: Readonly<Record<Origin, readonly PassedName[]>>
}

/** Who has a server name, at which addresses. */
interface TakenName extends Pick<ConnectionRule, 'sources' | 'origin'> {
  readonly range: string | undefined
  readonly together: readonly ConnectionRule[]
}

interface WantedChain {
  readonly wanted: readonly string[]
  /** Of the destinations, one. */
  readonly range: string | undefined
  readonly name: string
  readonly own: Partial<FilterChainInit>
  /** Rules that have divided the addresses among themselves. */
  readonly together: readonly ConnectionRule[]
}

/** Chains of one port, collected. */
export class GatewayChains {
  readonly #chains: FilterChainInit[] = []
  /** Destination ranges that rules ask for. */
  readonly #ranges: string[] = []
  readonly losers: Loser[] = []
  readonly problems: GeneratorProblem[] = []
  readonly #scope: ChainScope
  readonly #refs: ChainRefs
  readonly #authorization: Readonly<Record<'http' | 'tcp', Authorization>>
  readonly #metadata: { readonly policies: Record<string, Origin> | undefined }
  /** Who has a server name; '' stands for all names that nobody has. */
  readonly #names = new Map<string, readonly TakenName[]>()

  constructor(scope: ChainScope, refs: ChainRefs) {
    this.#scope = scope
    this.#refs = refs
    this.#authorization = {
      http: authorizationOf(refs, 'http', scope.trustDomain, scope.accessLog),
      tcp: authorizationOf(refs, 'tcp', scope.trustDomain, scope.accessLog),
    }
    const { origins } = this.#authorization.http
    this.#metadata = { policies: Object.keys(origins).length === 0 ? undefined : { ...origins } }
    const servers = serversOf(refs.gateways, scope.servers)
    if (scope.kind === 'http') this.#plainHttp(servers[0])
    else if (scope.kind === 'tcp') for (const placed of servers) this.#bytes(placed)
    else for (const placed of servers) this.#behindTls(placed)
    const used = scope.kind === 'tcp' ? 'tcp' : 'http'
    this.problems.push(...this.#authorization[used].problems)
  }

  get chains(): readonly FilterChainInit[] {
    return spread(this.#chains, this.#ranges)
  }

  /** All servers of the port have one chain: the host of a request chooses among them. */
  #plainHttp(first: PlacedServer | undefined): void {
    if (first === undefined) return
    const routes = routeNameOf(first, this.#scope) ?? ''
    const metadata = weftMetadata({ origin: first.origin, ...this.#metadata })
    this.#chains.push({ name: 'http', metadata, filters: [this.#manager(routes, 'gateway')] })
  }

  #bytes(placed: PlacedServer): void {
    const rules = this.#rulesOf(placed)
    const byAddress = rules.byAddress()
    for (const [index, rule] of byAddress.entries()) {
      this.#add(placed, rule, isForAll(rule) ? 'tcp' : `tcp-${index}`, {}, byAddress)
    }
    this.problems.push(...rules.problems)
  }

  #behindTls(placed: PlacedServer): void {
    const { tls, port } = placed.server
    if (tls === undefined) return
    if (passesByName(placed)) {
      for (const { name, origin } of this.#scope.passed[placed.origin] ?? []) {
        const rule = { targets: [{ cluster: name, weight: 1 }], serverNames: [name], origin }
        this.#add(placed, rule, name, {})
      }
      return
    }
    if (!endsTls(placed)) {
      const rules = this.#rulesOf(placed)
      for (const rule of rules.byServerName()) this.#add(placed, rule, `tls-${rule.serverNames?.[0]}`, {})
      this.problems.push(...rules.problems)
      return
    }
    const http = port.protocol === 'HTTPS'
    const offered = http ? alpn.either : alpn.none
    const socket: Partial<FilterChainInit> = {
      transportSocket: serverTlsSocket(tls, { trust: this.#scope.trust, offered }),
      transportSocketConnectTimeout: duration(15_000),
    }
    const serverNames = hostsOf(placed).map(({ host }) => host)
    const routes = routeNameOf(placed, this.#scope)
    if (routes !== undefined) {
      const whole = { targets: [], serverNames, origin: placed.origin }
      this.#add(placed, whole, routes, { ...socket, filters: [this.#manager(routes, 'gateway-tls')] })
      return
    }
    const rules = this.#rulesOf(placed)
    for (const rule of rules.byServerName()) this.#add(placed, rule, `tls-${rule.serverNames?.[0]}`, socket)
    const byAddress = rules.byAddress().map((each) => ({ ...each, serverNames }))
    for (const rule of byAddress) this.#add(placed, rule, `tls-${serverNames[0]}`, socket, byAddress)
    this.problems.push(...rules.problems)
  }

  #rulesOf(placed: PlacedServer): ConnectionRules {
    return new ConnectionRules(placed, this.#refs, this.#scope.namespace)
  }

  /** A chain for the names that are still free; a proxy refuses a listener with two chains for one name. */
  #add(
    placed: PlacedServer,
    rule: ConnectionRule,
    name: string,
    own: Partial<FilterChainInit>,
    together: readonly ConnectionRule[] = [rule],
  ): void {
    const names = namesToward(rule.serverNames, rule.targets, this.#scope.accessLog.dynamic)
    if (names?.length === 0) {
      const message = `no name of ${rule.serverNames?.join(', ')} is under the wildcard host that the rule leads to`
      this.problems.push({ origin: rule.origin, message })
      return
    }
    const wanted = names === undefined || names.includes('*') ? [''] : names
    for (const range of rule.destinations ?? [undefined]) {
      this.#addFor(placed, rule, { wanted, range, name, own, together })
    }
  }

  #addFor(placed: PlacedServer, rule: ConnectionRule, { wanted, range, name, own, together }: WantedChain): void {
    const { sources } = rule
    const takenBy = (one: string): Origin | undefined =>
      this.#names
        .get(one)
        ?.find(
          (taken) =>
            taken.together !== together &&
            covers(taken.range ?? everyAddress, range ?? everyAddress) &&
            (taken.sources === undefined || taken.sources.join() === sources?.join()),
        )?.origin
    const free = wanted.filter((one) => takenBy(one) === undefined)
    for (const one of wanted) {
      const by = takenBy(one)
      if (by === undefined || by === rule.origin) continue
      const what = this.#scope.kind === 'tcp' ? 'connections' : one === '' ? 'all other server names' : one
      const detail = `${what} on port ${this.#scope.port} already belong${one === '' ? '' : 's'} to another server or rule`
      this.losers.push({ origin: rule.origin, reason: 'host-conflict', by, detail })
    }
    if (free.length === 0) return
    for (const one of free) {
      this.#names.set(one, [...(this.#names.get(one) ?? []), { range, sources, origin: rule.origin, together }])
    }
    if (range !== undefined) this.#ranges.push(range)
    const match = {
      ...(free.includes('') ? {} : { serverNames: free }),
      ...addressMatch({ destinations: range === undefined ? undefined : [range], sources }),
    }
    this.#chains.push({
      name: range === undefined ? name : `${name}-${range}`,
      ...(Object.keys(match).length === 0 ? {} : { filterChainMatch: match }),
      filters: [...networkRbac(this.#authorization.tcp), ...tcpFilters(rule.targets, this.#scope.accessLog)],
      metadata: weftMetadata({ origin: rule.origin, server: placed.origin, ...this.#metadata }),
      ...own,
    })
  }

  #manager(routes: string, statSuffix: 'gateway' | 'gateway-tls'): Init<typeof FilterSchema> {
    const { statPrefix, accessLog } = this.#scope
    return httpConnectionManager({
      side: 'gateway',
      statPrefix: statSuffix === 'gateway' ? statPrefix : routes,
      routes,
      port: this.#scope.port,
      authorization: httpRbac(this.#authorization.http),
      accessLog,
    })
  }
}
