// Mesh after mesh: generate, hand the same bytes to every proxy, make the same connections through all of them, compare.
import type { StreamMeshOptions } from './generate-stream-mesh.ts'
import { connect } from 'node:net'
import type { RefusedResource } from '../../../packages/control/src/serve/proxy-status.ts'
import type { Ground } from '../differential/field.ts'
import { seededRandom, type SeededRandom } from '../differential/seeded-random.ts'
import type { WireArm } from '../differential/wire-arm.ts'
import { type ChangedStream, changedStreams } from './changed-stream.ts'
import { streamDifferences } from './compare-streams.ts'
import { type ExplainedStream, explainStream } from './explained-stream.ts'
import { doorsOf, generateStream } from './generate-stream.ts'
import { generateStreamMesh } from './generate-stream-mesh.ts'
import type { StreamApplications } from './stream-application.ts'
import { openStream } from './stream-client.ts'
import { streamExercises } from './stream-exercises.ts'
import type { StreamLines } from './stream-lines.ts'
import { type StreamTables, streamTables } from './stream-tables.ts'
import { type StreamSide, streamSides, type TestConnection } from './test-connection.ts'

/** Proxies of one kind. */
export type StreamArm = WireArm<StreamSide, StreamLines>

/** How much to compare. */
export interface StreamExtent {
  readonly seed: number
  /** Number of the first mesh: 1 unless one is replayed. */
  readonly first: number
  readonly meshes: number
  readonly connectionsPerSide: number
}

/** What came of it. `reports` is empty when all agree. */
export interface StreamResult {
  readonly reports: string[]
  /** Losers of which neither is known: what makes them win, or that nothing does. */
  readonly undecided: string[]
  readonly counts: Record<string, number>
  /** How many connections tried a part of the rules. */
  readonly exercises: Record<string, number>
}

/** What everything takes place on. */
export interface Stage {
  readonly ground: Ground
  readonly applications: StreamApplications
  readonly arms: readonly StreamArm[]
  readonly options: StreamMeshOptions
}

interface Round extends Stage {
  readonly extent: StreamExtent
  readonly result: StreamResult
  readonly random: SeededRandom
  readonly version: number
}

/** One connection and everything about it. */
interface Made {
  readonly side: StreamSide
  readonly connection: TestConnection
  readonly explained: ExplainedStream
  /** Set when it was made from a counterfactual. */
  readonly from: ChangedStream | undefined
}

const atOnce = 16

/** Runs all meshes. */
export async function runConnections(stage: Stage, extent: StreamExtent): Promise<StreamResult> {
  const result: StreamResult = { reports: [], undecided: [], counts: {}, exercises: {} }
  for (let version = extent.first; version < extent.first + extent.meshes; version++) {
    const random = seededRandom(extent.seed * 1000 + version)
    await compareMesh({ ...stage, extent, result, random, version })
  }
  return result
}

async function compareMesh(round: Round): Promise<void> {
  const { ground, applications, arms, random, version, result } = round
  const yaml = generateStreamMesh(random, round.options)
  const mesh = streamTables(yaml, { octet: ground.octet, version })
  for (const { origin, by, detail } of mesh.mesh.losers) {
    count(result, 'shadowed when compiled')
    if (by === undefined) result.reports.push(`mesh ${version}: ${origin} has lost, but to whom? ${detail}`)
  }
  for (const address of mesh.applications) await applications.listenAt(address)
  for (const side of streamSides) {
    for (const arm of arms) {
      arm.lines[side].clear()
      ground.distributor.setTable(arm.nodeIds[side], mesh.tables[side])
    }
  }
  const made = streamSides.flatMap((side) => madeFor(round, mesh, side, yaml))
  const listening = arms.flatMap((arm) => streamSides.map((side) => untilListening(round, arm, mesh, side)))
  await Promise.all(listening).catch((error: unknown) => {
    throw new Error(`${where(round)}: ${String(error)}\n${yaml}`)
  })
  const doubtful: { readonly one: Made; readonly arm: StreamArm }[] = []
  await eachAtOnce(made, async (one) => {
    await Promise.all(
      arms.map(async (arm) => {
        if ((await reportOf(round, mesh, one, arm)) !== undefined) doubtful.push({ one, arm })
      }),
    )
    tally(result, one)
  })
  // As decision 0013 has it: what is chance on a busy machine does not come twice, least of all alone.
  for (const { one, arm } of doubtful) {
    const report = await reportOf(round, mesh, one, arm)
    if (report === undefined) count(result, `${arm.name} differed only once`)
    else result.reports.push(`${report}\n--- mesh\n${yaml}`)
  }
}

