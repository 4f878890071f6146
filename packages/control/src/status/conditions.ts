// Conditions as every Kubernetes API has them.
import type { Fault } from '../gateway-api/listeners.ts'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'

/** One condition of a status. */
export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
  readonly observedGeneration: number
  /** RFC 3339. */
  readonly lastTransitionTime: string
}

/** For whom conditions are made. */
export interface Reader {
  /** As of when (RFC 3339). */
  readonly time: string
  /** Is told of every condition that says something is wrong. */
  readonly onFault?: (object: SnapshotObject, type: string, fault: Fault) => void
}

/** Makes the conditions of one object, or of the part of it in `field`: objects that were never counted are of generation 1. */
export class Conditions {
  readonly #object: SnapshotObject
  readonly #reader: Reader
  readonly #field: string

  constructor(object: SnapshotObject, reader: Reader, field = '') {
    this.#object = object
    this.#reader = reader
    this.#field = field
  }

  /** Those of a part of the object. */
  at(field: string): Conditions {
    return new Conditions(this.#object, this.#reader, field)
  }

  /** It holds. */
  yes(type: string, reason = type, message = ''): Condition {
    return this.#make(type, 'True', { reason, message })
  }

  /** It does not hold, and why. */
  no(type: string, fault: Fault): Condition {
    this.tell(type, fault)
    return this.#make(type, 'False', fault)
  }

  /** It holds, which says that something is wrong. */
  warn(type: string, fault: Fault): Condition {
    this.tell(type, fault)
    return this.#make(type, 'True', fault)
  }

  /** It does not hold, which is as it should be. */
  clear(type: string, reason: string): Condition {
    return this.#make(type, 'False', { reason, message: '' })
  }

  /** Tells of one more fault than the condition has room for. */
  tell(type: string, fault: Fault): void {
    this.#reader.onFault?.(this.#object, type, { field: this.#field, ...fault })
  }

  /** It holds unless there is a fault. */
  unless(type: string, fault: Fault | undefined, reason = type): Condition {
    return fault === undefined ? this.yes(type, reason) : this.no(type, fault)
  }

  #make(type: string, status: Condition['status'], { reason, message }: Fault): Condition {
    const observedGeneration = this.#object.generation ?? 1
    return { type, status, reason, message, observedGeneration, lastTransitionTime: this.#reader.time }
  }
}
