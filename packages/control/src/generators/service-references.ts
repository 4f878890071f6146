// What stands behind and beside a Service, as its callers see it.
import type {
  PeerAuthenticationSpec,
  ServicePort,
  SpecByKind,
  TrafficPolicy,
  WorkloadEntrySpec,
  WorkloadSpec,
} from '@weft/resources'
import { nearest } from '../gateway-api/attached-policies.ts'
import { effectivePolicy } from '../gateway-api/policies.ts'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { type Callers, type DestinationRule, destinationRulesFor } from './destination-rules.ts'
import { type Service, serviceHost } from './hosts.ts'

/** A Service with what its clusters are made from. */
export interface ServiceReferences {
  readonly service: readonly [Service]
  readonly destinationRules: readonly DestinationRule[]
  /** Workloads behind the Service: their service accounts are who may answer. */
  readonly workloads: readonly SnapshotObject<WorkloadSpec>[]
  /** WorkloadEntries behind it, with what they take from their groups. */
  readonly workloadEntries: readonly SnapshotObject<WorkloadEntrySpec>[]
  /** Which may say whether those workloads take mutual TLS. */
  readonly peerAuthentications: readonly SnapshotObject<PeerAuthenticationSpec>[]
  /** Our own policies that limit its retries: at most one. */
  readonly retryBudgets: readonly SnapshotObject<SpecByKind['RetryPolicy']>[]
  /** Those of the Gateway API that may do so for some of its ports. */
  readonly trafficPolicies: readonly SnapshotObject<SpecByKind['XBackendTrafficPolicy']>[]
}

/** The references of a Service for callers of a `ruleScope`. */
export function serviceReferences(mesh: MeshQuery, service: Service, callers: Callers): ServiceReferences {
  const workloads = mesh.workloadsBehind(service)
  const retries = nearest('RetryPolicy', mesh.policiesOn(service.id), [{ id: service.id }])
  return {
    service: [service],
    retryBudgets: retries?.spec.budget === undefined ? [] : [retries],
    trafficPolicies: mesh.policiesFor('XBackendTrafficPolicy', service.id),
    destinationRules: destinationRulesFor(mesh, service, callers),
    workloads,
    workloadEntries: mesh.workloadEntriesBehind(service),
    peerAuthentications: mesh.peerAuthentications(
      workloads.map(({ id, labels }) => ({ namespace: id.namespace, labels })),
    ),
  }
}

/** The budget of a RetryPolicy, else that of an XBackendTrafficPolicy: both stand before that of a DestinationRule. */
export function attachedBudget(
  { service: [service], retryBudgets: [own], trafficPolicies }: ServiceReferences,
  port: Pick<ServicePort, 'name'>,
): Pick<TrafficPolicy, 'retryBudget'> {
  const budget = own?.spec.budget
  if (budget !== undefined) {
    return { retryBudget: { percent: budget.percent, minRetryConcurrency: budget.minConcurrency } }
  }
  const constraint = effectivePolicy(trafficPolicies, service, port)?.spec.retryConstraint
  if (constraint === undefined) return {}
  return {
    retryBudget: {
      percent: constraint.budget.percent,
      budgetInterval: constraint.budget.interval,
      // The rate that is always allowed is not one in time: so many may be in flight.
      minRetryConcurrency: constraint.minRetryRate.count ?? 10,
    },
  }
}

/** Whether callers of a `ruleScope` mean this host by its name; several objects may claim one. */
export function isSeen(mesh: MeshQuery, service: Service, { namespace }: Pick<Callers, 'namespace'>): boolean {
  return mesh.serviceSeenBy(serviceHost(service), namespace) === service
}