/** What is generated for a side, and some of it changed as proofs say. */
function madeFor(round: Round, mesh: StreamTables, side: StreamSide, yaml: string): readonly Made[] {
  const { random, result, extent, options } = round
  const doors = doorsOf(mesh, side, options)
  const plain = Array.from({ length: extent.connectionsPerSide }, (): Made => {
    const drawn = generateStream(random, doors)
    const { silent: _silent, ...spoken } = drawn
    const whole = explainStream(mesh, side, drawn)
    // Envoy asks network policies only when the client speaks, and lets listeners that look at first bytes wait (decision 0010).
    const connection = whole.ways.some(({ denied, sniffed }) => denied || sniffed) ? spoken : drawn
    return { side, connection, explained: whole, from: undefined }
  })
  const changed = changedStreams(mesh, side, plain, random)
  count(result, 'counterfactuals', changed.checked)
  count(result, 'unreachable', changed.unreachable)
  result.undecided.push(...changed.undecided.map((about) => `${where(round)}\n${about}`))
  result.reports.push(...changed.faults.map((fault) => `${where(round)}\n${fault}\n--- mesh\n${yaml}`))
  const more = changed.toSend.map((from): Made => {
    const { connection } = from
    return { side, connection, explained: explainStream(mesh, side, connection), from }
  })
  return [...plain, ...more]
}

const readyWithinMs = 60_000

/** Addresses are new with each mesh: who listens at one serves what was made for it. */
async function untilListening(
  { ground }: Round,
  arm: StreamArm,
  { bound }: StreamTables,
  side: StreamSide,
): Promise<void> {
  const deadline = performance.now() + readyWithinMs
  const refused = (): readonly RefusedResource[] =>
    ground.distributor
      .status()
      .filter(({ proxyId }) => proxyId === arm.nodeIds[side])
      .flatMap(({ types }) => types.flatMap((type) => type.refused))
  for (const at of bound[side]) {
    while (!(await accepts(arm.bound(at)))) {
      if (refused().length > 0 || performance.now() > deadline) {
        const why = JSON.stringify(refused())
        throw new Error(`${arm.name} does not listen at ${at.host}:${at.port} (${side}): ${why}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}

function accepts({ host, port }: { readonly host: string; readonly port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port }, () => {
      resolve(true)
      socket.destroy()
    })
    socket.on('error', () => resolve(false))
  })
}

async function eachAtOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items]
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item)
    }),
  )
}

/** Made once by a kind of proxy; undefined: as explained. */
async function reportOf(
  { ground, extent, version }: Round,
  mesh: StreamTables,
  { side, connection, explained, from }: Made,
  arm: StreamArm,
): Promise<string | undefined> {
  const { tls, host, port } = connection
  const material = tls?.identity === undefined ? undefined : await ground.materialFor(tls.identity)
  const redirected = side === 'redirected' ? { redirected: { fromPort: nextPort() } } : {}
  const at = arm.bound(side === 'redirected' ? { host: mesh.addresses.redirected, port } : { host, port })
  const answer = await openStream({ ...at, material, ...redirected }, connection)
  const line = await arm.lines[side].take(answer.client, explained.logged === 'yes' && answer.client !== '')
  const found = streamDifferences(explained, connection, answer, line)
  if (found.length === 0) return undefined
  return [
    `${where({ extent, version })}, ${side}: ${arm.name} differs in ${found.map(({ field }) => field).join(', ')}`,
    `connection ${JSON.stringify(connection)}${from === undefined ? '' : ` (counterfactual for ${from.step} ${from.loser})`}`,
    ...found.map(
      (one) => `${one.field}: explained ${JSON.stringify(one.explained)}, ${arm.name} ${JSON.stringify(one.seen)}`,
    ),
    `explained ${JSON.stringify({ chain: explained.chain, logged: explained.logged, ways: explained.ways })}`,
    `${arm.name.padEnd(9)} ${JSON.stringify(answer)} ${JSON.stringify(line)}`,
    ...explained.steps.map(({ proxy, decision, summary }) => `  ${proxy} ${decision}: ${summary}`),
  ].join('\n')
}

let lastPort = 0

/** PROXY headers tell apart whom a log tells of. */
function nextPort(): number {
  lastPort = (lastPort % 60_000) + 1
  return lastPort
}

function count(result: StreamResult, name: string, by = 1): void {
  result.counts[name] = (result.counts[name] ?? 0) + by
}

function tally(result: StreamResult, { side, connection, explained, from }: Made): void {
  count(result, from === undefined ? 'connections' : 'counterfactuals made')
  count(result, `${side} ${explained.ways[0]?.outcome}`)
  for (const name of new Set(streamExercises(side, connection, explained)))
    result.exercises[name] = (result.exercises[name] ?? 0) + 1
}

function where({ extent, version }: Pick<Round, 'extent' | 'version'>): string {
  return `seed ${extent.seed}, mesh ${version}`
}
