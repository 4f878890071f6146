// Small matchers that authorization is made of, mapped as Istio maps them (pilot/pkg/security/authz).
import type { CidrRangeSchema } from '@weft/xds/es/envoy/config/core/v3/address'
import type { PermissionSchema, PrincipalSchema } from '@weft/xds/es/envoy/config/rbac/v3/rbac'
import type { HeaderMatcherSchema } from '@weft/xds/es/envoy/config/route/v3/route_components'
import type { StringMatcherSchema } from '@weft/xds/es/envoy/type/matcher/v3/string'
import type { Init } from '../generators/init.ts'

/** What is asked for. */
export type PermissionInit = Init<typeof PermissionSchema>
/** Who asks. */
export type PrincipalInit = Init<typeof PrincipalSchema>

type StringMatcherInit = Init<typeof StringMatcherSchema>

/** Istio's wildcard: `*` anything but nothing, `abc*` prefix, `*abc` suffix, otherwise exact. */
export function wildcard(value: string, ignoreCase = false, prefix = ''): StringMatcherInit {
  if (value === '*') return regex('.+')
  if (value.startsWith('*')) return { matchPattern: { case: 'suffix', value: value.slice(1) }, ignoreCase }
  if (value.endsWith('*')) return { matchPattern: { case: 'prefix', value: prefix + value.slice(0, -1) }, ignoreCase }
  return { matchPattern: { case: 'exact', value: prefix + value }, ignoreCase }
}

/** A whole-value RE2 match. */
function regex(pattern: string): StringMatcherInit {
  return { matchPattern: { case: 'safeRegex', value: { regex: pattern } } }
}

/** A header by wildcard; `*` is presence. */
export function headerMatcher(name: string, value: string, ignoreCase = false): Init<typeof HeaderMatcherSchema> {
  return value === '*'
    ? { name, headerMatchSpecifier: { case: 'presentMatch', value: true } }
    : { name, headerMatchSpecifier: { case: 'stringMatch', value: wildcard(value, ignoreCase) } }
}

/** `10.0.0.0/8`, or an address alone. Undefined when it is neither. */
export function cidr(block: string): Init<typeof CidrRangeSchema> | undefined {
  const match = /^([0-9a-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(block)
  if (match === null || match[1] === undefined) return undefined
  const full = match[1].includes(':') ? 128 : 32
  const prefixLen = match[2] === undefined ? full : Number(match[2])
  return prefixLen > full ? undefined : { addressPrefix: match[1], prefixLen: prefixLen }
}

/** Who carries this SVID: `cluster.local/ns/a/sa/b` with Istio's wildcards. */
export function authenticated(matcher: StringMatcherInit): PrincipalInit {
  return { identifier: { case: 'authenticated', value: { principalName: matcher } } }
}

/** The principal of `source.principal`; the scheme is written in the SVID but not in policies. `*` is any SPIFFE id. */
export function principalName(value: string): PrincipalInit {
  return authenticated(value === '*' ? anySpiffeId : wildcard(value, false, 'spiffe://'))
}

/**
 * Everyone of a namespace; `*` may stand at either end. Where Istio writes a regular expression this says
 * the same with plain text if it can: a proxy without expressions need not load an engine for them.
 */
export function inNamespace(value: string): PrincipalInit {
  if (value === '*') return authenticated(anySpiffeId)
  const head = value.endsWith('*') ? value.slice(0, -1) : `${value}/`
  if (!head.includes('*')) return authenticated({ matchPattern: { case: 'contains', value: `/ns/${head}` } })
  return authenticated(regex(`.*/ns/${escapeRegex(value).replaceAll('\\*', '.*')}/.*`))
}

/** Identities of a trust domain; `*` may stand at either end. */
export function inTrustDomain(value: string): StringMatcherInit {
  if (value === '*') return anySpiffeId
  if (value.startsWith('*')) return regex(`spiffe://[^/]*${escapeRegex(value.slice(1))}/.*`)
  if (value.endsWith('*')) return { matchPattern: { case: 'prefix', value: `spiffe://${value.slice(0, -1)}` } }
  return { matchPattern: { case: 'prefix', value: `spiffe://${value}/` } }
}

const anySpiffeId: StringMatcherInit = { matchPattern: { case: 'prefix', value: 'spiffe://' } }

function escapeRegex(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** All of a list (a single one stands alone). */
export function allOfPermissions(rules: readonly PermissionInit[]): PermissionInit {
  if (rules.length === 0) return { rule: { case: 'any', value: true } }
  if (rules.length === 1) return rules[0] as PermissionInit
  return { rule: { case: 'andRules', value: { rules: [...rules] } } }
}

/** Any of a list; with `not`, none of it. */
export function anyOfPermissions(rules: readonly PermissionInit[], not: boolean): PermissionInit {
  const any: PermissionInit =
    rules.length === 1 ? (rules[0] as PermissionInit) : { rule: { case: 'orRules', value: { rules: [...rules] } } }
  return not ? { rule: { case: 'notRule', value: any } } : any
}

/** All of a list (a single one stands alone). */
export function allOfPrincipals(ids: readonly PrincipalInit[]): PrincipalInit {
  if (ids.length === 0) return { identifier: { case: 'any', value: true } }
  if (ids.length === 1) return ids[0] as PrincipalInit
  return { identifier: { case: 'andIds', value: { ids: [...ids] } } }
}

/** Any of a list; with `not`, none of it. */
export function anyOfPrincipals(ids: readonly PrincipalInit[], not: boolean): PrincipalInit {
  const any: PrincipalInit =
    ids.length === 1 ? (ids[0] as PrincipalInit) : { identifier: { case: 'orIds', value: { ids: [...ids] } } }
  return not ? { identifier: { case: 'notId', value: any } } : any
}
