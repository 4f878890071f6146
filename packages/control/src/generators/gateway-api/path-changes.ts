// Redirects and rewrites of URLRewrite and RequestRedirect filters.
import type { PathModifier, RequestRedirect } from '@weft/resources'
import {
  type RedirectActionSchema,
  RedirectAction_RedirectResponseCode as RedirectCode,
  type RouteActionSchema,
} from '@weft/xds/es/envoy/config/route/v3/route_components'
import type { HttpMatch } from '../../gateway-api/rules.ts'
import type { Init } from '../init.ts'
import { literal } from './route-matches.ts'

type RegexRewrite = NonNullable<Init<typeof RouteActionSchema>['regexRewrite']>

const redirectCodes: Readonly<Record<RequestRedirect['statusCode'], RedirectCode>> = {
  301: RedirectCode.MOVED_PERMANENTLY,
  302: RedirectCode.FOUND,
  303: RedirectCode.SEE_OTHER,
  307: RedirectCode.TEMPORARY_REDIRECT,
  308: RedirectCode.PERMANENT_REDIRECT,
}

/** Where a redirect is answered. */
export interface Entry {
  readonly scheme: 'http' | 'https'
  readonly port: number
}

/** The redirect of a filter for one match of its rule. */
export function redirectAction(
  redirect: RequestRedirect,
  match: Pick<HttpMatch, 'path'> | undefined,
  entry: Entry,
): Init<typeof RedirectActionSchema> {
  const port = redirectPort(redirect, entry)
  return {
    responseCode: redirectCodes[redirect.statusCode],
    ...(redirect.scheme === undefined
      ? {}
      : { schemeRewriteSpecifier: { case: 'schemeRedirect' as const, value: redirect.scheme } }),
    ...(redirect.hostname === undefined ? {} : { hostRedirect: redirect.hostname }),
    ...(port === undefined ? {} : { portRedirect: port }),
    ...redirectPath(redirect.path, match),
  }
}

const wellKnown = { http: 80, https: 443 } as const

/** The port of the filter, else that of its scheme, else the listener's. One that the scheme implies is left out where it can be. */
function redirectPort({ port, scheme, hostname }: RequestRedirect, entry: Entry): number | undefined {
  const meant = port ?? (scheme === undefined ? entry.port : wellKnown[scheme])
  const implied = wellKnown[scheme ?? entry.scheme]
  // Without a new host name Envoy keeps what the client wrote, its port included, unless told another.
  const keepsClientPort = hostname === undefined && entry.port !== implied
  return meant === implied && !keepsClientPort ? undefined : meant
}

function redirectPath(
  path: PathModifier | undefined,
  match: Pick<HttpMatch, 'path'> | undefined,
): Pick<Init<typeof RedirectActionSchema>, 'pathRewriteSpecifier'> {
  if (path === undefined) return {}
  if (path.type === 'ReplaceFullPath') {
    return { pathRewriteSpecifier: { case: 'pathRedirect', value: path.replaceFullPath ?? '/' } }
  }
  const change = prefixChange(path.replacePrefixMatch ?? '/', match)
  return 'prefix' in change
    ? { pathRewriteSpecifier: { case: 'prefixRewrite', value: change.prefix } }
    : { pathRewriteSpecifier: { case: 'regexRewrite', value: change.regex } }
}

/** The new path of a forwarded request. */
export function rewritePath(
  path: PathModifier | undefined,
  match: Pick<HttpMatch, 'path'> | undefined,
): Pick<Init<typeof RouteActionSchema>, 'prefixRewrite' | 'regexRewrite'> {
  if (path === undefined) return {}
  if (path.type === 'ReplaceFullPath') {
    return { regexRewrite: { pattern: { regex: '^[^?]*' }, substitution: replacement(path.replaceFullPath ?? '/') } }
  }
  const change = prefixChange(path.replacePrefixMatch ?? '/', match)
  return 'prefix' in change ? { prefixRewrite: change.prefix } : { regexRewrite: change.regex }
}

/** By segments: `/foo` to `/` makes `/foo/bar` into `/bar`, and `/` to `/foo` makes `/bar` into `/foo/bar`. */
function prefixChange(
  replaced: string,
  match: Pick<HttpMatch, 'path'> | undefined,
): { readonly prefix: string } | { readonly regex: RegexRewrite } {
  const prefix = (match?.path.value ?? '/').replace(/\/+$/, '')
  const next = replaced.replace(/\/+$/, '')
  if (prefix === '') return { prefix: `${next}/` }
  if (next !== '') return { prefix: next }
  return { regex: { pattern: { regex: `^${literal(prefix)}/*` }, substitution: '/' } }
}

/** Text as a substitution: a backslash would name a group. */
function replacement(text: string): string {
  return text.replaceAll('\\', '\\\\')
}
