// Objects as they were written, for analysis: also those that validation refuses, so that one mistake does not hide the others,
// and those of kinds the mesh itself does not use (Pod, Deployment, ...). Nothing here trusts the shape of what it reads.
import type { ObjectId, Position } from '@weft/core'

/** A mapping whose members may be anything. */
export type Fields = Readonly<Record<string, unknown>>

/** One object as written. */
export interface WrittenObject {
  readonly id: ObjectId
  /** `objectKey` of the id. */
  readonly key: string
  readonly apiVersion: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** The whole document. */
  readonly body: Fields
  /** `body.spec`, or nothing. */
  readonly spec: Fields
  /** Equal for equal content: of two objects of one id, these alone are compared. */
  readonly content: string
  positionOf(path: string): Position | undefined
}

const none: Fields = {}
const nothing: readonly unknown[] = []

/** The value as a mapping; an empty one when it is something else. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : none
}

/** The value as a list; an empty one when it is something else. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : nothing
}

/** The value as text; '' when it is something else. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** The value as a list of mappings. */
export function itemsOf(value: unknown): readonly Fields[] {
  return listOf(value).map(fieldsOf)
}

/** The texts among the entries of a list. */
export function textsOf(value: unknown): string[] {
  return listOf(value).filter((entry) => typeof entry === 'string')
}

/** The members of a mapping that are text: labels, annotations, selectors. */
export function labelsOf(value: unknown): Readonly<Record<string, string>> {
  const fields = fieldsOf(value)
  const members = Object.entries(fields)
  if (members.every(([, member]) => typeof member === 'string')) return fields as Record<string, string>
  return Object.fromEntries(members.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}

/** What lies at the end of a chain of fields. */
export function dig(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce((at, step) => fieldsOf(at)[step], value)
}

/** `Kind` of Kubernetes' core group, else `Kind.group`. */
export function fullKind({ kind, group }: Pick<ObjectId, 'kind' | 'group'>): string {
  return group === '' ? kind : `${kind}.${group}`
}

/** Of two in one namespace the older one first; those that do not know their age come after those that do, by name. */
export function byAge(one: WrittenObject, other: WrittenObject): number {
  const [mine = '', theirs = ''] = [one, other].map(
    (object) => `${textOf(dig(object.body, 'metadata', 'creationTimestamp')) || '9'}|${object.id.name}`,
  )
  return mine < theirs ? -1 : mine > theirs ? 1 : 0
}

/** `namespace/name`. */
export function nameOf({ id }: Pick<WrittenObject, 'id'>): string {
  return `${id.namespace}/${id.name}`
}
