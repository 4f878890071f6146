// One golden case played: real Envoy and Weft's proxy take its table from the ADS server and are asked what `explain` was asked.
import { join } from 'node:path'
import type { GoldenCase } from '../../../packages/control/src/golden/golden-case.ts'
import { AccessLines } from '../differential/access-lines.ts'
import { applicationHeader } from '../differential/application.ts'
import { answerText, arrivalsOf, differences } from '../differential/compare.ts'
import type { Explained } from '../differential/engine-proxy.ts'
import { startEnvoy } from '../differential/envoy-process.ts'
import type { Field } from '../differential/field.ts'
import { perSide } from '../differential/generate-request.ts'
import { movedPlace, movedRuntime, startWeftProxy } from '../differential/weft-arm.ts'
import { ask, proxyIdentity, type WireArm } from '../differential/wire-arm.ts'
import { goldenRequests, type Play } from './golden-requests.ts'
import { type Entrance, goldenStage, type Left, type Stage } from './golden-stage.ts'
import { namedHeaders } from './named-headers.ts'
import { type Said, unlike } from './said-requests.ts'
import { compareHeaders } from '../differential/answer.ts'

/** What came of a case. */
export interface Played {
  readonly requests: number
  readonly routes: number
  /** Requests that the application never answers. */
  readonly silent: number
  /** Entrances and routes that were not asked for. */
  readonly left: readonly Left[]
  /** Empty when all agree. */
  readonly reports: readonly string[]
}

/** How it is played. */
export interface PlayOptions {
  /** Gives free addresses for listeners. */
  nextHost(): string
  /** What the case itself says of requests to its first entrance. */
  readonly said: readonly Said[]
}

/** A case that can be played. */
export interface StagedCase {
  readonly golden: GoldenCase
  readonly stage: Stage
  readonly said: readonly Said[]
}

/** Puts a case on its stage. All cases are there before the first one is played: what is compared is the same for all. */
export function stageCase(
  { addresses, questioner }: Field,
  golden: GoldenCase,
  { nextHost, said }: PlayOptions,
): StagedCase {
  const stage = goldenStage(golden, { nextHost, octet: addresses.octet, port: questioner.upstream.port })
  for (const { routes } of stage.entrances) compareHeaders(namedHeaders(routes))
  compareHeaders(said.flatMap(({ gets }) => headerNames(gets)))
  return { golden, stage, said }
}

/** Plays it. */
export async function playCase(field: Field, { golden, stage, said }: StagedCase): Promise<Played> {
  const { questioner, distributor } = field
  const left = [...stage.left]
  const reports: string[] = []
  const asked = stage.entrances.map((entrance) => {
    const found = goldenRequests(entrance)
    left.push(...found.left)
    reports.push(...found.faults)
    return { entrance, ...found }
  })
  const requests = asked.reduce((sum, { plays }) => sum + plays.length, said.length)
  const routes = asked.reduce((sum, one) => sum + one.routes, 0)
  const silent = asked.flatMap(({ plays }) => plays).filter(({ request }) => isSilent(request)).length
  if (requests === 0) return { requests, routes, silent, left, reports }
  for (const address of stage.applications) await questioner.upstream.listenAt(address)
  const arms: WireArm[] = []
  try {
    arms.push(envoyArm(field, golden), await weftArm(field, golden))
    for (const arm of arms) distributor.setTable(arm.nodeIds.gateway, stage.table)
    const playOn = async (arm: WireArm): Promise<void> => {
      for (const { entrance, plays } of asked) {
        if (plays.length > 0) await untilServed(field, arm, entrance)
        for (const play of plays) reports.push(...(await compared(field, arm, entrance, play)))
      }
      for (const one of said) reports.push(...(await asSaid(field, arm, firstEntrance(stage), one)))
    }
    await Promise.all(arms.map(playOn))
  } finally {
    for (const arm of arms) await arm.close()
  }
  return { requests, routes, silent, left, reports: reports.map((report) => `${golden.name}: ${report}`) }
}

function isSilent({ headers }: Play['request']): boolean {
  return headers.some(([name, value]) => name === applicationHeader && value === 'hang')
}

