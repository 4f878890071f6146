// What the store publishes: the configuration in force and everything the user should be told about it.
import type { ObjectId } from '@weft/core'
import type { MeshObject, Problem } from '@weft/resources'

/** An object that is served in an older version than its file asks for. */
export interface StaleObject {
  readonly id: ObjectId
  readonly reason: string
}

/**
 * A security object found when the store first started, that is invalid, or one that an earlier run had in force and this
 * one cannot read: what it selects must be denied, since nothing fails open. An object that turns up invalid later is refused
 * at the door instead and changes nothing, also not after a restart.
 */
export interface UnenforceablePolicy {
  readonly id: ObjectId
  /** Labels it selects; undefined when unreadable: then its whole namespace. Empty: its namespace too. */
  readonly selector: Readonly<Record<string, string>> | undefined
  readonly reason: string
}

/** One consistent state of the configuration. */
export interface StoreState {
  /** In force, sorted by object key. Objects whose content did not change are the same references as before. */
  readonly objects: readonly MeshObject[]
  /** All findings of all files, sorted by place. */
  readonly problems: readonly Problem[]
  readonly stale: readonly StaleObject[]
  /** Errors of objects (or files) that have no last good version: `weft up` starts nothing while there are any. */
  readonly blocking: readonly Problem[]
  readonly unenforceable: readonly UnenforceablePolicy[]
  /** What the files say of each other, by place: `weft analyze` of the moment. Left out by those who do not analyse. */
  readonly relations?: readonly Problem[]
  /** Grows by one with each published state. */
  readonly revision: number
}
