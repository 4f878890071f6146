// AuthorizationPolicies of a workload as RBAC filters: first what is denied, then, if any ALLOW policy selects it, what is
// allowed. What cannot be enforced denies everything.
import { type Origin, originOf } from '@weft/core'
import type { AuthorizationPolicySpec, RequestAuthenticationSpec } from '@weft/resources'
import { type PolicySchema, RBAC_Action, type RBACSchema } from '@weft/xds/es/envoy/config/rbac/v3/rbac'
import type { FilterSchema } from '@weft/xds/es/envoy/config/listener/v3/listener_components'
import { RBACSchema as HttpRbacSchema } from '@weft/xds/es/envoy/extensions/filters/http/rbac/v3/rbac'
import type { HttpFilterSchema } from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import { RBACSchema as NetworkRbacSchema } from '@weft/xds/es/envoy/extensions/filters/network/rbac/v3/rbac'
import { pack } from '../generators/encode.ts'
import type { GeneratorProblem } from '../generators/generator.ts'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import type { SnapshotObject, SnapshotUnenforceable } from '../snapshot/mesh-snapshot.ts'
import { type AskedProvider, extAuthz } from './ext-authz.ts'
import { jwtAuthn } from './jwt-authn.ts'
import { jwtFilter } from './jwt-matchers.ts'
import { withKeyHosts } from './key-hosts.ts'
import { rbacPolicy, type RuleContext } from './rbac-rule.ts'
import { forAllDomains, trustOf } from './trust.ts'
import { policyLevel, type PolicyTarget, withServices } from './workload-selection.ts'
import type { Init } from '../generators/init.ts'

/** What selects a workload. */
export interface SelectedPolicies {
  readonly authentications: readonly SnapshotObject<RequestAuthenticationSpec>[]
  readonly policies: readonly SnapshotObject<AuthorizationPolicySpec>[]
  readonly unenforceable: readonly SnapshotUnenforceable[]
}

/** RBAC rules in the order of their filters, and where each named policy came from. */
export interface Authorization {
  /** HTTP filters that come before: tokens are read, and who has a say outside is asked. */
  readonly before: readonly Init<typeof HttpFilterSchema>[]
  readonly rules: readonly Init<typeof RBACSchema>[]
  /** By the name of the policy, or that of the filter with a number. */
  readonly origins: Readonly<Record<string, Origin>>
  readonly problems: readonly GeneratorProblem[]
}

type PolicyInit = Init<typeof PolicySchema>

const everything: PolicyInit = {
  permissions: [{ rule: { case: 'any', value: true } }],
  principals: [{ identifier: { case: 'any', value: true } }],
}

/** The policies that hold for a workload. */
export function policiesOf(mesh: MeshQuery, target: PolicyTarget): SelectedPolicies {
  const { rootNamespace } = mesh.settings
  const authentications = mesh.requestAuthentications([target])
  const policies = mesh.authorizationPolicies([target])
  const known = withServices(
    mesh,
    target,
    [...authentications, ...policies].map(({ spec }) => spec),
  )
  return {
    authentications: authentications
      .filter(({ id, spec }) => policyLevel(id, spec, known, rootNamespace) !== undefined)
      .map((authentication) => withKeyHosts(mesh, authentication)),
    policies: policies
      .filter(({ id, spec }) => policyLevel(id, spec, known, rootNamespace) !== undefined)
      .map((policy) => forAllDomains(policy, trustOf(mesh.settings))),
    unenforceable: mesh
      .unenforceable(target)
      .filter(
        ({ value }) =>
          policyLevel(value.id, { selector: { matchLabels: value.selector ?? {} } }, target, rootNamespace) !==
          undefined,
      ),
  }
}

/** What the proxy in front can do about policies. Nothing more than Weft's own proxy unless said. */
export interface Enforcer {
  readonly flavor: 'weft' | 'envoy'
  readonly providers: readonly AskedProvider[]
}

const weftProxy: Enforcer = { flavor: 'weft', providers: [] }

/** Translates the policies of a workload for one protocol. */
export function authorizationOf(
  selected: SelectedPolicies,
  protocol: RuleContext['protocol'],
  trustDomain: string,
  enforcer: Enforcer = weftProxy,
): Authorization {
  const collected = new Collected()
  for (const { value } of selected.unenforceable) {
    collected.denyAll(policyName(value.id, 'unenforceable'), originOf(value.id, ''))
  }
  const tokens = protocol === 'http' && selected.authentications.some(({ spec }) => spec.jwtRules.length > 0)
  if (tokens && enforcer.flavor === 'weft') {
    for (const { id } of selected.authentications) {
      collected.denyAll(policyName(id, 'tokens'), originOf(id, ''), "Weft's own proxy checks no JSON Web Tokens yet")
    }
  }
  for (const policy of selected.policies) translatePolicy(policy, { protocol, trustDomain, enforcer }, collected)
  const { deny, allow, audit, origins, problems } = collected
  const rules: Init<typeof RBACSchema>[] = []
  if (Object.keys(deny).length > 0) rules.push({ action: RBAC_Action.DENY, policies: deny })
  if (selected.policies.some((policy) => policy.spec.action === 'ALLOW')) {
    rules.push({ action: RBAC_Action.ALLOW, policies: allow })
  }
  if (Object.keys(audit).length > 0) rules.push({ action: RBAC_Action.LOG, policies: audit })
  const before =
    protocol === 'http' && enforcer.flavor === 'envoy'
      ? [
          ...jwtAuthn(selected.authentications),
          ...[...collected.custom.values()].flatMap(({ provider, policies }, index) =>
            extAuthz(provider, policies, index),
          ),
        ]
      : []
  // Nobody names the JWT filter but whoever asks for it: an explanation can tell who did.
  const readers = before.some(({ name }) => name === jwtFilter)
    ? selected.authentications.filter(({ spec }) => spec.jwtRules.length > 0)
    : []
  const named = Object.fromEntries(readers.map(({ id }, index) => [`${jwtFilter}/${index}`, originOf(id, '')]))
  return { before, rules, origins: { ...origins, ...named }, problems }
}

