// Effective mutual TLS mode of a workload's port. Rules: Istio, PeerAuthentication: port of a workload policy, then workload,
// then namespace, then mesh, the oldest of each; UNSET inherits; without any, PERMISSIVE.
import { type Origin, originOf } from '@weft/core'
import type { MtlsMode, PeerAuthenticationSpec } from '@weft/resources'
import { byAge } from '../gateway-api/precedence.ts'
import type { Loser } from '../generators/generator.ts'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { policyLevel, type PolicyTarget } from './workload-selection.ts'

/** A mode that is in force, and the field that set it (undefined: the mesh default). */
export interface EffectiveMtls {
  readonly mode: Exclude<MtlsMode, 'UNSET'>
  readonly origin: Origin | undefined
}

type PeerAuthentication = SnapshotObject<PeerAuthenticationSpec>

/**
 * The policies that hold for a workload, most specific first, and of one level the oldest first. One of the root namespace that selects by labels holds for nobody, as in
 * Istio: it would stand above what a namespace demands of its callers.
 */
export function peerAuthenticationsOf(
  all: readonly PeerAuthentication[],
  target: PolicyTarget,
  rootNamespace: string,
): PeerAuthentication[] {
  const order = { workload: 0, namespace: 1, class: 2, mesh: 3 }
  return all
    .flatMap((policy) => {
      if (policy.id.namespace === rootNamespace && isWorkloadLevel(policy)) return []
      const level = policyLevel(policy.id, policy.spec, target, rootNamespace)
      return level === undefined ? [] : [{ policy, rank: order[level] }]
    })
    .sort((a, b) => a.rank - b.rank || byAge(a.policy, b.policy))
    .map(({ policy }) => policy)
}

/** The mode of a port, from the policies that hold, most specific first. Of each level the first alone counts, also where it is UNSET, as in Istio. */
export function effectiveMtls(policies: readonly PeerAuthentication[], port: number): EffectiveMtls {
  for (const [index, policy] of policies.entries()) {
    if (index > 0 && levelOf(policy) === levelOf(policies[index - 1] as PeerAuthentication)) continue
    const portMode = isWorkloadLevel(policy) ? policy.spec.portLevelMtls[String(port)]?.mode : undefined
    if (portMode !== undefined && portMode !== 'UNSET') {
      return { mode: portMode, origin: originOf(policy.id, `spec.portLevelMtls["${port}"].mode`) }
    }
    if (policy.spec.mtls.mode !== 'UNSET') {
      return { mode: policy.spec.mtls.mode, origin: originOf(policy.id, 'spec.mtls.mode') }
    }
  }
  return { mode: 'PERMISSIVE', origin: undefined }
}

/**
 * Whether a workload takes mutual TLS on a port of this mode. A sidecar does unless told not to. gRPC's own servers take either mutual
 * TLS or plaintext, so where both are allowed they take what every client can speak.
 */
export function takesMtls({ proxy }: { readonly proxy: string }, mode: EffectiveMtls['mode']): boolean {
  return proxy === 'sidecar' ? mode !== 'DISABLE' : proxy === 'grpc' && mode === 'STRICT'
}

/** Policies that another one of the same level and namespace makes ineffective: the oldest wins, then the first by name. */
export function duplicatePeerAuthentications(policies: readonly PeerAuthentication[]): Loser[] {
  const winners = new Map<string, PeerAuthentication>()
  const losers: Loser[] = []
  for (const policy of policies) {
    const level = levelOf(policy)
    const winner = winners.get(level)
    if (winner === undefined) winners.set(level, policy)
    else {
      losers.push({
        origin: originOf(policy.id, ''),
        reason: 'duplicate-policy',
        by: originOf(winner.id, ''),
        detail:
          'two PeerAuthentications select the same workload; the older one, or else the first by name, is in force',
      })
    }
  }
  return losers
}

function levelOf(policy: PeerAuthentication): string {
  return `${policy.id.namespace}/${isWorkloadLevel(policy) ? 'workload' : 'wide'}`
}

function isWorkloadLevel(policy: PeerAuthentication): boolean {
  return Object.keys(policy.spec.selector?.matchLabels ?? {}).length > 0
}
