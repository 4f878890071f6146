// Policies of our own on the way of a request: of those attached to its rule, route, listener, Gateway and Service the nearest of
// each kind holds, and of several on one object the oldest.
import type { ObjectId } from '@weft/core'
import type { KindName, SpecByKind, TargetReference } from '@weft/resources'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { byAge } from './precedence.ts'

/** Kinds of ours that are attached to what carries or takes requests. */
export const attachableKinds = ['RateLimit', 'RetryPolicy', 'TimeoutPolicy', 'HedgingPolicy'] as const
type AttachableKind = (typeof attachableKinds)[number]

/** A policy of one of these kinds. */
export type AttachablePolicy = SnapshotObject<SpecByKind[AttachableKind]>

/** An object, or a part of it, that policies may be attached to. */
export interface PolicyTarget {
  readonly id: ObjectId
  readonly sectionName?: string | undefined
}

/** What holds for a request. */
export interface HoldingPolicies {
  readonly retry?: SnapshotObject<SpecByKind['RetryPolicy']>
  readonly timeouts?: SnapshotObject<SpecByKind['TimeoutPolicy']>
  readonly hedging?: SnapshotObject<SpecByKind['HedgingPolicy']>
}

/** What says how requests are sent; `way` is what they pass, nearest first. */
export function holdingPolicies(policies: readonly AttachablePolicy[], way: readonly PolicyTarget[]): HoldingPolicies {
  if (policies.length === 0) return {}
  const retry = nearest('RetryPolicy', policies, way)
  const timeouts = nearest('TimeoutPolicy', policies, way)
  const hedging = nearest('HedgingPolicy', policies, way)
  return {
    ...(retry === undefined ? {} : { retry }),
    ...(timeouts === undefined ? {} : { timeouts }),
    ...(hedging === undefined ? {} : { hedging }),
  }
}

/** The policy of a kind that holds on a way. */
export function nearest<K extends AttachableKind>(
  kind: K,
  policies: readonly AttachablePolicy[],
  way: readonly PolicyTarget[],
): SnapshotObject<SpecByKind[K]> | undefined {
  const ofKind = policies.filter((policy): policy is SnapshotObject<SpecByKind[K]> => isOf(policy, kind))
  for (const target of way) {
    const [oldest] = ofKind.filter((policy) => namesTarget(policy, target)).sort(byAge)
    if (oldest !== undefined) return oldest
  }
  return undefined
}

/** Whether a policy names exactly this object or part. */
export function namesTarget({ id, spec }: AttachablePolicy, target: PolicyTarget): boolean {
  return spec.targetRefs.some((ref) => means(ref, id.namespace, target))
}

/** Whether a policy names a part of this object. */
export function namesPartOf({ id, spec }: AttachablePolicy, whole: ObjectId): boolean {
  return spec.targetRefs.some(
    (ref) => ref.sectionName !== undefined && means(ref, id.namespace, { id: whole, sectionName: ref.sectionName }),
  )
}

function means(ref: TargetReference, namespace: string, { id, sectionName }: PolicyTarget): boolean {
  return (
    namespace === id.namespace &&
    ref.kind === id.kind &&
    ref.group === id.group &&
    ref.name === id.name &&
    ref.sectionName === sectionName
  )
}

function isOf(policy: AttachablePolicy, kind: KindName): boolean {
  return policy.id.group === 'weft.dev' && policy.id.kind === kind
}

/** What several ways have in common: a request of a split may go any of them, and its limits are set before. */
export function commonPolicies(ways: readonly HoldingPolicies[]): HoldingPolicies {
  const [first = {}] = ways
  const { retry, timeouts, hedging } = first
  return {
    ...(retry !== undefined && ways.every((one) => one.retry === retry) ? { retry } : {}),
    ...(timeouts !== undefined && ways.every((one) => one.timeouts === timeouts) ? { timeouts } : {}),
    ...(hedging !== undefined && ways.every((one) => one.hedging === hedging) ? { hedging } : {}),
  }
}

/** A port of a Service, then all of it. */
export function serviceWay(id: ObjectId, portName: string | undefined): PolicyTarget[] {
  return [...(portName === undefined || portName === '' ? [] : [{ id, sectionName: portName }]), { id }]
}
