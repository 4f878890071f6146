// One AuthorizationPolicy rule as an Envoy RBAC policy. Attributes and their mapping are Istio's.
import { err, ok, type Result } from '@weft/core'
import {
  type AuthorizationPolicySpec,
  type Condition,
  filterCondition,
  type Operation,
  type Rule,
  type Source,
} from '@weft/resources'
import type { PolicySchema } from '@weft/xds/es/envoy/config/rbac/v3/rbac'
import { UriTemplateMatchConfigSchema } from '@weft/xds/es/envoy/extensions/path/match/uri_template/v3/uri_template_match'
import { pack } from '../generators/encode.ts'
import { claim, requestPrincipal } from './jwt-matchers.ts'
import {
  allOfPermissions,
  allOfPrincipals,
  anyOfPermissions,
  anyOfPrincipals,
  authenticated,
  cidr,
  headerMatcher,
  inNamespace,
  inTrustDomain,
  type PermissionInit,
  principalName,
  type PrincipalInit,
  wildcard,
} from './rbac-matchers.ts'
import type { Init } from '../generators/init.ts'

/** Where a rule is translated for. */
export interface RuleContext {
  /** `connect`: TCP inside a CONNECT stream, whose authority names the port. */
  readonly protocol: 'http' | 'tcp' | 'connect'
  readonly action: AuthorizationPolicySpec['action']
  /** Weft's own proxy has fewer matchers. */
  readonly flavor?: 'weft' | 'envoy'
  readonly trustDomain: string
  /** Namespace of the policy, for service accounts without one. */
  readonly namespace: string
}

/** An attribute: values to matchers. `http`: does not exist on TCP. */
type Attribute =
  | { readonly on: 'permission'; readonly http: boolean; readonly make: (value: string) => PermissionInit | undefined }
  | { readonly on: 'principal'; readonly http: boolean; readonly make: (value: string) => PrincipalInit | undefined }

const hosts: Attribute = {
  on: 'permission',
  http: true,
  make: (value) => ({ rule: { case: 'header', value: headerMatcher(':authority', value, true) } }),
}
const methods: Attribute = {
  on: 'permission',
  http: true,
  make: (value) => ({ rule: { case: 'header', value: headerMatcher(':method', value) } }),
}
/** What Weft's own proxy has no matcher for is not said to it, so that the policy denies there. */
function onEnvoy<A extends Attribute>(attribute: A, { flavor }: Pick<RuleContext, 'flavor'>): A {
  return flavor === 'envoy' ? attribute : { ...attribute, make: () => undefined }
}

function paths({ flavor }: Pick<RuleContext, 'flavor'>): Attribute {
  return {
    on: 'permission',
    http: true,
    make(value) {
      if (!value.includes('{')) {
        return { rule: { case: 'urlPath', value: { rule: { case: 'path', value: wildcard(value) } } } }
      }
      return flavor === 'envoy' ? pathTemplate(value) : undefined
    },
  }
}

/** Istio writes `{*}` and `{**}` where Envoy has the asterisks alone. */
function pathTemplate(value: string): PermissionInit {
  const template = pack(UriTemplateMatchConfigSchema, { pathTemplate: value.replaceAll(/\{(\*+)\}/g, '$1') })
  return {
    rule: {
      case: 'uriTemplate',
      value: { name: 'envoy.path.match.uri_template.uri_template_matcher', typedConfig: template },
    },
  }
}
function ports({ protocol }: Pick<RuleContext, 'protocol'>): Attribute {
  return {
    on: 'permission',
    http: false,
    make(value) {
      if (!/^\d{1,5}$/.test(value)) return undefined
      return protocol === 'connect'
        ? { rule: { case: 'header', value: headerMatcher(':authority', `*:${Number(value)}`) } }
        : { rule: { case: 'destinationPort', value: Number(value) } }
    },
  }
}
const destinationIp: Attribute = {
  on: 'permission',
  http: false,
  make: (value) => {
    const range = cidr(value)
    return range && { rule: { case: 'destinationIp', value: range } }
  },
}
const sni: Attribute = {
  on: 'permission',
  http: false,
  make: (value) => ({ rule: { case: 'requestedServerName', value: wildcard(value) } }),
}
const principals: Attribute = { on: 'principal', http: false, make: principalName }
const namespaces: Attribute = { on: 'principal', http: false, make: inNamespace }
const sourceIp: Attribute = {
  on: 'principal',
  http: false,
  make: (value) => {
    const range = cidr(value)
    return range && { identifier: { case: 'directRemoteIp', value: range } }
  },
}
const remoteIp: Attribute = {
  on: 'principal',
  http: true,
  make: (value) => {
    const range = cidr(value)
    return range && { identifier: { case: 'remoteIp', value: range } }
  },
}

