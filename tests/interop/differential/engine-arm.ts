// What the engine says: the decisions behind `weft explain`, in the order the proxy takes them, with a recorder.
import {
  authorize,
  type Cluster,
  chooseCluster,
  compileCluster,
  compileEndpoints,
  compileListener,
  compileRouteConfig,
  type ConnectionFacts,
  decideFault,
  decideRoute,
  editHeaders,
  type EndpointSet,
  filterOverride,
  headerLevels,
  type HttpConnectionManager,
  isFilterEnabled,
  type Listener,
  matchFilterChain,
  normalizePath,
  plainHead,
  type ProofStep,
  type Recorder,
  redirectResponse,
  type RequestHead,
  rewriteRequest,
  type RouteConfig,
  type Routed,
  routeName,
  type Subject,
} from '@weft/engine'
import { compileRegex } from '@weft/engine/regex'
import { type ResourceTable, typeUrl } from '@weft/xds'
import { type Answer, pickHeaders } from './answer.ts'
import type { TestRequest } from './generate-request.ts'

/** An answer, the proof of it, and what the decisions saw. */
export interface Explained {
  readonly answer: Answer
  readonly steps: readonly ProofStep[]
  readonly subject: Subject
  /** Every endpoint that the cluster may choose. */
  readonly endpoints: readonly string[]
}

/** A proxy's resources, compiled. */
export class EngineProxy {
  readonly #listener: Listener
  readonly #routes = new Map<string, RouteConfig>()
  readonly #clusters = new Map<string, Cluster>()
  readonly #endpoints = new Map<string, EndpointSet>()
  readonly #tls: boolean

  /** `address`: where the listener that requests come to is bound. */
  constructor(table: ResourceTable, address: { readonly host: string; readonly port: number }) {
    const compiled = <T>(
      type: string,
      compile: (bytes: Uint8Array) => { ok: true; value: T } | { ok: false; error: unknown },
    ) =>
      [...table.get(type).values()].map(({ name, body }) => {
        const result = compile(body)
        if (!result.ok) throw new Error(`${name}: ${JSON.stringify(result.error)}`)
        return [name, result.value] as const
      })
    const options = { regex: compileRegex }
    const listeners = compiled(typeUrl.listener, (bytes) => compileListener(bytes, options))
    const listener = listeners
      .map(([, one]) => one)
      .find(
        (one) =>
          one.address.kind === 'socket' && one.address.host === address.host && one.address.port === address.port,
      )
    if (listener === undefined) throw new Error(`no listener at ${address.host}:${address.port}`)
    this.#listener = listener
    this.#tls = listener.sniff.tls
    for (const [name, one] of compiled(typeUrl.routeConfiguration, (bytes) => compileRouteConfig(bytes, options)))
      this.#routes.set(name, one)
    for (const [name, one] of compiled(typeUrl.cluster, (bytes) => compileCluster(bytes, options)))
      this.#clusters.set(name, one)
    for (const [name, one] of compiled(typeUrl.clusterLoadAssignment, (bytes) => compileEndpoints(bytes)))
      this.#endpoints.set(name, one)
  }

