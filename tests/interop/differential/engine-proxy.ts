// A proxy as the engine sees it: its resources compiled, `explain` asked for the verdict and its proof, and the decisions
// behind it asked for what `explain` does not tell (location, what the application sees).
import {
  chooseCluster,
  compileCluster,
  compileEndpoints,
  compileListener,
  compileRouteConfig,
  type ConnectionFacts,
  decideRoute,
  dueMirrors,
  type EndpointSet,
  explain,
  grpcStatusOf,
  isGrpcType,
  type Listener,
  matchFilterChain,
  normalizePath,
  plainHead,
  type ProofStep,
  type ProxyView,
  requestHash,
  type RouteAction,
  type RouteConfig,
  rewriteRequest,
  type Routed,
  type Subject,
  recordTo,
  walkProxy,
  withoutPort,
} from '@weft/engine'
import { compileRegex } from '@weft/engine/regex'
import { type ResourceTable, typeUrl } from '@weft/xds'
import { type Answer, pickHeaders } from './answer.ts'
import { applicationHeader, applicationOutcome, type Forwarded } from './application.ts'
import { grpcLineOf, headersOf, linesOf, localParts, originals, pseudoOf, type Verdict } from './answer-parts.ts'
import { editedHeaders } from './edited-headers.ts'
import { type CorsLines, corsLines, withCors } from './explained-cors.ts'
import type { Side, TestRequest } from './generate-request.ts'
import type { ListenAt } from './mesh-tables.ts'

/** An answer, the proof of it, and what the decisions saw. */
export interface Explained {
  readonly answer: Answer
  readonly steps: readonly ProofStep[]
  readonly subject: Subject
  /** Every endpoint that the cluster may choose. */
  readonly endpoints: readonly string[]
  /** Copies may come to the same endpoints as the request: only the sum of all arrivals is certain. */
  readonly mingled?: boolean
  /** Set when an application is asked. */
  readonly forwarded?: Forwarded
  /** The first proxy's route, if it finds one. */
  readonly routed?: Routed | undefined
  /** Where its session keeps the request, when it is asked for once; behind a proxy, the application's endpoint. */
  readonly kept?: readonly string[] | undefined
  /** Where the hash of the request leads, when it is asked for once and has one; behind a proxy, the application's endpoint. */
  readonly hashed?: HashedTo | undefined
}

/** The endpoint of a hashing cluster, and by what. */
export interface HashedTo {
  readonly endpoints: readonly string[]
  readonly policy: string
  /** What was hashed, in words. */
  readonly of: readonly string[]
}

/** What chance decides. */
export interface Draws {
  /** The stream's random value. */
  readonly random: number
  /** In [0, 1): below its share a fault hits. */
  readonly fault: number
}

const middling: Draws = { random: 0, fault: 0.5 }

/** Compiles what a proxy was sent. */
export function proxyView(id: string, address: string, principal: string, table: ResourceTable): ProxyView {
  const options = { regex: compileRegex }
  const compiled = <T>(
    type: string,
    compile: (bytes: Uint8Array) => { ok: true; value: T } | { ok: false; error: unknown },
  ) =>
    new Map(
      [...table.get(type).values()].map(({ name, body }) => {
        const result = compile(body)
        if (!result.ok) throw new Error(`${name}: ${JSON.stringify(result.error)}`)
        return [name, result.value] as const
      }),
    )
  return {
    id,
    address,
    principal,
    config: {
      listeners: compiled(typeUrl.listener, (bytes) => compileListener(bytes, options)),
      routeConfigs: compiled(typeUrl.routeConfiguration, (bytes) => compileRouteConfig(bytes, options)),
      clusters: compiled(typeUrl.cluster, (bytes) => compileCluster(bytes, options)),
    },
    endpoints: compiled(typeUrl.clusterLoadAssignment, (bytes) => compileEndpoints(bytes)),
  }
}

/** One side of a mesh. */
export class EngineProxy {
  readonly #side: Side
  readonly #view: ProxyView
  readonly #at: ListenAt
  readonly #listener: Listener
  readonly #proxyAt: (address: string) => ProxyView | undefined

  constructor(side: Side, view: ProxyView, at: ListenAt, proxyAt: (address: string) => ProxyView | undefined) {
    this.#side = side
    this.#view = view
    this.#at = at
    this.#proxyAt = proxyAt
    const listener = [...view.config.listeners.values()].find(
      ({ address }) => address.kind === 'socket' && address.host === at.host && address.port === at.port,
    )
    if (listener === undefined) throw new Error(`no listener at ${at.host}:${at.port}`)
    this.#listener = listener
  }

