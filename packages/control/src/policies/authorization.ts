// AuthorizationPolicies of a workload as RBAC filters: first what is denied, then, if any ALLOW policy selects it, what is
// allowed. What cannot be enforced denies everything.
import { type Origin, originOf } from '@weft/core'
import type { AuthorizationPolicySpec } from '@weft/resources'
import { type PolicySchema, RBAC_Action, type RBACSchema } from '@weft/xds/es/envoy/config/rbac/v3/rbac'
import type { FilterSchema } from '@weft/xds/es/envoy/config/listener/v3/listener_components'
import { RBACSchema as HttpRbacSchema } from '@weft/xds/es/envoy/extensions/filters/http/rbac/v3/rbac'
import type { HttpFilterSchema } from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import { RBACSchema as NetworkRbacSchema } from '@weft/xds/es/envoy/extensions/filters/network/rbac/v3/rbac'
import { pack } from '../generators/encode.ts'
import type { GeneratorProblem } from '../generators/generator.ts'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import type { SnapshotObject, SnapshotUnenforceable } from '../snapshot/mesh-snapshot.ts'
import { rbacPolicy, type RuleContext } from './rbac-rule.ts'
import { policyLevel, type PolicyTarget } from './workload-selection.ts'
import type { Init } from '../generators/init.ts'

/** What selects a workload. */
export interface SelectedPolicies {
  readonly policies: readonly SnapshotObject<AuthorizationPolicySpec>[]
  readonly unenforceable: readonly SnapshotUnenforceable[]
}

/** RBAC rules in the order of their filters, and where each named policy came from. */
export interface Authorization {
  readonly rules: readonly Init<typeof RBACSchema>[]
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
  return {
    policies: mesh
      .authorizationPolicies([target])
      .filter(
        (policy) => policyLevel(policy.id, policy.spec.selector?.matchLabels, target, rootNamespace) !== undefined,
      ),
    unenforceable: mesh
      .unenforceable(target)
      .filter(({ value }) => policyLevel(value.id, value.selector, target, rootNamespace) !== undefined),
  }
}

/** Translates the policies of a workload for one protocol. */
export function authorizationOf(
  selected: SelectedPolicies,
  protocol: RuleContext['protocol'],
  trustDomain: string,
): Authorization {
  const deny: Record<string, PolicyInit> = {}
  const allow: Record<string, PolicyInit> = {}
  const origins: Record<string, Origin> = {}
  const problems: GeneratorProblem[] = []
  for (const { value } of selected.unenforceable) {
    const name = policyName(value.id, 'unenforceable')
    deny[name] = everything
    origins[name] = originOf(value.id, '')
  }
  for (const policy of selected.policies) {
    const { action, rules } = policy.spec
    const { namespace } = policy.id
    for (const [index, rule] of rules.entries()) {
      const origin = originOf(policy.id, `spec.rules[${index}]`)
      const name = policyName(policy.id, `rule[${index}]`)
      const made = rbacPolicy(rule, { protocol, action, trustDomain, namespace })
      if (made.ok) {
        const into = action === 'DENY' ? deny : allow
        into[name] = made.value
        origins[name] = origin
      } else if (made.error.kind === 'unenforceable') {
        deny[name] = everything
        origins[name] = origin
        problems.push({ origin, message: `cannot be enforced, so everything is denied: ${made.error.reason}` })
      }
    }
  }
  const filters: Init<typeof RBACSchema>[] = []
  if (Object.keys(deny).length > 0) filters.push({ action: RBAC_Action.DENY, policies: deny })
  if (selected.policies.some((policy) => policy.spec.action === 'ALLOW')) {
    filters.push({ action: RBAC_Action.ALLOW, policies: allow })
  }
  return { rules: filters, origins, problems }
}

/** As HTTP filters. */
export function httpRbac(authorization: Authorization): Init<typeof HttpFilterSchema>[] {
  return authorization.rules.map((rules) => ({
    name: 'envoy.filters.http.rbac',
    configType: { case: 'typedConfig', value: pack(HttpRbacSchema, { rules }) },
  }))
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
