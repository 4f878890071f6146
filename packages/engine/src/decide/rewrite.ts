// How a request changes on its way, and what a redirect answers.
import { namedHeader, pathWithQuery } from '../match/attribute.ts'
import type { HostRewrite, PathMatch, PathRewrite, RedirectAction, Route, WeightedCluster } from '../model.ts'
import type { RequestHead } from '../request-head.ts'

/** Path (with query) and authority as sent upstream. */
export interface Rewritten {
  readonly path: string
  readonly authority: string
}

/**
 * Applies a route's path and host rewrites. `head` shows the request after the route's header edits, as Envoy orders it.
 * `endpointHostname`: for auto_host_rewrite; '' keeps the authority.
 */
export function rewriteRequest(
  route: Route,
  leg: WeightedCluster | undefined,
  head: RequestHead,
  endpointHostname: string,
): Rewritten {
  const path = pathWithQuery(head) ?? ''
  const authority = head.authority()
  if (route.action.kind !== 'route') return { path, authority }
  const hostRewrite = leg?.hostRewrite ?? route.action.hostRewrite
  return {
    path: route.action.pathRewrite === undefined ? path : rewritePath(route.pathMatch, route.action.pathRewrite, head),
    authority: hostRewrite === undefined ? authority : rewriteHost(hostRewrite, head, endpointHostname),
  }
}

/** The head with what a route has made of its path and authority. */
export function rewrittenHead(head: RequestHead, { path: target, authority }: Rewritten): RequestHead {
  const mark = target.indexOf('?')
  const path = mark < 0 ? target : target.slice(0, mark)
  const query = mark < 0 ? undefined : target.slice(mark + 1)
  return {
    method: () => head.method(),
    path: () => path,
    query: () => query,
    authority: () => authority,
    scheme: () => head.scheme(),
    header: (name) => head.header(name),
    headerLine: (name, index) => head.headerLine(name, index),
  }
}

function rewritePath(match: PathMatch, rewrite: PathRewrite, head: RequestHead): string {
  const path = head.path()
  const query = head.query()
  const next =
    rewrite.kind === 'regex'
      ? rewrite.regex.replaceAll(path, rewrite.substitution)
      : replacePrefix(match, path, rewrite.value)
  return query === undefined ? next : `${next}?${query}`
}

/** What the route matched is replaced: its prefix, or the whole path for exact and regex matches. */
function replacePrefix(match: PathMatch, path: string, value: string): string {
  if (match.kind === 'connect') return path
  const matched = match.kind === 'regex' || match.kind === 'path' ? path.length : match.value.length
  return value + path.slice(matched)
}

/** False where a rewrite has nothing to put in place of the host: the header that should name it is not there. */
export function replacesHost(rewrite: HostRewrite, head: RequestHead): boolean {
  return rewrite.kind !== 'header' || (namedHeader(head, rewrite.header) ?? '') !== ''
}

function rewriteHost(rewrite: HostRewrite, head: RequestHead, endpointHostname: string): string {
  switch (rewrite.kind) {
    case 'literal':
      return rewrite.value
    case 'header':
      return namedHeader(head, rewrite.header) || head.authority()
    case 'endpoint':
      return endpointHostname || head.authority()
    case 'path-regex':
      return rewrite.regex.replaceAll(head.path(), rewrite.substitution)
  }
}

/** Status and location of a redirect (Envoy's RouteEntryImplBase::newUri). */
export function redirectResponse(
  action: RedirectAction,
  route: Route,
  head: RequestHead,
): { readonly status: number; readonly location: string } {
  const ownScheme = head.header('x-forwarded-proto') ?? head.scheme()
  const scheme = action.httpsRedirect ? 'https' : (action.scheme ?? ownScheme)
  const port = action.port === undefined ? '' : `:${action.port}`
  const host = action.host ?? requestHost(head.authority(), { scheme, ownScheme, newPort: port })
  return { status: action.status, location: `${scheme}://${host}${port}${redirectPath(action, route, head)}` }
}

/** Where a fixed answer of 201 or 3xx says that something is (RFC 9110 10.2.2), as Envoy: at what was asked for. */
export function directLocation(status: number, head: RequestHead): string | undefined {
  if (status !== 201 && (status < 300 || status >= 400)) return undefined
  return `${head.scheme()}://${head.authority()}${pathWithQuery(head) ?? ''}`
}

/** Drops a port that a new port replaces, or that was the default of the scheme left behind. */
function requestHost(
  authority: string,
  to: { readonly scheme: string; readonly ownScheme: string; readonly newPort: string },
): string {
  const at = authority.startsWith('[') ? authority.lastIndexOf(']:') + 1 : authority.lastIndexOf(':')
  if (at <= 0) return authority
  const port = authority.slice(at)
  const left =
    to.scheme !== to.ownScheme &&
    ((to.ownScheme === 'https' && port === ':443') || (to.ownScheme === 'http' && port === ':80'))
  return to.newPort !== '' || left ? authority.slice(0, at) : authority
}

function redirectPath(action: RedirectAction, route: Route, head: RequestHead): string {
  const query = head.query()
  const kept = query === undefined || action.stripQuery ? '' : `?${query}`
  if (action.path === undefined) return head.path() + kept
  if (action.path.kind === 'full') return action.path.value.includes('?') ? action.path.value : action.path.value + kept
  if (action.path.kind === 'regex') return action.path.regex.replaceAll(head.path(), action.path.substitution) + kept
  return replacePrefix(route.pathMatch, head.path(), action.path.value) + kept
}
