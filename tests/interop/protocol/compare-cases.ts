// Plays cases against Envoy and against our proxy, several at a time; what differs is played again more slowly
// before it counts as a difference.
import { startEnvoyStands } from './envoy-stands.ts'
import { type Difference, differences, nothingHappened, type Observation } from './observation.ts'
import { type Patience, playCase, type Stand, Upstream } from './play-case.ts'
import type { ProtocolCase } from './protocol-case.ts'
import { startWeftStand } from './weft-stand.ts'

/** What both did. */
export interface Comparison {
  readonly case: ProtocolCase
  readonly envoy: Observation
  /** Undefined: not played. */
  readonly weft: Observation | undefined
  readonly differences: readonly Difference[]
}

const quick: Patience = { quietMs: 250, logMs: 100 }
const slow: Patience = { quietMs: 700, logMs: 200 }
const atATime = 24

/** Compares all; `plays` says whether our proxy takes part in a case. */
export async function compareCases(
  cases: readonly ProtocolCase[],
  plays: (one: ProtocolCase) => boolean,
): Promise<readonly Comparison[]> {
  const upstreams = await Promise.all(cases.map((each) => Upstream.open(each)))
  const envoy = await startEnvoyStands(cases, upstreams)
  try {
    const compare = async (at: number, patience: Patience): Promise<Comparison> => {
      const [given, upstream, stand] = [cases[at], upstreams[at], envoy.stands[at]]
      if (given === undefined || upstream === undefined || stand === undefined) throw new Error(`no case ${at}`)
      const theirs = await playCase(given, stand, upstream, patience)
      if (!plays(given)) return { case: given, envoy: theirs, weft: undefined, differences: [] }
      const ours = await playWeft(given, upstream, patience)
      return { case: given, envoy: theirs, weft: ours, differences: differences(theirs, ours) }
    }
    const results = await inTurns(cases.length, atATime, (at) => compare(at, quick))
    const again = [...results.keys()].filter((at) => suspicious(results[at]))
    await inTurns(again.length, 8, async (turn) => {
      const at = again[turn] as number
      results[at] = await compare(at, slow)
    })
    return results
  } finally {
    envoy.close()
    for (const upstream of upstreams) upstream.close()
  }
}

async function playWeft(given: ProtocolCase, upstream: Upstream, patience: Patience): Promise<Observation> {
  let stand: Stand
  try {
    stand = await startWeftStand(given, upstream.port)
  } catch (error) {
    return { 'resources refused': error instanceof Error ? error.message : String(error) }
  }
  try {
    return await playCase(given, stand, upstream, patience)
  } finally {
    await stand.close()
  }
}

function suspicious(result: Comparison | undefined): boolean {
  if (result === undefined || result.differences.length > 0) return true
  return nothingHappened(result.envoy) && result.case.silent !== true
}

async function inTurns<T>(count: number, width: number, work: (at: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) {
      const at = next++
      results[at] = await work(at)
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  return results
}
