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
  /** Where the fields stand: below `spec`, or beside `metadata` as those of Secret. */
  readonly root?: FieldRoot
  /** Versions whose fields differ, by version; all are read into the same type. */
  readonly older?: Readonly<Record<string, { readonly spec: Schema; readonly root?: FieldRoot }>>
  /** `cluster`: objects have no namespace. */
  readonly scope?: 'namespace' | 'cluster'
  /** The kind is read and checked, and something about it as a whole does not happen. */
  readonly pending?: Pending
  /** What shows that its fields have their effect, where that is not a golden case of the control plane. */
  readonly shownBy?: string
  /** Names by which tools list the kind: plural first, then short names. */
  readonly names?: readonly string[]
  /** One line for people. */
  readonly description?: string
  /** The kind is known, and every object of it is refused: what to do instead. For kinds that must not be half enforced. */
  readonly refused?: string
  /** Every object of the kind is refused where Weft's own proxy is the data plane: what to do instead. */
  readonly refusedOnWeft?: string
  /** Fills in defaults; `spec` has passed the schema of its version. A method, so that a definition of one kind is one of any kind. */
  withDefaults(spec: Written<SpecByKind[K]>, version: string): SpecByKind[K]
}

/** Fields of some kind, as far as its schema vouches for them. */
export type WrittenSpec = Written<SpecByKind[KindName]>

/** Where the fields of a kind stand. */
export type FieldRoot = 'spec' | 'top'

/** The fields of a kind in one of its apiVersions. */
export function fieldsOfVersion(
  definition: Pick<KindDefinition, 'spec' | 'root' | 'older'>,
  apiVersion: string,
): { readonly spec: Schema; readonly root: FieldRoot } {
  const older = definition.older?.[versionOf(apiVersion)]
  return { spec: older?.spec ?? definition.spec, root: (older === undefined ? definition.root : older.root) ?? 'spec' }
}

/** The version of an apiVersion: `v1` of `gateway.networking.k8s.io/v1`. */
export function versionOf(apiVersion: string): string {
  return apiVersion.slice(apiVersion.lastIndexOf('/') + 1)
}

/** Keeps the kind's type parameter when writing a definition. */
export function defineKind<K extends KindName>(definition: KindDefinition<K>): KindDefinition<K> {
  return definition
}
