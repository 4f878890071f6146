// Policies that are attached to Services: which of several holds.
import type { ServicePort, ServiceSpec, TargetReference } from '@weft/resources'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { byAge } from './precedence.ts'

/** A policy that names Services (and maybe a port of them). */
export type AttachedPolicy<S> = SnapshotObject<S & { readonly targetRefs: readonly TargetReference[] }>

/** The policy that holds for a Service port: one that names the port before one for the whole Service, then the oldest. */
export function effectivePolicy<P extends AttachedPolicy<unknown>>(
  policies: readonly P[],
  service: Pick<SnapshotObject<ServiceSpec>, 'id'>,
  port: Pick<ServicePort, 'name'>,
): P | undefined {
  const ranked = policies.flatMap((policy) => {
    const named = targetsOf(policy, service)
    if (named.some(({ sectionName }) => sectionName !== undefined && sectionName === port.name)) {
      return [{ policy, rank: 0 }]
    }
    return named.some(({ sectionName }) => sectionName === undefined) ? [{ policy, rank: 1 }] : []
  })
  return ranked.sort((a, b) => a.rank - b.rank || byAge(a.policy, b.policy))[0]?.policy
}

/** The references of a policy that mean a Service. */
export function targetsOf(
  { id, spec }: AttachedPolicy<unknown>,
  service: Pick<SnapshotObject<ServiceSpec>, 'id'>,
): readonly TargetReference[] {
  if (id.namespace !== service.id.namespace) return []
  return spec.targetRefs.filter(
    ({ group, kind, name }) => group === '' && kind === 'Service' && name === service.id.name,
  )
}