  /** Decides a request as written on the wire. */
  explain(request: TestRequest): Explained {
    const { address } = this.#listener
    const connection: ConnectionFacts = {
      localAddress: address.kind === 'socket' ? address.host : '',
      localPort: address.kind === 'socket' ? address.port : 0,
      remoteAddress: '127.0.0.1',
      remotePort: 40_000,
      sni: undefined,
      transportProtocol: this.#tls && request.identity !== undefined ? 'tls' : 'raw_buffer',
      applicationProtocols: this.#tls && request.identity !== undefined ? ['http/1.1'] : [],
      tls: request.identity !== undefined,
      peerNames: request.identity === undefined ? [] : [request.identity],
    }
    const headers: Record<string, string[]> = { host: [request.authority] }
    for (const [name, value] of request.headers) {
      const key = name.toLowerCase()
      headers[key] = [...(headers[key] ?? []), value]
    }
    const { method, authority } = request
    const subjectAt = (path: string): Subject => ({
      head: plainHead({ method, path, authority, headers }),
      connection,
      random: 0,
    })
    const steps: ProofStep[] = []
    const recorder: Recorder = { step: (step) => void steps.push(step) }
    const chain = matchFilterChain(this.#listener, connection, recorder)
    if (chain === undefined || chain.terminal.kind !== 'http') {
      return { answer: closed, steps, subject: subjectAt(request.target), endpoints: [] }
    }
    const normal = normalizePath(request.target, chain.terminal.path)
    if (normal.kind !== 'path') {
      const answer = { ...local(normal.kind === 'reject' ? 400 : 307, undefined), body: undefined }
      return { answer, steps, subject: subjectAt(request.target), endpoints: [] }
    }
    return this.decide(chain.terminal, subjectAt(normal.path), { steps, recorder })
  }

  /** Decides a subject that has reached the connection manager. */
  decide(
    manager: HttpConnectionManager,
    subject: Subject,
    { steps, recorder }: { readonly steps: ProofStep[]; readonly recorder: Recorder },
  ): Explained {
    const done = (answer: Answer, endpoints: readonly string[] = []): Explained => ({
      answer,
      steps,
      subject,
      endpoints,
    })
    const config = manager.routes.kind === 'inline' ? manager.routes.config : this.#routes.get(manager.routes.name)
    if (config === undefined) return done(local(404, undefined))
    const decision = decideRoute(config, subject, recorder)
    const route = decision.kind === 'route' ? routeName(decision.route) : undefined
    const choice =
      decision.kind === 'route' && decision.route.action.kind === 'route'
        ? chooseCluster(decision.route.action, subject, recorder)
        : undefined
    const routed: Routed | undefined =
      decision.kind === 'route'
        ? {
            config,
            host: decision.host,
            route: decision.route,
            leg: choice?.kind === 'cluster' ? choice.leg : undefined,
          }
        : undefined
    for (const filter of manager.httpFilters) {
      const override = routed === undefined ? undefined : filterOverride(filter.name, routed)
      if (!isFilterEnabled(filter, override)) continue
      if (filter.kind === 'rbac') {
        const verdict = authorize(override?.kind === 'rbac' ? override : filter, subject, recorder)
        if (!verdict.allowed) return done(local(403, route, responseEdits(routed, subject)))
      } else if (filter.kind === 'fault' && routed !== undefined) {
        const fault = override?.kind === 'fault' ? override.fault : filter.fault
        const cluster = choice?.kind === 'cluster' ? choice.name : ''
        const { abort } = decideFault(fault, subject, { delay: 0.5, abort: 0.5 }, cluster)
        if (abort !== undefined) return done(local(abort.status, route, responseEdits(routed, subject)))
      }
    }
    if (routed === undefined || decision.kind !== 'route') return done(local(404, undefined))
    const { action } = routed.route
    if (action.kind === 'redirect') {
      const { status, location } = redirectResponse(action, routed.route, subject.head)
      return done({ ...local(status, route, responseEdits(routed, subject)), location })
    }
    if (action.kind === 'direct') {
      const body = Buffer.from(action.body).toString('latin1')
      return done({ ...local(action.status, route, responseEdits(routed, subject)), body })
    }
    if (action.kind !== 'route' || choice?.kind !== 'cluster') return done(local(503, route))
    return this.#forward(routed, choice.name, subject, done)
  }

  #forward(
    routed: Routed,
    cluster: string,
    subject: Subject,
    done: (answer: Answer, endpoints?: readonly string[]) => Explained,
  ): Explained {
    const route = routeName(routed.route)
    const known = this.#clusters.get(cluster)
    const action = routed.route.action
    if (known === undefined) return done(local(action.kind === 'route' ? action.clusterNotFoundStatus : 503, route))
    const set = this.#endpoints.get(cluster) ?? known.staticEndpoints
    const endpoints = (set?.localities ?? []).flatMap(({ endpoints: all }) => all.map(({ key }) => key))
    if (endpoints.length === 0) return done({ ...local(503, route, responseEdits(routed, subject)), cluster })
    const { path, authority } = rewriteRequest(routed.route, routed.leg, subject.head, '')
    const headers = editedHeaders('request', routed, subject)
    const before = subject.head.path() + (subject.head.query() === undefined ? '' : `?${subject.head.query()}`)
    const rewritten = action.kind === 'route' && action.pathRewrite !== undefined
    const answer: Answer = {
      status: 200,
      route,
      cluster,
      location: undefined,
      body: undefined,
      headers: pickHeaders(editedHeaders('response', routed, subject)),
      upstream: {
        endpoint: '',
        method: subject.head.method(),
        path,
        authority,
        headers: pickHeaders([...headers, ...(rewritten ? [['x-envoy-original-path', before] as const] : [])]),
      },
    }
    return done(answer, endpoints)
  }
}

const closed: Answer = {
  status: 'closed',
  route: undefined,
  cluster: undefined,
  location: undefined,
  headers: {},
  body: undefined,
  upstream: undefined,
}

function local(status: number, route: string | undefined, headers: readonly Line[] = []): Answer {
  return { ...closed, status, route, headers: pickHeaders(headers) }
}

type Line = readonly [string, string]

function responseEdits(routed: Routed | undefined, subject: Subject): readonly Line[] {
  return routed === undefined ? [] : editLines([], 'response', routed, subject)
}

/** Header lines after the edits of one direction; the application's answer carries `x-added`. */
function editedHeaders(direction: 'request' | 'response', routed: Routed, subject: Subject): readonly Line[] {
  if (direction === 'response') return editLines([['x-added', 'by the application']], direction, routed, subject)
  const names = ['x-added', 'x-set', 'x-user', 'x-trace', 'x-flavor', 'x-mixed']
  const lines = names.flatMap((name): Line[] => {
    const value = subject.head.header(name)
    return value === undefined ? [] : [[name, value]]
  })
  return editLines(lines, direction, routed, subject)
}

function editLines(
  lines: readonly Line[],
  direction: 'request' | 'response',
  routed: Routed,
  subject: Subject,
): readonly Line[] {
  let now = [...lines]
  editHeaders(
    direction,
    headerLevels(routed),
    {
      has: (name) => now.some(([key]) => key === name),
      add: (name, value) => void now.push([name, value]),
      set(name, value) {
        now = [...now.filter(([key]) => key !== name), [name, value]]
      },
      remove: (name) => void (now = now.filter(([key]) => key !== name)),
    },
    ({ operator, argument }) => operatorValue(operator, argument, subject.head, now),
  )
  return now
}

/** Request headers as they are while they are being edited; the method and the like never change. */
function operatorValue(
  operator: string,
  argument: string | undefined,
  head: RequestHead,
  now: readonly Line[],
): string | undefined {
  if (operator === 'PROTOCOL') return 'HTTP/1.1'
  if (operator !== 'REQ' || argument === undefined) return undefined
  const name = argument.toLowerCase()
  const edited = now.filter(([key]) => key === name).map(([, value]) => value)
  return edited.length > 0 ? edited[0] : head.header(name)
}
