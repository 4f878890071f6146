// Mesh after mesh: generate, hand the same bytes to every proxy, ask all of them the same requests, compare.
import type { ProxyView } from '@weft/engine'
import { applicationHeader, applicationWish } from './application.ts'
import { Dice } from '../matchers/random.ts'
import { aimedRequest } from './aimed-request.ts'
import { bareRequest } from './bare-tables.ts'
import { answerText, arrivalsOf, differences } from './compare.ts'
import { type CounterfactualCase, counterfactualCases } from './counterfactual.ts'
import { EngineProxy, type Explained, proxyView } from './engine-proxy.ts'
import { exercisesOf } from './exercises.ts'
import type { Field } from './field.ts'
import { generateMesh } from './generate-mesh.ts'
import { generateRequest, type Side, sides, type TestRequest } from './generate-request.ts'
import { meshTables, proxyIds } from './mesh-tables.ts'
import { withSession } from './session-request.ts'
import { seededRandom, type SeededRandom } from './seeded-random.ts'
import { ask, proxyIdentity, untilVersion, type WireAnswer, type WireArm } from './wire-arm.ts'

/** How much to compare. */
export interface Extent {
  readonly seed: number
  /** Number of the first mesh: 1 unless one is replayed. */
  readonly first: number
  readonly meshes: number
  readonly requestsPerSide: number
}

/** What came of it. `reports` is empty when all agree. */
export interface ComparisonResult {
  readonly reports: string[]
  /** Losers of which neither is known: what makes them win, or that nothing does. */
  readonly undecided: string[]
  readonly counts: Record<string, number>
  /** How many requests exercised a part of the route language. */
  readonly exercises: Record<string, number>
}

const atOnce = 24

/** One request and everything about it. */
interface Asked {
  readonly side: Side
  readonly request: TestRequest
  readonly explained: Explained
  /** Set when the request was made from a counterfactual. */
  readonly from: CounterfactualCase | undefined
}

/** Runs all meshes. */
export async function runComparison(field: Field, arms: readonly WireArm[], extent: Extent): Promise<ComparisonResult> {
  const result: ComparisonResult = {
    reports: [],
    undecided: [],
    counts: { requests: 0, counterfactuals: 0, unreachable: 0, undecided: 0 },
    exercises: {},
  }
  for (let version = extent.first; version < extent.first + extent.meshes; version++) {
    const random = seededRandom(extent.seed * 1000 + version)
    await compareMesh({ field, arms, extent, result, random, version })
  }
  return result
}

interface Round {
  readonly field: Field
  readonly arms: readonly WireArm[]
  readonly extent: Extent
  readonly result: ComparisonResult
  readonly random: SeededRandom
  readonly version: number
}

