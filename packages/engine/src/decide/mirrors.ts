// Which copies of a request are sent, and as what.
import { namedHeader } from '../match/attribute.ts'
import type { MirrorPolicy } from '../model.ts'
import type { Recorder } from '../prove/proof.ts'
import type { Subject } from '../request-head.ts'

/** A copy that is due. The cluster may not exist: nothing is sent then. */
export interface Mirror {
  readonly cluster: string
  readonly marksHost: boolean
}

/** The copies of one request; the stream's random value decides about shares. */
export function dueMirrors(
  policies: readonly MirrorPolicy[],
  subject: Subject,
  recorder?: Recorder,
): readonly Mirror[] {
  const due: Mirror[] = []
  for (const { cluster, numerator, denominator, marksHost } of policies) {
    if (subject.random % denominator >= numerator) continue
    const name = 'name' in cluster ? cluster.name : namedHeader(subject.head, cluster.header)
    if (name !== undefined && name !== '') due.push({ cluster: name, marksHost })
  }
  if (policies.length > 0) recorder?.step(stepOf(policies, due))
  return due
}

function stepOf(policies: readonly MirrorPolicy[], due: readonly Mirror[]): Parameters<Recorder['step']>[0] {
  const names = due.map(({ cluster }) => cluster)
  const summary =
    names.length === 0 ? 'no copy is sent' : `copies go to ${names.join(', ')}; their answers are thrown away`
  const rest = policies.length - due.length
  return {
    decision: 'mirror',
    chosen: names.join(', ') || undefined,
    summary: rest === 0 ? summary : `${summary} (${rest} of ${policies.length} not this time)`,
    origins: {},
    losers: [],
  }
}

/** The host of a copy, `-shadow` behind its name. */
export function shadowHost(authority: string): string {
  const colon = authority.endsWith(']') ? -1 : authority.lastIndexOf(':')
  return colon < 0 ? `${authority}-shadow` : `${authority.slice(0, colon)}-shadow${authority.slice(colon)}`
}
