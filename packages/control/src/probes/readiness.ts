// Whether a probed entry is ready: as Kubernetes counts, except that one which nobody has asked yet is, so that a control plane that starts
// anew takes nothing away.

/** What is known of an entry. */
export interface Readiness {
  readonly ready: boolean
  /** Answers in a row that say otherwise. */
  readonly against: number
}

/** How many answers in a row change the verdict. */
export interface Thresholds {
  readonly successThreshold: number
  readonly failureThreshold: number
}

/** Before the first answer. */
export const unasked: Readiness = { ready: true, against: 0 }

/** After another answer. */
export function afterAnswer({ ready, against }: Readiness, good: boolean, thresholds: Thresholds): Readiness {
  if (good === ready) return { ready, against: 0 }
  const needed = good ? thresholds.successThreshold : thresholds.failureThreshold
  return against + 1 >= needed ? { ready: good, against: 0 } : { ready, against: against + 1 }
}
