// What a configuration object is once it has been read, and what can be wrong with it.
import type { ObjectId, Position } from '@weft/core'

/** One valid configuration object: defaults filled in, immutable, named by the hash of its content. */
export interface MeshObject<S = unknown> {
  readonly id: ObjectId
  /** As the user wrote it, for example `networking.istio.io/v1beta1`. */
  readonly apiVersion: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** `metadata.creationTimestamp`, where it is written; of two objects in conflict the older one holds. */
  readonly createdAt?: string
  /** `metadata.generation`, where it is written. Not part of the hash. */
  readonly generation?: number
  /** In the shape of the YAML (durations are strings: see `durationMs`), with defaults applied. */
  readonly spec: S
  /** Content hash (32 hex digits) of id, labels, annotations and spec; moving lines does not change it. */
  readonly hash: string
  /**
   * Where a field was written: `spec.http[0].route[1].weight`, `metadata.labels["a.b/c"]`, '' for the whole object.
   * A field that was not written (a default) answers with its nearest written ancestor.
   */
  positionOf(path: string): Position | undefined
}

/** How bad a finding is: an `error` refuses the object, the others do not. */
export type Severity = 'error' | 'warning' | 'info'

/** One finding about one field, in plain English, with what to do about it. */
export interface Problem {
  readonly severity: Severity
  /** Stable, kebab-case: `unknown-field`, `bad-duration`, `unknown-host`... */
  readonly code: string
  readonly message: string
  readonly position: Position | undefined
  /** Undefined when the finding is about a file that could not be read as objects. */
  readonly objectId: ObjectId | undefined
  /** Field path as in `MeshObject.positionOf`, '' for the whole object or file. */
  readonly field: string
  /** How to fix it. */
  readonly mend: string
}

/** One file as read by a source. `name` is what positions show. */
export interface SourceFile {
  readonly name: string
  readonly text: string
  /** Why the text cannot be used, if so: it is not UTF-8, or reading failed. */
  readonly unreadable?: string
  /** What to do about that; to correct the file unless given. */
  readonly mend?: string
  /** Whether it may be no configuration at all, which stops nobody from starting. */
  readonly doubtful?: boolean
}
