// The trust domain of a mesh and the others that stand for it: whoever has one of them is the same.
import type { AuthorizationPolicySpec, Condition, Rule, Source } from '@weft/resources'
import type { MeshSettings } from '../snapshot/mesh-settings.ts'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'

/** Whose certificates are taken. */
export interface Trust {
  readonly trustDomain: string
  /** Other domains that stand for it. */
  readonly aliases?: readonly string[]
}

/** What a mesh trusts. */
export function trustOf({ trustDomain, config: { trustDomainAliases: aliases } }: MeshSettings): Trust {
  return aliases === undefined || aliases.length === 0 ? { trustDomain } : { trustDomain, aliases }
}

/** The domain itself first, then its aliases, each once. */
export function trustDomainsOf({ trustDomain, aliases = [] }: Trust): string[] {
  return [...new Set([trustDomain, ...aliases])]
}

/**
 * A policy that means by each identity of one of the domains that of all of them, as Istio has it. Where `*` stands for the
 * domain, or for what comes before, all of them are meant already.
 */
export function forAllDomains(
  policy: SnapshotObject<AuthorizationPolicySpec>,
  trust: Trust,
): SnapshotObject<AuthorizationPolicySpec> {
  const domains = trustDomainsOf(trust)
  if (domains.length === 1) return policy
  const context = { domains, namespace: policy.id.namespace }
  return { ...policy, spec: { ...policy.spec, rules: policy.spec.rules.map((rule) => ruleFor(rule, context)) } }
}

interface Context {
  readonly domains: readonly string[]
  /** Of the policy, for service accounts without one. */
  readonly namespace: string
}

function ruleFor(rule: Rule, context: Context): Rule {
  return {
    ...rule,
    ...(rule.from === undefined
      ? {}
      : { from: rule.from.map(({ source }) => ({ source: sourceFor(source, context) })) }),
    ...(rule.when === undefined ? {} : { when: rule.when.map((condition) => conditionFor(condition, context)) }),
  }
}

function sourceFor({ serviceAccounts, notServiceAccounts, ...source }: Source, context: Context): Source {
  const principals = bothOf(source.principals, serviceAccounts, context)
  const notPrincipals = bothOf(source.notPrincipals, notServiceAccounts, context)
  return {
    ...source,
    ...(principals === undefined ? {} : { principals }),
    ...(notPrincipals === undefined ? {} : { notPrincipals }),
  }
}

/** A source has either of the two: a service account is written as the identity that it has. */
function bothOf(
  principals: readonly string[] | undefined,
  accounts: readonly string[] | undefined,
  context: Context,
): string[] | undefined {
  if (principals === undefined && accounts === undefined) return undefined
  return [
    ...(principals ?? []).flatMap((value) => namesOf(value, context)),
    ...(accounts ?? []).flatMap((account) => identitiesOf(account, context)),
  ]
}

function conditionFor(condition: Condition, context: Context): Condition {
  const { key, values, notValues } = condition
  const each = key === 'source.principal' ? namesOf : key === 'source.serviceAccount' ? identitiesOf : undefined
  if (each === undefined) return condition
  const all = (list: readonly string[]): string[] => list.flatMap((value) => each(value, context))
  return {
    key: 'source.principal',
    ...(values === undefined ? {} : { values: all(values) }),
    ...(notValues === undefined ? {} : { notValues: all(notValues) }),
  }
}

function namesOf(principal: string, { domains }: Context): string[] {
  const slash = principal.indexOf('/')
  if (slash < 0 || !domains.includes(principal.slice(0, slash))) return [principal]
  return domains.map((domain) => `${domain}${principal.slice(slash)}`)
}

function identitiesOf(account: string, { domains, namespace }: Context): string[] {
  const [first = '', second] = account.split('/')
  const [home, name] = second === undefined ? [namespace, first] : [first, second]
  return domains.map((domain) => `${domain}/ns/${home}/sa/${name}`)
}
