// Policies of our own that a rule names as filters (ExtensionRef): they hold for its requests as if they were attached to it, before whatever is.
import type { HttpFilter, KindName, SpecByKind, WeightedBackendRef } from '@weft/resources'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { type AttachablePolicy, attachableKinds, type HoldingPolicies } from './attached-policies.ts'
import type { Fault } from './listeners.ts'
import type { Route } from './objects.ts'

type ExtensionRef = NonNullable<HttpFilter['extensionRef']>
type AttachableKind = (typeof attachableKinds)[number]

/** What has filters. */
export interface Filtered {
  readonly filters?: readonly HttpFilter[]
  readonly backendRefs?: readonly (WeightedBackendRef & { readonly filters?: readonly HttpFilter[] })[]
}

/** The kind of policy that a reference means; undefined: of something else. */
export function policyKindOf({ group, kind }: ExtensionRef): AttachableKind | undefined {
  return group === 'weft.dev' ? attachableKinds.find((one) => one === kind) : undefined
}

/** The references of a rule, those of its backends included. */
function extensionRefsOf({ filters = [], backendRefs = [] }: Filtered): ExtensionRef[] {
  const all = [...filters, ...backendRefs.flatMap((backend) => backend.filters ?? [])]
  return all.flatMap(({ extensionRef }) => extensionRef ?? [])
}

/** The references of a route to policies of ours, by kind. */
export function namedPolicies(route: Route): { readonly kind: AttachableKind; readonly name: string }[] {
  const rules: readonly Filtered[] = route.spec.rules ?? []
  return rules.flatMap(extensionRefsOf).flatMap((ref) => {
    const kind = policyKindOf(ref)
    return kind === undefined ? [] : [{ kind, name: ref.name }]
  })
}

/** The policies that a rule names. */
export function filterPolicies(
  { id: { namespace } }: Pick<Route, 'id'>,
  rule: Filtered,
  policies: readonly AttachablePolicy[],
): AttachablePolicy[] {
  return extensionRefsOf(rule).flatMap((ref) => policyOf(ref, namespace, policies) ?? [])
}

function policyOf(
  ref: ExtensionRef,
  namespace: string,
  policies: readonly AttachablePolicy[],
): AttachablePolicy | undefined {
  const kind = policyKindOf(ref)
  return policies.find(({ id }) => id.kind === kind && id.namespace === namespace && id.name === ref.name)
}

/** Why a reference leads nowhere: requests must not go on without a filter. */
function extensionFault(
  ref: ExtensionRef,
  { id: { namespace } }: Pick<Route, 'id'>,
  policies: readonly AttachablePolicy[],
): Fault | undefined {
  const { group, kind, name } = ref
  if (policyKindOf(ref) === undefined) {
    const message = `filters of kind ${kind}${group === '' ? '' : ` (${group})`} are not known; there are ${attachableKinds.join(', ')} of weft.dev`
    return { reason: 'InvalidKind', message }
  }
  if (policyOf(ref, namespace, policies) !== undefined) return undefined
  return { reason: 'FilterNotFound', message: `there is no ${kind} ${namespace}/${name}` }
}

/** The first reference of some rules of a route that leads nowhere. */
export function unresolvedExtension(
  route: Pick<Route, 'id'>,
  rules: readonly Filtered[],
  policies: readonly AttachablePolicy[],
): Fault | undefined {
  for (const ref of rules.flatMap(extensionRefsOf)) {
    const fault = extensionFault(ref, route, policies)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** What holds for the requests of a rule: what its filters say goes before what is attached. */
export function withFilters(holding: HoldingPolicies, filters: readonly AttachablePolicy[]): HoldingPolicies {
  const retry = ofKind('RetryPolicy', filters)
  const timeouts = ofKind('TimeoutPolicy', filters)
  const hedging = ofKind('HedgingPolicy', filters)
  return {
    ...holding,
    ...(retry === undefined ? {} : { retry }),
    ...(timeouts === undefined ? {} : { timeouts }),
    ...(hedging === undefined ? {} : { hedging }),
  }
}

function ofKind<K extends AttachableKind>(
  kind: K,
  policies: readonly AttachablePolicy[],
): SnapshotObject<SpecByKind[K]> | undefined {
  return policies.find((policy): policy is SnapshotObject<SpecByKind[K]> => isOfKind(policy, kind))
}

function isOfKind({ id }: AttachablePolicy, kind: KindName): boolean {
  return id.kind === kind
}
