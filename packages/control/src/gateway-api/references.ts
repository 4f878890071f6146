// References from one namespace to another need a ReferenceGrant where they point to.
import type { SpecByKind } from '@weft/resources'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'

/** A ReferenceGrant with its content. */
export type ReferenceGrant = SnapshotObject<SpecByKind['ReferenceGrant']>

/** Who refers to something. */
export interface Referrer {
  readonly group: string
  readonly kind: string
  readonly namespace: string
}

/** What is referred to. */
export interface Referent extends Referrer {
  readonly name: string
}

/** Whether a reference may be followed: within a namespace always, elsewhere when a grant there says so. */
export function mayRefer(from: Referrer, to: Referent, grants: readonly ReferenceGrant[]): boolean {
  if (from.namespace === to.namespace) return true
  return grants.some(
    ({ id, spec }) =>
      id.namespace === to.namespace &&
      spec.from.some(
        (each) => each.group === from.group && each.kind === from.kind && each.namespace === from.namespace,
      ) &&
      spec.to.some(
        (each) =>
          each.group === to.group && each.kind === to.kind && (each.name === undefined || each.name === to.name),
      ),
  )
}