/** What the policies come to, by what is done about a match. */
class Collected {
  readonly deny: Record<string, PolicyInit> = {}
  readonly allow: Record<string, PolicyInit> = {}
  readonly audit: Record<string, PolicyInit> = {}
  readonly custom = new Map<string, { provider: Required<AskedProvider>; policies: Record<string, PolicyInit> }>()
  readonly origins: Record<string, Origin> = {}
  readonly problems: GeneratorProblem[] = []

  denyAll(name: string, origin: Origin, reason?: string): void {
    this.deny[name] = everything
    this.origins[name] = origin
    if (reason !== undefined) {
      this.problems.push({ origin, message: `cannot be enforced, so everything is denied: ${reason}` })
    }
  }

  ask(asked: Required<AskedProvider>, name: string, policy: PolicyInit): void {
    const known = this.custom.get(asked.provider.name) ?? { provider: asked, policies: {} }
    this.custom.set(asked.provider.name, known)
    known.policies[name] = policy
  }
}

function translatePolicy(
  { id, spec }: SnapshotObject<AuthorizationPolicySpec>,
  { protocol, trustDomain, enforcer }: { protocol: RuleContext['protocol']; trustDomain: string; enforcer: Enforcer },
  collected: Collected,
): void {
  const { action, rules, provider: named } = spec
  const asked = enforcer.providers.find(({ provider }) => provider.name === named?.name)
  const there = protocol === 'http' && asked?.at !== undefined ? { provider: asked.provider, at: asked.at } : undefined
  for (const [index, rule] of rules.entries()) {
    const origin = originOf(id, `spec.rules[${index}]`)
    const name = policyName(id, `rule[${index}]`)
    if (action === 'CUSTOM' && there === undefined) {
      collected.denyAll(name, origin, cannotAsk(protocol, asked ?? named?.name ?? '', enforcer))
      continue
    }
    const made = rbacPolicy(rule, { protocol, action, trustDomain, namespace: id.namespace, flavor: enforcer.flavor })
    if (!made.ok) {
      if (made.error.kind === 'unenforceable') collected.denyAll(name, origin, made.error.reason)
      continue
    }
    collected.origins[name] = origin
    if (there !== undefined && action === 'CUSTOM') collected.ask(there, name, made.value)
    else if (action === 'DENY') collected.deny[name] = made.value
    else if (action === 'AUDIT') collected.audit[name] = made.value
    else collected.allow[name] = made.value
  }
}

function cannotAsk(protocol: RuleContext['protocol'], asked: AskedProvider | string, { flavor }: Enforcer): string {
  if (flavor === 'weft') return "Weft's own proxy asks nobody outside yet"
  if (typeof asked === 'string') return `the mesh settings have no extension provider ${JSON.stringify(asked)}`
  const { name, envoyExtAuthzHttp, envoyExtAuthzGrpc } = asked.provider
  if (protocol !== 'http') return `${name} cannot be asked about TCP connections`
  const { service = '', port = 0 } = envoyExtAuthzHttp ?? envoyExtAuthzGrpc ?? {}
  // To fail open is to pass what a provider does not answer, not what nobody can be asked about.
  return `the extension provider ${name} is port ${port} of ${service}, which this workload cannot see in the mesh`
}

/** As HTTP filters. */
export function httpRbac(authorization: Authorization): Init<typeof HttpFilterSchema>[] {
  const rbac = authorization.rules.map((rules) => ({
    name: 'envoy.filters.http.rbac',
    configType: { case: 'typedConfig' as const, value: pack(HttpRbacSchema, { rules }) },
  }))
  return [...authorization.before, ...rbac]
}

/** As network filters. */
export function networkRbac(authorization: Authorization): Init<typeof FilterSchema>[] {
  return authorization.rules.map((rules) => ({
    name: 'envoy.filters.network.rbac',
    configType: { case: 'typedConfig', value: pack(NetworkRbacSchema, { rules, statPrefix: 'tcp.' }) },
  }))
}

/** Istio's names, which people find in `rbac_access_denied_matched_policy[...]`. */
function policyName(id: { readonly namespace: string; readonly name: string }, part: string): string {
  return `ns[${id.namespace}]-policy[${id.name}]-${part}`
}