async function compareMesh(round: Round): Promise<void> {
  const { field, arms, random, version, extent, result } = round
  const { questioner, distributor, addresses } = field
  const { port } = questioner.upstream
  const mesh = generateMesh(random, { version, port, octet: addresses.octet })
  const dice = random.int(1e9)
  const made = meshTables({ yaml: mesh.yaml, dice }, addresses, { port, version })
  const requestDice = new Dice(dice + 1)
  for (const loser of made.mesh.losers) {
    count(result, 'shadowed when compiled')
    if (loser.by === undefined)
      result.reports.push(`mesh ${version}: ${loser.origin} has lost, but to whom? ${loser.detail}`)
  }
  for (const address of made.applications) await questioner.upstream.listenAt(address)
  for (const side of sides) {
    for (const arm of arms) distributor.setTable(arm.nodeIds[side], made.tables[side])
  }
  const views = sides.map((side) =>
    proxyView(side === 'bare' ? 'bare' : proxyIds[side], made.listenAt[side].host, proxyIdentity, made.tables[side]),
  )
  const seen = new Map<string, number>()
  const asked = sides.flatMap((side, index): Asked[] => {
    const engine = new EngineProxy(side, views[index] as ProxyView, made.listenAt[side], (address) =>
      views.find((view) => view.address === address),
    )
    const plain = Array.from({ length: extent.requestsPerSide }, (): Asked => {
      const drawn = side === 'bare' ? bareRequest(requestDice) : generateRequest(random, mesh, side)
      const aimed = withSession(random, engine, aimedRequest(random, engine, drawn, seen))
      const request = withWish(random, engine, aimed)
      const explained = engine.explain(request)
      for (const name of exercisesOf(request, explained)) seen.set(name, (seen.get(name) ?? 0) + 1)
      return { side, request, explained, from: undefined }
    })
    const cases = counterfactualCases(engine, plain, random)
    count(result, 'unreachable', cases.unreachable)
    count(result, 'undecided', cases.undecided.length)
    result.undecided.push(...cases.undecided.map((about) => `${where(round, side)}\n${about}`))
    count(result, 'counterfactuals', cases.checked)
    result.reports.push(
      ...cases.faults.map(
        (fault) => `${where(round, side)}\n${fault}\n--- mesh\n${side === 'bare' ? made.bare.text : mesh.yaml}`,
      ),
    )
    const changed = cases.toSend.map((from): Asked => {
      // What was certain of one route need not be of another.
      const headers = from.request.headers.filter(([name]) => name !== applicationHeader)
      const request = { ...from.request, headers }
      return { side, request, explained: engine.explain(request), from }
    })
    return [...plain, ...changed]
  })
  await Promise.all(
    arms.flatMap((arm) =>
      sides.map((side) => untilVersion(arm, questioner, { side, at: made.listenAt[side] }, version)),
    ),
  )
  const reportFrom = async (one: Asked, arm: WireArm): Promise<string | undefined> => {
    const { answer, endpoints } = one.explained
    const expected = { endpoints, arrivals: answer.upstream === undefined ? 0 : arrivalsOf(answer.upstream) }
    const wire = await ask(arm, questioner, { side: one.side, at: made.listenAt[one.side] }, one.request, expected)
    return reportOf(round, one, { arm, wire })
  }
  const doubtful: { readonly one: Asked; readonly arm: WireArm }[] = []
  await eachAtOnce(asked, async (one) => {
    const different = async (arm: WireArm): Promise<void> => {
      if ((await reportFrom(one, arm)) !== undefined) doubtful.push({ one, arm })
    }
    await Promise.all(arms.map(different))
    tally(result, one)
  })
  // As decision 0013 has it: what is chance on a busy machine does not come twice, least of all alone.
  for (const { one, arm } of doubtful) {
    const report = await reportFrom(one, arm)
    if (report === undefined) count(result, `${arm.name} differed only once`)
    else result.reports.push(`${report}\n--- mesh\n${one.side === 'bare' ? made.bare.text : mesh.yaml}`)
  }
}

/** The request, telling the application to fail where the answer is certain then, too. */
function withWish(random: SeededRandom, engine: EngineProxy, request: TestRequest): TestRequest {
  const { forwarded, steps, answer } = engine.explain(request)
  if (forwarded === undefined) return request
  const proxies = steps.filter(({ decision }) => decision === 'listener').length
  // Over HTTP/2 the application only answers: streams end in other words than connections.
  const onlyAnswers = proxies > 1 || answer.cluster?.startsWith('gateway-api|') === true
  const wish = applicationWish(random, forwarded, onlyAnswers)
  return wish === undefined ? request : { ...request, headers: [...request.headers, [applicationHeader, wish]] }
}

async function eachAtOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items]
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item)
    }),
  )
}

function count(result: ComparisonResult, name: string, by = 1): void {
  result.counts[name] = (result.counts[name] ?? 0) + by
}

function tally(result: ComparisonResult, { side, request, explained, from }: Asked): void {
  const { answer } = explained
  count(result, from === undefined ? 'requests' : 'counterfactuals sent')
  count(result, `${side} ${answer.upstream === undefined ? answer.status : 'forwarded'}`)
  for (const name of new Set(exercisesOf(request, explained)))
    result.exercises[name] = (result.exercises[name] ?? 0) + 1
}

function where({ extent, version }: Round, side: Side): string {
  return `seed ${extent.seed}, mesh ${version}, ${side}`
}

function reportOf(
  round: Round,
  { side, request, explained, from }: Asked,
  { arm, wire }: { readonly arm: WireArm; readonly wire: WireAnswer },
): string | undefined {
  const found = differences(explained, wire, request.method)
  if (found.length === 0) return undefined
  return [
    `${where(round, side)}: ${arm.name} differs in ${found.map(({ field }) => field).join(', ')}`,
    `request   ${JSON.stringify(request)}${from === undefined ? '' : ` (counterfactual for ${from.step} ${from.loser})`}`,
    ...found.map(
      (one) => `${one.field}: explained ${JSON.stringify(one.explained)}, ${arm.name} ${JSON.stringify(one.seen)}`,
    ),
    `explained ${answerText(explained.answer)}`,
    `${arm.name.padEnd(9)} ${answerText(wire.answer)} ${JSON.stringify(wire.log)} ${wire.detail ?? ''}`,
    ...explained.steps.map(({ decision, summary }) => `  ${decision}: ${summary}`),
  ].join('\n')
}