  /** Explains a request as written on the wire. */
  explain(request: TestRequest, draws = middling): Explained {
    const verdict = this.#verdict(request, draws)
    const subject = this.#subject(request, draws.random)
    const { location } = verdict
    const answer: Answer = { ...nothing, status: verdict.status, route: verdict.route, location }
    const routed = subject === undefined ? undefined : this.#routed(subject)
    const asked = {
      routed,
      steps: verdict.steps,
      subject: subject ?? this.#subjectAt(request, request.target, draws.random),
      endpoints: verdict.endpoints,
    }
    const grpcLine = grpcLineOf(verdict)
    if (subject === undefined || routed === undefined) {
      return { answer: { ...answer, headers: pickHeaders(grpcLine) }, ...asked }
    }
    const cors = this.#cors(routed, subject, draws.fault)
    if (verdict.outcome !== 'forwarded') {
      const parts = localParts(verdict, routed, subject, { lines: linesOf(request), cors })
      return { answer: { ...answer, ...parts }, ...asked }
    }
    const { cluster } = verdict
    const { action } = routed.route
    const chain = matchFilterChain(this.#listener, subject.connection)
    if (action.kind !== 'route' || chain?.terminal.kind !== 'http') return { answer, ...asked }
    const forwarded = { manager: chain.terminal, action, subject }
    const { status, attempts, lines } = applicationOutcome(forwarded, subject.head.header(applicationHeader))
    const pseudo = pseudoOf(subject)
    const sent = editedHeaders(linesOf(request), 'request', routed, { pseudo })
    const { path, authority } = rewriteRequest(routed.route, routed.leg, subject.head, '')
    const copies = this.#copies(action, subject, asked.endpoints)
    const now = {
      request: [...sent, ...originals(routed, subject)],
      pseudo: { ...pseudo, ':path': path, ':authority': authority },
    }
    return {
      answer: {
        ...answer,
        status,
        cluster,
        headers: pickHeaders(withCors(editedHeaders(lines, 'response', routed, now), cors)),
        upstream: {
          endpoint: '',
          method: subject.head.method(),
          path,
          authority,
          headers: pickHeaders([...sent, ...originals(routed, subject)]),
          attempts: attempts + copies.here,
          copies: copies.elsewhere,
        },
      },
      ...asked,
      mingled: copies.here > 0,
      forwarded,
      kept: attempts === 1 && copies.here === 0 && verdict.kept !== undefined ? this.#behind(verdict.kept) : undefined,
      hashed: attempts === 1 && copies.here === 0 ? this.#hashedTo(verdict, action, subject) : undefined,
    }
  }

  #hashedTo({ cluster, endpoint, hashed, kept }: Verdict, action: RouteAction, subject: Subject): HashedTo | undefined {
    const policy = this.#view.config.clusters.get(cluster ?? '')?.balancer.policy
    if ((policy !== 'ring-hash' && policy !== 'maglev') || endpoint === undefined) return undefined
    if (hashed?.hash === undefined || kept !== undefined) return undefined
    // A cookie that is made names the connection, whose ports are not known here.
    if (requestHash(action.hashPolicy, subject).cookies.length > 0) return undefined
    return { endpoints: this.#behind(endpoint), policy, of: hashed.of }
  }

  /** The connection manager's routes. */
  get routes(): RouteConfig | undefined {
    const chains = this.#listener.filterChains
    const terminal = chains.map((chain) => chain.terminal).find(({ kind }) => kind === 'http')
    if (terminal?.kind !== 'http') return undefined
    const { routes } = terminal
    return routes.kind === 'inline' ? routes.config : this.#view.config.routeConfigs.get(routes.name)
  }

  get side(): Side {
    return this.#side
  }

  #cors(routed: Routed, subject: Subject, draw: number): CorsLines {
    const terminal = matchFilterChain(this.#listener, subject.connection)?.terminal
    return terminal?.kind === 'http' ? corsLines(terminal, routed, subject, draw) : { lines: [], whole: false }
  }

  /** Copies that arrive where the request itself does cannot be told from it. */
  #copies(action: RouteAction, subject: Subject, own: readonly string[]): { here: number; elsewhere: number } {
    const targets = dueMirrors(action.mirrors, subject).map(({ cluster }) => this.#endpointsOf(cluster))
    const reachable = targets.filter((endpoints) => endpoints.length > 0)
    const here = reachable.filter((endpoints) => endpoints.some((one) => own.includes(one))).length
    return { here, elsewhere: reachable.length - here }
  }

  /** What `explain` says; the sidecar in front of `target` is asked directly, since callers of any identity come to it. */
  #verdict(request: TestRequest, draws: Draws): Verdict {
    const { method, authority } = request
    const plain = { method, authority, path: request.target, headers: headersOf(request) }
    const steps: ProofStep[] = []
    const left = walkProxy(
      {
        view: this.#view,
        listener: this.#listener,
        connection: this.#connection(request),
        request: plain,
        random: draws.random,
        faultDraw: draws.fault,
      },
      recordTo((step) => steps.push(step)),
    )
    const location = left.kind === 'reply' ? left.location : undefined
    if (this.#side !== 'inbound') {
      const found = explain({
        // Here everybody dials from the machine's own address; a mesh has proxies dial from their workload's.
        from: { ...this.#view, address: request.source ?? ownAddress },
        request: plain,
        proxyAt: this.#proxyAt,
        entryPort: this.#at.port,
        random: draws.random,
        faultDraw: draws.fault,
      })
      const { route, cluster, outcome } = found
      return {
        ...found,
        status: found.status || 'closed',
        route,
        cluster,
        outcome,
        location,
        endpoints: this.#endpointsOf(cluster),
        hashed: left.kind === 'forward' ? left.hashed : undefined,
        kept: left.kind === 'forward' && left.wanted?.key === found.endpoint ? found.endpoint : undefined,
      }
    }
    const gone = left.kind === 'closed' || left.kind === 'unknown'
    const common = { steps, location, route: gone ? undefined : left.route }
    if (gone) return { ...common, status: 'closed', outcome: 'failed', cluster: undefined, endpoints: [] }
    if (left.kind === 'reply') {
      const isCall = isGrpcType(plainHead(plain).header('content-type'))
      const seen = isCall ? { status: 200, grpcStatus: grpcStatusOf(left.status) } : { status: left.status }
      return { ...common, ...seen, outcome: 'local', cluster: undefined, endpoints: [] }
    }
    return {
      ...common,
      status: 200,
      outcome: 'forwarded',
      cluster: left.cluster,
      endpoints: this.#endpointsOf(left.cluster),
    }
  }

  /** As the connection manager hands it on; undefined when it does not. */
  #subject(request: TestRequest, random: number): Subject | undefined {
    const chain = matchFilterChain(this.#listener, this.#connection(request))
    if (chain?.terminal.kind !== 'http') return undefined
    const normal = normalizePath(request.target, chain.terminal.path)
    if (normal.kind !== 'path') return undefined
    const authority = chain.terminal.stripHostPort === 'any' ? withoutPort(request.authority) : request.authority
    return this.#subjectAt({ ...request, authority }, normal.path, random)
  }

  #subjectAt(request: TestRequest, path: string, random: number): Subject {
    const { method, authority } = request
    return {
      head: plainHead({ method, authority, path, headers: headersOf(request) }),
      connection: this.#connection(request),
      random,
    }
  }