const tokenPrincipal: Attribute = { on: 'principal', http: true, make: requestPrincipal }

function tokenClaim(...path: readonly string[]): Attribute {
  return { on: 'principal', http: true, make: (value) => claim(path, value) }
}

const trustDomains: Attribute = {
  on: 'principal',
  http: false,
  make: (value) => authenticated(inTrustDomain(value)),
}

function serviceAccounts({ namespace, trustDomain }: RuleContext): Attribute {
  return {
    on: 'principal',
    http: false,
    make(value) {
      const [first, second] = value.split('/') as [string, string | undefined]
      const [ns, account] = second === undefined ? [namespace, first] : [first, second]
      return authenticated({ matchPattern: { case: 'exact', value: `spiffe://${trustDomain}/ns/${ns}/sa/${account}` } })
    },
  }
}

function header(name: string): Attribute {
  return {
    on: 'principal',
    http: true,
    make: (value) => ({ identifier: { case: 'header', value: headerMatcher(name, value) } }),
  }
}

/** What a filter before left in the metadata: a text, or with brackets around the value a list that holds it. */
function filterMetadata(filter: string, key: string): Attribute {
  return {
    on: 'permission',
    http: false,
    make(value) {
      const inList = /^\[(.*)\]$/.exec(value)?.[1]
      const text = { matchPattern: { case: 'stringMatch' as const, value: wildcard(inList ?? value) } }
      const list = { matchPattern: { case: 'oneOf' as const, value: text } }
      const found = inList === undefined ? text : { matchPattern: { case: 'listMatch' as const, value: list } }
      const path = [{ segment: { case: 'key' as const, value: key } }]
      return { rule: { case: 'metadata', value: { filter, path, value: found } } }
    },
  }
}

function conditionAttribute(key: string, context: RuleContext): Attribute | undefined {
  const headerName = /^request\.headers\[(.+)\]$/.exec(key)?.[1]
  if (headerName !== undefined) return header(headerName.toLowerCase())
  const claims = /^request\.auth\.claims((?:\[[^[\]]+\])+)$/.exec(key)?.[1]
  if (claims !== undefined) return onEnvoy(tokenClaim(...claims.slice(1, -1).split('][')), context)
  const [, filter, name] = filterCondition.exec(key) ?? []
  if (filter !== undefined && name !== undefined) return onEnvoy(filterMetadata(filter, name), context)
  const known: Readonly<Record<string, Attribute>> = {
    'source.ip': sourceIp,
    'remote.ip': onEnvoy(remoteIp, context),
    'source.trustDomain': trustDomains,
    'request.auth.principal': onEnvoy(tokenPrincipal, context),
    'request.auth.audiences': onEnvoy(tokenClaim('aud'), context),
    'request.auth.presenter': onEnvoy(tokenClaim('azp'), context),
    'source.namespace': namespaces,
    'source.principal': principals,
    'source.serviceAccount': serviceAccounts(context),
    'destination.ip': destinationIp,
    'destination.port': ports(context),
    'connection.sni': sni,
  }
  return known[key]
}

/** Whether a policy has a condition on the server name of TLS, which tunnels do not carry. */
export function asksServerName(policies: readonly { readonly spec: AuthorizationPolicySpec }[]): boolean {
  return policies.some(({ spec }) =>
    spec.rules.some((rule) => (rule.when ?? []).some(({ key }) => key === 'connection.sni')),
  )
}

/** One requirement: some (or with `not`, none) of the values. */
interface Requirement {
  readonly field: string
  readonly attribute: Attribute
  readonly values: readonly string[]
  readonly not: boolean
}

/** A rule cannot be expressed at all (then the whole policy cannot be enforced), or matches nothing on this protocol. */
export type RuleFailure = { readonly kind: 'unenforceable'; readonly reason: string } | { readonly kind: 'never' }

