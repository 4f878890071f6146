// ReferenceGrant.

/** Spec of a ReferenceGrant: who, of other namespaces, may refer to what of this one. */
export interface ReferenceGrantSpec {
  readonly from: readonly { readonly group: string; readonly kind: string; readonly namespace: string }[]
  readonly to: readonly { readonly group: string; readonly kind: string; readonly name?: string }[]
}
