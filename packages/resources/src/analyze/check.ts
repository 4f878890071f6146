// What a check is: it looks at one object, asks the mesh what it needs to know, and says what is wrong with that object.
import type { Severity } from '../mesh-object.ts'
import type { FindingCode } from './codes.ts'
import type { MeshView } from './mesh-view.ts'
import type { WrittenObject } from './written-object.ts'

/** What a check found. */
export interface Fault {
  readonly code: FindingCode
  /** The code's own unless said here. */
  readonly severity?: Severity
  readonly field: string
  /** What it means for traffic. */
  readonly message: string
  readonly mend: string
}

/** One check. Several may give the same code. */
export interface Check {
  readonly name: string
  /** `Kind.group` of the objects it looks at; `*` for all. */
  readonly kinds: readonly string[]
  readonly run: (object: WrittenObject, mesh: MeshView) => Iterable<Fault>
}
