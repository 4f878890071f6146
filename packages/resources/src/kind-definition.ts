// What the parser needs to know of a kind.
import type { KindName, SpecByKind } from './kinds.ts'
import type { Pending, Schema } from './schema/schema.ts'

/** A spec as written: every field may be absent at every depth. */
export type Written<T> = T extends readonly (infer Item)[]
  ? readonly Written<Item>[]
  : T extends object
    ? { readonly [Field in keyof T]?: Written<T[Field]> | undefined }
    : T

/** One kind: its API versions, schema, defaults. Fields with a `default` in the schema have it before `withDefaults`. */
export interface KindDefinition<K extends KindName = KindName> {
  readonly kind: K
  readonly versions: readonly string[]
  /** Schema of `spec`. */
  readonly spec: Schema
  /** Versions whose fields differ, by version; each reads into the same type. */
  readonly specOfVersion?: Readonly<Record<string, Schema>>
  /** Where the fields stand: below `spec`, or beside `metadata` as those of Secret. */
  readonly root?: 'spec' | 'top'
  /** `cluster`: objects have no namespace. */
  readonly scope?: 'namespace' | 'cluster'
  /** The kind is read and checked, and something about it as a whole does not happen. */
  readonly pending?: Pending
  /** Names by which tools list the kind: plural first, then short names. */
  readonly names?: readonly string[]
  /** One line for people. */
  readonly description?: string
  /** The kind is known, and every object of it is refused: what to do instead. For kinds that must not be half enforced. */
  readonly refused?: string
  /** Every object of the kind is refused where Weft's own proxy is the data plane: what to do instead. */
  readonly refusedOnWeft?: string
  /** Fills in defaults; `spec` has passed the schema. */
  readonly withDefaults: (spec: Written<SpecByKind[K]>) => SpecByKind[K]
}

/** Keeps the kind's type parameter when writing a definition. */
export function defineKind<K extends KindName>(definition: KindDefinition<K>): KindDefinition<K> {
  return definition
}
