// Whether an answer that sends a request elsewhere is followed by the proxy itself, as Envoy's router decides it.
import type { InternalRedirects, PathNormalization, RedirectPredicate, Route, RouteConfig } from '../model.ts'
import { pathWithQuery } from '../match/attribute.ts'
import type { RequestHead, Subject } from '../request-head.ts'
import { requestPath } from './normalize-path.ts'
import { rewrittenHead } from './rewrite.ts'
import { decideRoute, type RouteDecision } from './route.ts'

/** Where a redirect leads. */
export interface RedirectTarget {
  readonly scheme: 'http' | 'https'
  readonly authority: string
  /** With the query, normalised. */
  readonly path: string
}

/** What became of a request by internal redirects. */
export interface RedirectsSoFar {
  readonly count: number
  /** By name of a route that it was at: names of the routes that it was to be sent to from there. */
  readonly sentTo: ReadonlyMap<string, ReadonlySet<string>>
}

/** A request as it came. */
export const notRedirected: RedirectsSoFar = { count: 0, sentTo: new Map() }

/** An answer, as far as it says where a request should go. */
export interface RedirectingAnswer {
  readonly status: number
  /** The `index`-th line of a header by lower-case name; undefined behind the last. */
  line(name: string, index: number): string | undefined
}

/** Header lines that take the place of those of a name: none, or as many as the answer has. */
export type CopiedHeader = readonly [name: string, values: readonly string[]]

/** Follow it, or why it is passed on; the reasons are Envoy's, by the names of its counters. */
export type RedirectVerdict =
  | {
      readonly kind: 'follow'
      readonly target: RedirectTarget
      readonly method: string
      readonly copied: readonly CopiedHeader[]
      /** The URL that the request was for: `x-envoy-original-url`. */
      readonly originalUrl: string
      readonly after: RedirectsSoFar
    }
  | {
      readonly kind: 'pass'
      readonly reason: 'bad_location' | 'unsafe_scheme' | 'too_many_redirects' | 'no_route' | 'predicate'
    }

/** The request as it was sent on, and where it was. */
export interface RedirectedRequest {
  readonly policy: InternalRedirects
  readonly from: Route
  readonly config: RouteConfig
  /** How paths are read. */
  readonly paths: PathNormalization
  readonly soFar: RedirectsSoFar
  /** With path and authority as they were sent. */
  readonly subject: Subject
}

/** Decides about an answer with one of the statuses of the policy and a `location`. Whether the request can be sent again is asked elsewhere. */
export function followRedirect(
  request: RedirectedRequest,
  answer: RedirectingAnswer,
  location: string,
): RedirectVerdict {
  const { policy, from, subject, soFar } = request
  const { head, connection } = subject
  const target = redirectTarget(location, request.paths, head)
  if (target === undefined) return pass('bad_location')
  const secure = head.scheme() === 'https' && connection.tls
  const toSecure = target.scheme === 'https'
  if (!policy.crossScheme && secure !== toSecure) return pass('unsafe_scheme')
  if (soFar.count >= policy.most) return pass('too_many_redirects')
  const copied = policy.copiedHeaders.map((name): CopiedHeader => [name, linesOf(answer, name)])
  const { random, trustedAddress } = subject
  const redirected = { connection, random, trustedAddress, head: redirectedHead(head, target, copied) }
  const decision = decideRoute(request.config, redirected)
  if (decision.kind === 'none') return pass('no_route')
  let { sentTo } = soFar
  const to = nameOf(decision)
  for (const predicate of policy.predicates) {
    if (!accepts(predicate, { from: from.name, to, sentTo, upgrades: !secure && toSecure })) return pass('predicate')
    if (predicate.kind === 'previous-routes') sentTo = withRoute(sentTo, from.name, to)
  }
  return {
    kind: 'follow',
    target,
    method: methodAfter(answer.status, head.method()),
    copied,
    originalUrl: `${secure ? 'https' : 'http'}://${head.authority()}${pathWithQuery(head) ?? ''}`,
    after: { count: soFar.count + 1, sentTo },
  }
}

function pass(reason: Extract<RedirectVerdict, { kind: 'pass' }>['reason']): RedirectVerdict {
  return { kind: 'pass', reason }
}

/** Absolute, of HTTP, with a host; a user in front of it is left out. */
const absolute =
  /^(https?):\/\/(?:[^/?#@]*@)?((?:\[[\da-f:.]+\]|[\w\-.~!$&'()*+,;=%]+)(?::(\d{1,5}))?)(\/[^#]*)?(?:#.*)?$/i

function redirectTarget(location: string, paths: PathNormalization, head: RequestHead): RedirectTarget | undefined {
  const [, scheme, authority, port = '1', path = '/'] = absolute.exec(location) ?? []
  if (scheme === undefined || authority === undefined || Number(port) > 65_535) return undefined
  // Routes and conditions are asked about the path that the request will have.
  const read = requestPath(path, paths, head)
  if (read.kind !== 'path') return undefined
  return { scheme: scheme.toLowerCase() === 'https' ? 'https' : 'http', authority, path: read.path }
}

function linesOf(answer: RedirectingAnswer, name: string): readonly string[] {
  const lines: string[] = []
  for (let line = answer.line(name, 0); line !== undefined; line = answer.line(name, lines.length)) lines.push(line)
  return lines
}

/** The request as routes see it there; its method changes later. */
function redirectedHead(head: RequestHead, target: RedirectTarget, copied: readonly CopiedHeader[]): RequestHead {
  const taken = new Map(copied)
  return {
    ...rewrittenHead(head, target),
    scheme: () => target.scheme,
    header: (name) => {
      const lines = taken.get(name)
      if (lines === undefined) return head.header(name)
      return lines.length === 0 ? undefined : lines.join(',')
    },
    headerLine: (name, index) => {
      const lines = taken.get(name)
      return lines === undefined ? head.headerLine(name, index) : lines[index]
    },
  }
}

/** A redirect to TLS has no name. */
function nameOf(decision: Exclude<RouteDecision, { kind: 'none' }>): string {
  return decision.kind === 'route' ? decision.route.name : ''
}

interface Step {
  readonly from: string
  readonly to: string
  readonly sentTo: RedirectsSoFar['sentTo']
  /** From `http` to `https`. */
  readonly upgrades: boolean
}

function accepts(predicate: RedirectPredicate, { from, to, sentTo, upgrades }: Step): boolean {
  switch (predicate.kind) {
    case 'previous-routes':
      return sentTo.get(from)?.has(to) !== true
    case 'allow-listed-routes':
      return predicate.names.has(to)
    case 'safe-cross-scheme':
      return !upgrades
  }
}

function withRoute(sentTo: RedirectsSoFar['sentTo'], from: string, to: string): RedirectsSoFar['sentTo'] {
  return new Map([...sentTo, [from, new Set([...(sentTo.get(from) ?? []), to])]])
}

/** Behind a 303 it is asked what is there (RFC 9110 15.4.4). */
function methodAfter(status: number, method: string): string {
  return status === 303 && method !== 'HEAD' ? 'GET' : method
}
