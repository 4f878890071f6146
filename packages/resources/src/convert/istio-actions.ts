// What a rule of a VirtualService does, as filters of an HTTPRoute.
import { durationMs } from '../duration.ts'
import type { PathStep } from '../field-path.ts'
import type { HeaderOperations, Headers, HttpRoute } from '../networking/virtual-service/types.ts'
import { type ConversionNotes, escaped } from './conversion.ts'
import { convertDestination } from './istio-destinations.ts'
import type { MeshLookup } from './mesh-lookup.ts'

/** Filters for header changes. */
export function headerFilters(headers: Headers | undefined): object[] {
  const request = modifier(headers?.request)
  const response = modifier(headers?.response)
  return [
    ...(request === undefined ? [] : [{ type: 'RequestHeaderModifier', requestHeaderModifier: request }]),
    ...(response === undefined ? [] : [{ type: 'ResponseHeaderModifier', responseHeaderModifier: response }]),
  ]
}

function modifier(operations: HeaderOperations | undefined): object | undefined {
  const pairs = (values: Readonly<Record<string, string>> = {}): object[] =>
    Object.entries(values).map(([name, value]) => ({ name, value }))
  const { set, add, remove } = operations ?? {}
  const found = {
    ...(set === undefined ? {} : { set: pairs(set) }),
    ...(add === undefined ? {} : { add: pairs(add) }),
    ...(remove === undefined || remove.length === 0 ? {} : { remove }),
  }
  return Object.keys(found).length === 0 ? undefined : found
}

/** A redirect as a filter. */
export function redirectFilter(rule: HttpRoute, at: readonly PathStep[], notes: ConversionNotes): object | undefined {
  const { redirect } = rule
  if (redirect === undefined) return undefined
  if (![301, 302, 303, 307, 308].includes(redirect.redirectCode)) {
    notes.lost(
      [...at, 'redirect', 'redirectCode'],
      `redirects with ${redirect.redirectCode} cannot be said`,
      'Write 301 to 303, 307 or 308.',
    )
    return undefined
  }
  if (redirect.derivePort !== undefined) {
    notes.lost([...at, 'redirect', 'derivePort'], 'the port follows the scheme', 'Write `port`.')
  }
  const path = redirect.uri ?? redirect.prefixRewrite
  return {
    type: 'RequestRedirect',
    requestRedirect: {
      ...(redirect.scheme === undefined ? {} : { scheme: redirect.scheme }),
      ...(redirect.authority === undefined ? {} : { hostname: redirect.authority }),
      ...(redirect.port === undefined ? {} : { port: redirect.port }),
      ...(path === undefined ? {} : { path: newPath(path, redirect.prefixRewrite !== undefined) }),
      statusCode: redirect.redirectCode,
    },
  }
}

function newPath(value: string, prefix: boolean): object {
  return prefix
    ? { type: 'ReplacePrefixMatch', replacePrefixMatch: value }
    : { type: 'ReplaceFullPath', replaceFullPath: value }
}

/** A rewrite as a filter; the path replaces the matched prefix where the rule matches one. */
export function rewriteFilter(rule: HttpRoute, at: readonly PathStep[], notes: ConversionNotes): object | undefined {
  const { rewrite } = rule
  if (rewrite === undefined) return undefined
  if (rewrite.uriRegexRewrite !== undefined) {
    const mend = 'Match a prefix, and replace that.'
    notes.lost([...at, 'rewrite', 'uriRegexRewrite'], 'the Gateway API replaces whole paths or prefixes only', mend)
  }
  const ofPrefix = (rule.match ?? [{}]).every(({ uri }) => uri === undefined || uri.prefix !== undefined)
  const port = /:\d+$/.exec(rewrite.authority ?? '')?.[0]
  if (port !== undefined) {
    notes.lost([...at, 'rewrite', 'authority'], 'a host is replaced without a port', `Remove ${port}.`)
  }
  const hostname = rewrite.authority?.replace(/:\d+$/, '')
  const urlRewrite = {
    ...(hostname === undefined ? {} : { hostname }),
    ...(rewrite.uri === undefined ? {} : { path: newPath(rewrite.uri, ofPrefix) }),
  }
  return Object.keys(urlRewrite).length === 0 ? undefined : { type: 'URLRewrite', urlRewrite }
}

/** Mirrors as filters. */
export function mirrorFilters(
  rule: HttpRoute,
  namespace: string,
  mesh: MeshLookup,
  at: readonly PathStep[],
  notes: ConversionNotes,
): object[] {
  const single = rule.mirror === undefined ? [] : [{ destination: rule.mirror, percentage: rule.mirrorPercentage }]
  return [...single, ...(rule.mirrors ?? [])].flatMap(({ destination, percentage }, index) => {
    const where = index < single.length ? [...at, 'mirror'] : [...at, 'mirrors', index - single.length, 'destination']
    const backendRef = convertDestination(destination, namespace, mesh, where, notes)
    if (backendRef === undefined) return []
    const share = percentage?.value ?? 100
    const amount = Number.isInteger(share)
      ? { percent: share }
      : { fraction: { numerator: Math.round(share * 10_000), denominator: 1_000_000 } }
    return [{ type: 'RequestMirror', requestMirror: { backendRef, ...(share === 100 ? {} : amount) } }]
  })
}

/** A CORS policy as a filter. */
export function corsFilter(rule: HttpRoute, at: readonly PathStep[], notes: ConversionNotes): object | undefined {
  const policy = rule.corsPolicy
  if (policy === undefined) return undefined
  const allowOrigins = policy.allowOrigins.flatMap((origin, index) => {
    const said = origin.exact ?? wildcardOf(origin.regex)
    if (said !== undefined) return [said]
    const mend = 'Write the origins, with a wildcard for the first part of the host.'
    notes.lost([...at, 'corsPolicy', 'allowOrigins', index], 'origins are listed in the Gateway API', mend)
    return []
  })
  const seconds = policy.maxAge === undefined ? undefined : Math.round(durationMs(policy.maxAge) / 1000)
  if (policy.unmatchedPreflights !== undefined) {
    const message = 'preflights of other origins are not settled by the Gateway API'
    notes.lost([...at, 'corsPolicy', 'unmatchedPreflights'], message, 'Leave it out.')
  }
  const cors = {
    ...(allowOrigins.length === 0 ? {} : { allowOrigins }),
    ...(policy.allowMethods === undefined ? {} : { allowMethods: policy.allowMethods }),
    ...(policy.allowHeaders === undefined ? {} : { allowHeaders: policy.allowHeaders }),
    ...(policy.exposeHeaders === undefined ? {} : { exposeHeaders: policy.exposeHeaders }),
    ...(policy.allowCredentials === undefined ? {} : { allowCredentials: policy.allowCredentials }),
    ...(seconds === undefined || seconds < 1 ? {} : { maxAge: seconds }),
  }
  return { type: 'CORS', cors }
}

/** `https://.*\.example\.com` is `https://*.example.com`, and `.*` is every origin. */
function wildcardOf(expression: string | undefined): string | undefined {
  if (expression === '.*') return '*'
  const [, scheme, rest] = /^\^?(https?:\/\/)\.\*\\\.([^*+?()[\]{}|^$]+)\$?$/.exec(expression ?? '') ?? []
  const host = rest?.replaceAll('\\.', '.')
  return scheme === undefined || host === undefined || escaped(host).replaceAll('\\.', '.') !== host
    ? undefined
    : `${scheme}*.${host}`
}
