// What an Envoy decides and nobody here can: filters that are not known, and policies with conditions that are not.
import { authorize } from '../decide/authorize.ts'
import type { HttpFilter, Origins, RbacPolicies, RbacPolicy, UnknownFilter } from '../model.ts'
import type { Recorder } from '../prove/proof.ts'
import type { Subject } from '../request-head.ts'
import type { ExplainStep, Undecided } from './explanation.ts'

/** What filters decide by, as far as their type tells. */
const decidesBy: Readonly<Record<string, string>> = {
  JwtAuthentication: 'by the token',
  ExtAuthz: 'by the answer of an authorizer',
  RateLimit: 'by the answer of a rate limit service',
  LocalRateLimit: 'by counting requests',
  Lua: 'by its script',
  Wasm: 'by its module',
  RBAC: 'by its rules',
  OAuth2: 'by the session',
  ConnectionLimit: 'by counting connections',
}

/** Policies that decide if their unknown conditions turn out so; none where known ones decide alone. */
export function openPolicies(rules: RbacPolicies | undefined, subject: Subject): readonly RbacPolicy[] {
  if (rules === undefined || rules.action === 'log') return []
  if (authorize(rules, undefined, subject).policy !== undefined) return []
  return rules.policies.filter(({ possible }) => possible?.test(subject) === true)
}

/** Tells policies that are open. */
export function recordOpen(open: readonly RbacPolicy[], { action }: RbacPolicies, recorder: Recorder): void {
  const names = open.map(({ name }) => name).join(', ')
  const plural = open.length > 1
  recorder.step({
    decision: 'authorization',
    chosen: names,
    summary: `Envoy decides: ${action.toUpperCase()} ${plural ? 'policies' : 'policy'} ${names} ${plural ? 'ask' : 'asks'} for what is not computed here`,
    origins: numbered(open.flatMap(({ origin }) => (origin === undefined ? [] : [origin]))),
    losers: [],
    undecided: true,
  })
}

/** Tells a filter that is not known; `asked`: CUSTOM policies that have it asked. */
export function recordUnknown(
  { name, type, origins, patched }: UnknownFilter & { readonly name: string },
  recorder: Recorder,
  asked: readonly RbacPolicy[] = [],
): void {
  const by = decidesBy[type] ?? 'by its settings'
  const whose = asked.length === 0 ? '' : `, for ${asked.map((policy) => policy.name).join(', ')}`
  const whence = patched ? ' (EnvoyFilters change this listener)' : ''
  const own = numbered(asked.flatMap(({ origin }) => (origin === undefined ? [] : [origin])))
  recorder.step({
    decision: 'filter',
    chosen: name,
    summary: `${name}: Envoy decides ${by}${whose}; not computed here${whence}`,
    origins: asked.length === 0 ? origins : own,
    losers: [],
    undecided: true,
  })
}

/** The mark that Istio sets before the names of CUSTOM policies, in the filter right in front of the one that asks. */
const marked = 'istio-ext-authz-'

/**
 * The CUSTOM policies that have an authorizer asked about a request; undefined: nothing says when it is asked. A filter that EnvoyFilters may
 * have put there is none of theirs.
 */
export function customPolicies(
  filters: readonly HttpFilter[],
  filter: HttpFilter,
  subject: Subject,
): readonly RbacPolicy[] | undefined {
  const before = filters[filters.indexOf(filter) - 1]
  if (filter.kind !== 'unknown' || filter.type !== 'ExtAuthz' || filter.patched) return undefined
  if (before?.kind !== 'rbac' || before.rules !== undefined || before.shadow === undefined) return undefined
  const { policies } = before.shadow
  if (!policies.every(({ name }) => name.startsWith(marked))) return undefined
  return policies
    .filter(({ permission, principal, possible }) =>
      possible === undefined ? permission.test(subject) && principal.test(subject) : possible.test(subject),
    )
    .map((policy) => ({ ...policy, name: policy.name.slice(marked.length) }))
}

/** Tells that no CUSTOM policy is about the request. */
export function recordUnasked({ name }: HttpFilter, recorder: Recorder): void {
  const summary = `${name}: nobody is asked, since no CUSTOM policy is about this request`
  recorder.step({ decision: 'filter', chosen: undefined, summary, origins: {}, losers: [] })
}

/** What of a way was not decided. */
export function undecidedOf(steps: readonly ExplainStep[]): readonly Undecided[] {
  return steps.flatMap(({ undecided, proxy, chosen = '', decision, summary, origins }) =>
    undecided === true
      ? [{ proxy, name: chosen, kind: decision === 'filter' ? 'filter' : 'policy', why: summary, origins }]
      : [],
  )
}

function numbered(origins: readonly string[]): Origins {
  return Object.fromEntries([...new Set(origins)].map((origin, index) => [`origin${index || ''}`, origin]))
}