/**
 * Translates a rule. On TCP, where HTTP attributes do not exist, an ALLOW rule with one never matches, and a DENY rule is
 * taken without them, so that it denies more, never less (Istio does the same).
 */
export function rbacPolicy(rule: Rule, context: RuleContext): Result<Init<typeof PolicySchema>, RuleFailure> {
  const conditions: Requirement[] = []
  for (const condition of rule.when ?? []) {
    const attribute = conditionAttribute(condition.key, context)
    if (attribute === undefined) return err({ kind: 'unenforceable', reason: `unknown condition key ${condition.key}` })
    conditions.push(...conditionRequirements(condition, attribute))
  }
  const permissions: PermissionInit[] = []
  for (const to of rule.to ?? [{ operation: {} }]) {
    const made = translate([...operationRequirements(to.operation, context), ...conditions], 'permission', context)
    if (!made.ok) return made
    permissions.push(allOfPermissions(made.value as PermissionInit[]))
  }
  const ids: PrincipalInit[] = []
  for (const from of rule.from ?? [{ source: {} }]) {
    const made = translate([...sourceRequirements(from.source, context), ...conditions], 'principal', context)
    if (!made.ok) return made
    ids.push(allOfPrincipals(made.value as PrincipalInit[]))
  }
  return ok({ permissions, principals: ids })
}

function translate(
  requirements: readonly Requirement[],
  on: Attribute['on'],
  context: RuleContext,
): Result<(PermissionInit | PrincipalInit)[], RuleFailure> {
  const made: (PermissionInit | PrincipalInit)[] = []
  for (const { attribute, values, not, field } of requirements) {
    if (attribute.http && context.protocol !== 'http') {
      if (context.action === 'ALLOW') return err({ kind: 'never' })
      continue
    }
    if (attribute.on !== on) continue
    const matchers = values.map((value) => attribute.make(value))
    const bad = matchers.indexOf(undefined)
    if (bad >= 0)
      return err({ kind: 'unenforceable', reason: `${field}: ${JSON.stringify(values[bad])} is not supported` })
    made.push(
      attribute.on === 'permission'
        ? anyOfPermissions(matchers as PermissionInit[], not)
        : anyOfPrincipals(matchers as PrincipalInit[], not),
    )
  }
  return ok(made)
}

function conditionRequirements(condition: Condition, attribute: Attribute): Requirement[] {
  return pair(condition.key, attribute, condition.values, condition.notValues)
}

function operationRequirements(operation: Operation, context: RuleContext): Requirement[] {
  return [
    ...pair('hosts', hosts, operation.hosts, operation.notHosts),
    ...pair('methods', methods, operation.methods, operation.notMethods),
    ...pair('paths', paths(context), operation.paths, operation.notPaths),
    ...pair('ports', ports(context), operation.ports, operation.notPorts),
  ]
}

function sourceRequirements(source: Source, context: RuleContext): Requirement[] {
  return [
    ...pair('principals', principals, source.principals, source.notPrincipals),
    ...pair('namespaces', namespaces, source.namespaces, source.notNamespaces),
    ...pair('serviceAccounts', serviceAccounts(context), source.serviceAccounts, source.notServiceAccounts),
    ...pair('ipBlocks', sourceIp, source.ipBlocks, source.notIpBlocks),
    ...pair('remoteIpBlocks', onEnvoy(remoteIp, context), source.remoteIpBlocks, source.notRemoteIpBlocks),
    ...pair('trustDomains', trustDomains, source.trustDomains, source.notTrustDomains),
    ...pair(
      'requestPrincipals',
      onEnvoy(tokenPrincipal, context),
      source.requestPrincipals,
      source.notRequestPrincipals,
    ),
  ]
}

function pair(
  field: string,
  attribute: Attribute,
  values: readonly string[] | undefined,
  notValues: readonly string[] | undefined,
): Requirement[] {
  const requirements: Requirement[] = []
  if (values !== undefined && values.length > 0) requirements.push({ field, attribute, values, not: false })
  if (notValues !== undefined && notValues.length > 0) {
    requirements.push({ field: `not ${field}`, attribute, values: notValues, not: true })
  }
  return requirements
}
