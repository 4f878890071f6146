// Conditions as every Kubernetes API has them.
import type { Fault } from '../gateway-api/listeners.ts'

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

/** What is common to the conditions of one object. */
export interface Observed {
  readonly generation?: number
}

/** Makes the conditions of one object as of a time: objects that were never counted are of generation 1. */
export class Conditions {
  readonly #observed: Observed
  readonly #time: string

  constructor(observed: Observed, time: string) {
    this.#observed = observed
    this.#time = time
  }

  /** It holds. */
  yes(type: string, reason = type, message = ''): Condition {
    return this.#make(type, 'True', { reason, message })
  }

  /** It does not hold, and why. */
  no(type: string, fault: Fault): Condition {
    return this.#make(type, 'False', fault)
  }

  /** It holds unless there is a fault. */
  unless(type: string, fault: Fault | undefined, reason = type): Condition {
    return fault === undefined ? this.yes(type, reason) : this.no(type, fault)
  }

  #make(type: string, status: Condition['status'], { reason, message }: Fault): Condition {
    const observedGeneration = this.#observed.generation ?? 1
    return { type, status, reason, message, observedGeneration, lastTransitionTime: this.#time }
  }
}