function envoyArm({ attach }: Field, { name }: GoldenCase): WireArm {
  const nodeId = `envoy-${name.replaceAll('/', '-')}`
  const lines = new AccessLines()
  const bootstrapPath = join(attach.dir, `${nodeId}.json`)
  const child = startEnvoy({ ...attach, nodeId, bootstrapPath, onLogLine: (line) => lines.add(line) })
  return {
    name: 'envoy',
    nodeIds: perSide(() => nodeId),
    lines: perSide(() => lines),
    bound: (at) => at,
    close: () => void child.kill('SIGKILL'),
  }
}

async function weftArm({ attach }: Field, { name }: GoldenCase): Promise<WireArm> {
  const nodeId = `weft-${name.replaceAll('/', '-')}`
  const lines = new AccessLines()
  const proxy = await startWeftProxy({ attach, nodeId, lines, runtime: movedRuntime() })
  return {
    name: 'weft',
    nodeIds: perSide(() => nodeId),
    lines: perSide(() => lines),
    bound: movedPlace,
    close: () => proxy.stop(),
  }
}

const servedWithinMs = 30_000

/** Its listener is there once all that it needs is. */
async function untilServed({ questioner }: Field, arm: WireArm, { side, at, mutual, name }: Entrance): Promise<void> {
  const identity = mutual ? proxyIdentity : undefined
  const probe = { method: 'GET', target: '/', authority: 'probe.test', headers: [], identity }
  const deadline = performance.now() + servedWithinMs
  while (performance.now() < deadline) {
    const { answer } = await ask(arm, questioner, { side, at }, probe)
    if (answer.status !== 'closed') return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`${arm.name} never served ${name}`)
}

/** Differences from every answer that chance allows: none when one of them is given. Asked again before it is told. */
async function compared(
  { questioner }: Field,
  arm: WireArm,
  { side, at, name }: Entrance,
  { request, answers }: Play,
): Promise<readonly string[]> {
  let told: readonly string[] = []
  for (let attempt = 0; attempt < 2; attempt++) {
    // Where chance sends copies, or not, there is nothing to wait for: only what every answer has.
    const arrivals = Math.min(
      ...answers.map(({ answer: { upstream } }) => (upstream === undefined ? 0 : arrivalsOf(upstream))),
    )
    const endpoints = answers.flatMap((one) => one.endpoints)
    const wire = await ask(arm, questioner, { side, at }, request, { endpoints, arrivals })
    const found = answers.map((explained) => ({ explained, by: differences(named(explained), wire, request.method) }))
    const nearest = found.reduce((best, one) => (one.by.length < best.by.length ? one : best))
    if (nearest.by.length === 0) return []
    told = [
      [
        `${name}: ${arm.name} differs`,
        `request   ${JSON.stringify(request)}`,
        ...nearest.by.map(
          (one) => `${one.field}: explained ${JSON.stringify(one.explained)}, seen ${JSON.stringify(one.seen)}`,
        ),
        `explained ${answerText(nearest.explained.answer)}`,
        `${arm.name} ${answerText(wire.answer)} ${JSON.stringify(wire.log)} ${wire.detail ?? ''}`,
      ].join('\n  '),
    ]
  }
  return told
}

/** Where applications ask, or people outside. */
function firstEntrance({ entrances }: Stage): Entrance | undefined {
  const of = (side: Entrance['side']): Entrance | undefined => entrances.find((one) => one.side === side)
  return of('outbound') ?? of('gateway')
}

async function asSaid(
  { questioner }: Field,
  arm: WireArm,
  entrance: Entrance | undefined,
  said: Said,
): Promise<readonly string[]> {
  if (entrance === undefined) return ['requests.yaml, and no entrance']
  const { side, at } = entrance
  const found = unlike(said, await ask(arm, questioner, { side, at }, said.request))
  const { method, authority, target } = said.request
  return found.length === 0 ? [] : [`${arm.name}: ${method} http://${authority}${target}: ${found.join(', ')}`]
}

function headerNames(gets: Said['gets']): readonly string[] {
  return [gets['sent'], gets['headers']].flatMap((one) => Object.keys(one ?? {}))
}

/** Logs say nothing of a route without a name. */
function named(explained: Explained): Explained {
  const { answer } = explained
  const route = /^routes\[\d+\]$/.test(answer.route ?? '') ? undefined : answer.route
  return { ...explained, answer: { ...answer, route } }
}