  #routed(subject: Subject): Routed | undefined {
    const chain = matchFilterChain(this.#listener, subject.connection)
    if (chain?.terminal.kind !== 'http') return undefined
    const { routes } = chain.terminal
    const config = routes.kind === 'inline' ? routes.config : this.#view.config.routeConfigs.get(routes.name)
    const decision = config === undefined ? undefined : decideRoute(config, subject)
    if (config === undefined || decision?.kind !== 'route') return undefined
    const { host, route } = decision
    const choice = route.action.kind === 'route' ? chooseCluster(route.action, subject) : undefined
    return { config, host, route, leg: choice?.kind === 'cluster' ? choice.leg : undefined }
  }

  #connection({ identity, source = ownAddress }: TestRequest): ConnectionFacts {
    return {
      localAddress: this.#at.host,
      localPort: this.#at.port,
      remoteAddress: source,
      remotePort: 40_000,
      sni: undefined,
      transportProtocol: identity === undefined ? 'raw_buffer' : 'tls',
      applicationProtocols: identity === undefined ? [] : ['http/1.1'],
      tls: identity !== undefined,
      peerNames: identity === undefined ? [] : [identity],
    }
  }

  /** Where requests to a cluster can arrive; behind a proxy, where that hands them on to. */
  #endpointsOf(name: string | undefined): readonly string[] {
    const discovery = this.#view.config.clusters.get(name ?? '')?.discovery
    if (discovery === undefined || !('endpoints' in discovery || discovery.kind === 'eds')) return []
    const set = discovery.kind === 'eds' ? this.#view.endpoints.get(discovery.edsName) : discovery.endpoints
    return keysOf(set).flatMap((key) => this.#behind(key))
  }

  #behind(key: string): readonly string[] {
    const behind = this.#proxyAt(key.split(':')[0] ?? '')
    if (behind === undefined || this.#side === 'inbound') return [key]
    return [...behind.config.clusters.values()].flatMap((cluster) =>
      cluster.name.startsWith('inbound|') && cluster.discovery.kind === 'static'
        ? keysOf(cluster.discovery.endpoints)
        : [],
    )
  }
}

const ownAddress = '127.0.0.1'

const nothing: Answer = {
  status: 'closed',
  route: undefined,
  cluster: undefined,
  location: undefined,
  headers: {},
  body: undefined,
  upstream: undefined,
}

function keysOf(set: EndpointSet | undefined): string[] {
  return (set?.localities ?? []).flatMap(({ endpoints }) => endpoints.map(({ key }) => key))
}
