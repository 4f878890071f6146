// A parcel moves on by time alone.

const stageNames = ['being packed', 'with the carrier', 'out for delivery', 'delivered'] as const
export type StageName = (typeof stageNames)[number]

export interface Stage {
  readonly name: StageName
  readonly reached: boolean
  /** When it was or will be reached, ISO 8601. */
  readonly at: string
}

export interface Progress {
  readonly stage: StageName
  readonly delivered: boolean
  readonly stages: readonly Stage[]
}

/** Where a parcel sent at `sentAtMs` is at `nowMs`; times are milliseconds since 1970. */
export function progressAt(sentAtMs: number, stageMs: number, nowMs: number): Progress {
  const stages = stageNames.map((name, index) => {
    const atMs = sentAtMs + index * stageMs
    return { name, reached: index === 0 || atMs <= nowMs, at: new Date(atMs).toISOString() }
  })
  const stage = stages.findLast((candidate) => candidate.reached)?.name ?? stageNames[0]
  return { stage, delivered: stage === 'delivered', stages }
}
