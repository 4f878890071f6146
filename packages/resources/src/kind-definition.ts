// What the parser needs to know of a kind.
import type { KindName, SpecByKind } from './kinds.ts'
import type { Schema } from './schema/schema.ts'

/** A spec as written: every field may be absent at every depth. */
export type Written<T> = T extends readonly (infer Item)[]
  ? readonly Written<Item>[]
  : T extends object
    ? { readonly [Field in keyof T]?: Written<T[Field]> | undefined }
    : T

/** One kind: its API versions, schema, defaults. */
export interface KindDefinition<K extends KindName = KindName> {
  readonly kind: K
  readonly versions: readonly string[]
  /** Schema of `spec`. */
  readonly spec: Schema
  /** The kind is known, and every object of it is refused: what to do instead. For kinds that must not be half enforced. */
  readonly refused?: string
  /** Fills in defaults; `spec` has passed the schema. */
  readonly withDefaults: (spec: Written<SpecByKind[K]>) => SpecByKind[K]
}

/** Keeps the kind's type parameter when writing a definition. */
export function defineKind<K extends KindName>(definition: KindDefinition<K>): KindDefinition<K> {
  return definition
}
