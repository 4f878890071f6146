// What a conversion yields: objects of other kinds, and what they cannot say.
import type { ObjectId } from '@weft/core'
import { definitions } from '../definitions.ts'
import { fieldPath, type PathStep } from '../field-path.ts'
import { groupOfKind, type KindName, writtenKind } from '../kinds.ts'
import type { MeshObject } from '../mesh-object.ts'

/** An object as it would be written. */
export interface ConvertedObject {
  readonly kind: KindName
  readonly namespace: string
  readonly name: string
  readonly labels?: Readonly<Record<string, string>>
  readonly spec: object
  /** The object it comes from. */
  readonly from: ObjectId
  /** Where parts of it come from: field paths of this object, and of the one it comes from. */
  readonly origins: readonly (readonly [path: string, from: string])[]
}

/** Something written that the other kinds have no field for. */
export interface NotExpressed {
  readonly id: ObjectId
  readonly field: string
  readonly message: string
  readonly mend: string
}

/** Objects, and what got lost. */
export interface Conversion {
  readonly objects: readonly ConvertedObject[]
  readonly notExpressed: readonly NotExpressed[]
}

/** Collects what one object is converted to. */
export class ConversionNotes {
  readonly #object: MeshObject
  readonly #notes: NotExpressed[]

  constructor(object: MeshObject, notes: NotExpressed[]) {
    this.#object = object
    this.#notes = notes
  }

  /** Says that something cannot be expressed. */
  lost(at: readonly PathStep[], message: string, mend: string): void {
    this.#notes.push({ id: this.#object.id, field: fieldPath(at), message, mend })
  }
}

/** A converted object as a document. */
export function documentOf({ kind, namespace, name, labels, spec }: ConvertedObject): object {
  const group = groupOfKind[kind]
  const [version = ''] = definitions[kind].versions
  return {
    apiVersion: group === '' ? version : `${group}/${version}`,
    kind: writtenKind(kind),
    metadata: { name, namespace, ...(labels === undefined ? {} : { labels }) },
    spec,
  }
}

/** A name made of parts, fit for an object: lower case, at most 253 characters. */
export function nameOf(...parts: readonly (string | number)[]): string {
  const name = parts
    .join('-')
    .toLowerCase()
    .replace(/\*/g, 'any')
    .replace(/[^a-z0-9.-]+/g, '-')
    .replace(/-*\.-*/g, '.')
    .replace(/^[-.]+/, '')
  return name.slice(0, 253).replace(/[-.]+$/, '')
}

/** A text as an expression that only it fits. */
export function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
