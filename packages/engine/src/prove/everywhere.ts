// What a connection has to be like for a policy to be asked about it: nothing, where nobody says more.
import type { Predicate } from '../predicate.ts'
import type { Subject } from '../request-head.ts'
import type { RequestChange } from './proof.ts'

/** What a connection has to be like. */
export interface Admission {
  /** Each wider than the one before: it comes to the chain that serves it now, to one with the same policies. All of these, and perhaps more. */
  readonly goals: readonly Predicate[]
  /** It is made to the same port: what listeners of other ports do is not known here. */
  readonly thisPort: Predicate
  /** The changes as a client makes them, if such a chain then takes its connection; else undefined. */
  admitted(subject: Subject, changes: readonly RequestChange[]): readonly RequestChange[] | undefined
}

/** Every connection is asked about it. */
export const everywhere: Admission = {
  goals: [{ op: 'always' }],
  thisPort: { op: 'always' },
  admitted: (_subject, changes) => changes,
}
