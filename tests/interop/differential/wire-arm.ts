// Proxies that are asked over sockets: one of a kind per side, all fed by one ADS server.
import type { TlsMaterial } from '@weft/core'
import type { AccessLines, LogLine } from './access-lines.ts'
import { type Answer, pickHeaders, type SeenUpstream } from './answer.ts'
import type { Side, TestRequest } from './generate-request.ts'
import type { MarkerUpstream } from './marker-upstream.ts'
import { versionHeader, versionHost, versionPath } from './mesh-object-yaml.ts'
import type { ListenAt } from './mesh-tables.ts'
import { type RawAnswer, sendRaw } from './raw-request.ts'

/** An answer and what the proxy said about it in its log. */
export interface WireAnswer {
  readonly answer: Answer
  readonly log: LogLine | undefined
  readonly detail: string | undefined
}

/** SPIFFE id of every proxy of the comparison, and of who asks for the version. */
export const proxyIdentity = 'spiffe://cluster.local/ns/default/sa/target'

/** Takes the lines of an access log. */
export interface LogReader {
  add(line: string): void
}

/** A kind of proxy. */
export interface WireArm<S extends string = Side, L extends LogReader = AccessLines> {
  /** `envoy`, `weft`. */
  readonly name: string
  /** Node ids by side; their tables come from the ADS server. */
  readonly nodeIds: Readonly<Record<S, string>>
  readonly lines: Readonly<Record<S, L>>
  /** Where the listener at an address is really bound: two proxies cannot share it. */
  bound(at: ListenAt): ListenAt
  close(): Promise<void> | void
}

/** What all arms are asked with. */
export interface Questioner {
  readonly upstream: MarkerUpstream
  /** A certificate for a SPIFFE id. */
  materialFor(id: string): Promise<TlsMaterial>
  nextTag(): string
}

/** Where a request should arrive. */
export interface Expected {
  /** Every endpoint that may be chosen. */
  readonly endpoints: readonly string[]
  /** With copies; they may come later than the answer. */
  readonly arrivals: number
}

const nowhere: Expected = { endpoints: [], arrivals: 0 }

/** Sends a request to an arm and gathers what can be known of it. */
export async function ask(
  arm: WireArm,
  questioner: Questioner,
  to: { readonly side: Side; readonly at: ListenAt },
  request: TestRequest,
  expected = nowhere,
): Promise<WireAnswer> {
  const tag = `${arm.name}-${questioner.nextTag()}`
  const raw = await send(arm, questioner, to, request, tag)
  const log = raw.status === 'closed' ? undefined : await arm.lines[to.side].take(tag, raw.status)
  const upstream = await arrivals(questioner.upstream, tag, expected)
  const location = raw.headers.find(([name]) => name.toLowerCase() === 'location')?.[1]
  return {
    answer: {
      status: raw.status,
      route: log?.route,
      cluster: log?.cluster,
      location,
      headers: pickHeaders(raw.headers),
      body: upstream === undefined ? raw.body : undefined,
      upstream,
    },
    log,
    detail: raw.detail,
  }
}

/** Copies come when they come, and nobody waits for them but us. */
const copiesWithinMs = 10_000

/** What arrived where the request belongs, and how many copies elsewhere. */
async function arrivals(upstream: MarkerUpstream, tag: string, expected: Expected): Promise<SeenUpstream | undefined> {
  const count = (all: readonly SeenUpstream[]): number => all.reduce((sum, { attempts }) => sum + attempts, 0)
  const isOwn = ({ endpoint }: SeenUpstream): boolean => expected.endpoints.includes(endpoint)
  const deadline = performance.now() + copiesWithinMs
  while (count(upstream.arrived(tag)) < expected.arrivals && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 5))
  const all = upstream.arrived(tag)
  upstream.forget(tag)
  const own = all.filter(isOwn)
  const last = own.at(-1)
  if (last !== undefined) return { ...last, attempts: count(own), copies: count(all) - count(own) }
  const astray = all.at(-1)
  return astray === undefined ? undefined : { ...astray, attempts: count(all) }
}

async function send(
  arm: WireArm,
  { materialFor }: Questioner,
  { side, at }: { readonly side: Side; readonly at: ListenAt },
  request: TestRequest,
  tag: string,
): Promise<RawAnswer> {
  const material = request.identity === undefined ? undefined : await materialFor(request.identity)
  return sendRaw({ ...arm.bound(at), side, material, tag }, request)
}

const readyWithinMs = 60_000

/** Routes of the Gateway API answer by redirects only. */
function servesVersion(side: Side, { status, headers, body }: RawAnswer, version: number): boolean {
  if (side === 'inbound') return status === 403
  // Its listener is at an address of its own.
  if (side === 'bare') return status !== 'closed'
  if (side !== 'edge') return status === 200 && body === String(version)
  const location = headers.find(([name]) => name.toLowerCase() === 'location')?.[1] ?? ''
  return status === 307 && location.startsWith(`http://v${version}.test`)
}

/** Waits until a proxy serves the version: sidecar and gateway say it, `target` denies by it. */
export async function untilVersion(
  arm: WireArm,
  questioner: Questioner,
  to: { readonly side: Side; readonly at: ListenAt },
  version: number,
): Promise<void> {
  const deadline = performance.now() + readyWithinMs
  const probe: TestRequest = {
    method: 'GET',
    target: versionPath,
    authority: versionHost,
    headers: [[versionHeader, String(version)]],
    identity: to.side === 'inbound' ? proxyIdentity : undefined,
  }
  let last: RawAnswer | undefined
  while (performance.now() < deadline) {
    last = await send(arm, questioner, to, probe, 'probe')
    if (servesVersion(to.side, last, version)) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`${arm.name}: version ${version} never served on the ${to.side} side: ${JSON.stringify(last)}`)
}
