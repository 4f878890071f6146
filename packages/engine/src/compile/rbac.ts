// envoy.config.rbac.v3.RBAC: permissions and principals as predicates. Whatever cannot be read exactly refuses the
// resource: an authorization rule that is half understood is not enforced at all.
import type { CidrRange, Permission, Principal, RBAC } from '@weft/xds/lean'
import { makeRule } from '../match/closure.ts'
import type { RbacPolicies } from '../model.ts'
import type { Attribute, PlainAttribute, Predicate } from '../predicate.ts'
import { compileHeader } from './header-matcher.ts'
import { type Context, readStrict, refuse } from './refusal.ts'
import { compileCidr, compileString } from './string-matcher.ts'
import { bounds, unknownCondition } from './unknown-condition.ts'

const always: Predicate = { op: 'always' }
const actions = { ALLOW: 'allow', DENY: 'deny', LOG: 'log' } as const

/** Policies in the byte order of their names, as Envoy walks its map. `undefined` rules: no decision at all. */
export function compileRbac(context: Context, at: string, rbac: RBAC | undefined): RbacPolicies | undefined {
  if (rbac === undefined) return undefined
  const action = actions[rbac.action as keyof typeof actions] ?? refuse(`${at}.action`, `${rbac.action} is not known`)
  const names = [...rbac.policies.keys()].sort((a, b) => (a < b ? -1 : 1))
  const policies = names.map((name) => {
    const policy = rbac.policies.get(name)
    const here = `${at}.policies["${name}"]`
    if (policy === undefined || policy.permissions.length === 0) return refuse(`${here}.permissions`, 'is empty')
    if (policy.principals.length === 0) return refuse(`${here}.principals`, 'is empty')
    const permissions = policy.permissions.map((one, i) => compilePermission(context, `${here}.permissions[${i}]`, one))
    const principals = policy.principals.map((one, i) => compilePrincipal(context, `${here}.principals[${i}]`, one))
    const permission = bounds(either(permissions))
    const principal = bounds(either(principals))
    const isKnown = permission.isKnown && principal.isKnown
    return {
      name,
      // Policies of action CUSTOM have a mark before their names.
      origin: context.policyOrigins?.[name.replace(/^istio-ext-authz-/, '')],
      permission: makeRule(permission.certain),
      principal: makeRule(principal.certain),
      ...(isKnown ? {} : { possible: makeRule({ op: 'and', all: [permission.possible, principal.possible] }) }),
    }
  })
  return { action, policies }
}

/** Kinds of conditions: each is a field of its own, and one that is not read leaves no other in its place. */
const conditionKinds = /^envoy\.config\.rbac\.v3\.(Permission|Principal)\.[a-z_]+$/

/** Reads a message of rules; what is set but not read refuses it, but for conditions where unknown ones are kept. */
export function readRules<T>(
  context: Context,
  at: string,
  read: (bytes: Uint8Array, unlisted: string[]) => T,
  bytes: Uint8Array,
): T {
  if (context.options.keepsUnknown === undefined) return readStrict(at, read, bytes)
  const kept = (field: string): boolean => conditionKinds.test(field)
  return readStrict(at, read, bytes, kept)
}

function unknown(context: Context, at: string, message: string): Predicate {
  return context.options.keepsUnknown === undefined ? refuse(at, message) : unknownCondition
}

function compilePermission(context: Context, at: string, permission: Permission): Predicate {
  const inner = (kind: string, list: readonly Permission[]) =>
    nonEmpty(`${at}.${kind}`, list).map((one, index) => compilePermission(context, `${at}.${kind}[${index}]`, one))
  if (permission.any === true) return always
  if (permission.andRules !== undefined) return { op: 'and', all: inner('and_rules', permission.andRules.rules) }
  if (permission.orRules !== undefined) return either(inner('or_rules', permission.orRules.rules))
  if (permission.notRule !== undefined)
    return { op: 'not', not: compilePermission(context, `${at}.not_rule`, permission.notRule) }
  if (permission.header !== undefined) return compileHeader(context, `${at}.header`, permission.header)
  if (permission.urlPath !== undefined) return compileUrlPath(context, `${at}.url_path`, permission.urlPath.path)
  if (permission.destinationIp !== undefined)
    return inRange(`${at}.destination_ip`, 'destination.address', permission.destinationIp)
  if (permission.destinationPort !== undefined) {
    return portBetween(permission.destinationPort, permission.destinationPort + 1)
  }
  if (permission.destinationPortRange !== undefined) {
    return portBetween(permission.destinationPortRange.start, permission.destinationPortRange.end)
  }
  if (permission.requestedServerName !== undefined) {
    const attribute: Attribute = { name: 'connection.requested_server_name' }
    const where = `${at}.requested_server_name`
    return { op: 'test', attribute, test: compileString(context, where, permission.requestedServerName) }
  }
  return unknown(context, at, 'holds no rule that is known')
}

function compilePrincipal(context: Context, at: string, principal: Principal): Predicate {
  const inner = (kind: string, list: readonly Principal[]) =>
    nonEmpty(`${at}.${kind}`, list).map((one, index) => compilePrincipal(context, `${at}.${kind}[${index}]`, one))
  if (principal.any === true) return always
  if (principal.andIds !== undefined) return { op: 'and', all: inner('and_ids', principal.andIds.ids) }
  if (principal.orIds !== undefined) return either(inner('or_ids', principal.orIds.ids))
  if (principal.notId !== undefined)
    return { op: 'not', not: compilePrincipal(context, `${at}.not_id`, principal.notId) }
  if (principal.header !== undefined) return compileHeader(context, `${at}.header`, principal.header)
  if (principal.urlPath !== undefined) return compileUrlPath(context, `${at}.url_path`, principal.urlPath.path)
  if (principal.sourceIp !== undefined) return inRange(`${at}.source_ip`, 'source.direct_address', principal.sourceIp)
  if (principal.directRemoteIp !== undefined) {
    return inRange(`${at}.direct_remote_ip`, 'source.direct_address', principal.directRemoteIp)
  }
  if (principal.remoteIp !== undefined) return inRange(`${at}.remote_ip`, 'source.address', principal.remoteIp)
  if (principal.authenticated !== undefined) {
    const name = principal.authenticated.principalName
    if (name === undefined) return { op: 'test', attribute: { name: 'connection.tls' }, test: { is: 'present' } }
    const test = compileString(context, `${at}.authenticated.principal_name`, name)
    return { op: 'test', attribute: { name: 'source.principal' }, test }
  }
  return unknown(context, at, 'holds no identity that is known')
}

function compileUrlPath(
  context: Context,
  at: string,
  matcher: Parameters<typeof compileString>[2] | undefined,
): Predicate {
  if (matcher === undefined) return refuse(`${at}.path`, 'is missing')
  return { op: 'test', attribute: { name: 'request.url_path' }, test: compileString(context, `${at}.path`, matcher) }
}

function inRange(at: string, name: PlainAttribute, range: CidrRange): Predicate {
  return { op: 'test', attribute: { name }, test: { is: 'cidr', cidr: compileCidr(at, range) } }
}

function portBetween(start: number, end: number): Predicate {
  return { op: 'test', attribute: { name: 'destination.port' }, test: { is: 'range', start, end } }
}

function either(any: readonly Predicate[]): Predicate {
  return any.length === 1 ? (any[0] as Predicate) : { op: 'or', any }
}

function nonEmpty<T>(at: string, list: readonly T[]): readonly T[] {
  return list.length === 0 ? refuse(at, 'is empty') : list
}
