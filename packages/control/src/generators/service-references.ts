// What stands behind and beside each Service, found once per configuration and namespace: proxies of a namespace share it, so
// that a change does not search services x workloads again for each of them.
import type { PeerAuthenticationSpec, WorkloadSpec } from '@weft/resources'
import type { ConfigPart, SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { type DestinationRule, destinationRulesFor } from './destination-rules.ts'
import { type Service, standsFor } from './hosts.ts'

/** A Service with what its clusters are made from. */
export interface ServiceReferences {
  readonly service: readonly [Service]
  readonly destinationRules: readonly DestinationRule[]
  /** Workloads behind the Service: their service accounts are who may answer. */
  readonly workloads: readonly SnapshotObject<WorkloadSpec>[]
  /** Which may say whether those workloads take mutual TLS. */
  readonly peerAuthentications: readonly SnapshotObject<PeerAuthenticationSpec>[]
}

const known = new WeakMap<ConfigPart, Map<string, readonly ServiceReferences[]>>()

/** One entry per Service, as callers of `namespace` see it. The same objects for the same configuration. */
export function serviceReferences(config: ConfigPart, namespace: string): readonly ServiceReferences[] {
  const byNamespace = known.get(config) ?? new Map<string, readonly ServiceReferences[]>()
  known.set(config, byNamespace)
  const found = byNamespace.get(namespace)
  if (found !== undefined) return found
  const made = config.objects.Service.map((service) => ({
    service: [service] as const,
    destinationRules: destinationRulesFor(config, service, namespace),
    workloads: config.objects.Workload.filter((workload) =>
      standsFor(service, { namespace: workload.id.namespace, labels: workload.labels }),
    ),
    peerAuthentications: peerAuthenticationsBeside(config, service),
  }))
  byNamespace.set(namespace, made)
  return made
}

/** PeerAuthentications of a Service's namespace and of the whole mesh: its workloads are among those they may select. */
export function peerAuthenticationsBeside(
  config: ConfigPart,
  service: Service,
): readonly SnapshotObject<PeerAuthenticationSpec>[] {
  return config.objects.PeerAuthentication.filter(
    ({ id }) => id.namespace === service.id.namespace || id.namespace === config.settings.rootNamespace,
  )
}
