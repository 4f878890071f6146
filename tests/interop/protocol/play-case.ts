// Plays one case against one proxy and says what was seen at both of its ends.
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { connect as tlsConnect, createServer as createTlsServer } from 'node:tls'
import { once } from '@weft/testkit/once'
import { observe, type Observation } from './observation.ts'
import type { ProtocolCase, Step } from './protocol-case.ts'
import { readHttp1 } from './read-http1.ts'
import { type Stage, Talk } from './talk.ts'

/** A line of the access log. */
export interface LogEntry {
  readonly status: number
  readonly flags: string
  readonly details: string
  readonly bytesReceived: number
  readonly bytesSent: number
}

/** A running proxy that serves one case. */
export interface Stand {
  readonly port: number
  /** Takes the lines that have come so far. */
  takeLog(): readonly LogEntry[]
  close(): Promise<void>
}

/** The upstream of one case and proxy; it outlives a play, its connections do not. */
export class Upstream {
  readonly #case: ProtocolCase
  readonly #server: Server
  readonly talks: Talk[] = []
  stage: Stage | undefined = undefined

  private constructor(given: ProtocolCase) {
    this.#case = given
    const accept = (socket: Socket): void => this.#accept(socket)
    const tls = given.tls?.upstream?.server
    this.#server =
      tls === undefined
        ? createServer({ allowHalfOpen: true }, accept)
        : createTlsServer({ allowHalfOpen: true, ...tls }, accept).on('tlsClientError', () => {})
  }

  /** Listens on any port. */
  static async open(given: ProtocolCase): Promise<Upstream> {
    const upstream = new Upstream(given)
    if (given.upstream !== 'refuses') {
      upstream.#server.listen(0, '127.0.0.1')
      await once(upstream.#server, 'listening')
    }
    return upstream
  }

  /** Where it listens; port 1, where nobody does, when it refuses. */
  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 1
  }

  clear(): void {
    for (const talk of this.talks) talk.socket.destroy()
    this.talks.length = 0
  }

  close(): void {
    this.clear()
    this.#server.close()
  }

  #accept(socket: Socket): void {
    const stage = this.stage
    if (stage === undefined) {
      socket.destroy()
      return
    }
    const { upstream = 'ok', upstreamWire: wire = 'h1' } = this.#case
    const talk = new Talk(socket, { side: 'upstream', stage, wire })
    this.talks.push(talk)
    stage.touch()
    if (typeof upstream === 'string') void serve(talk, stage, upstream === 'echo')
    else void talk.play(upstream[Math.min(this.talks.length, upstream.length) - 1] ?? [])
  }
}

/** Answers each whole request. */
async function serve(talk: Talk, stage: Stage, echo: boolean): Promise<void> {
  await talk.play([])
  let answered = 0
  while (!stage.over) {
    const bodies = wholeRequests(talk)
    for (; answered < bodies.length; answered++) {
      const [stream, text] = bodies[answered] as [number, string]
      const body = echo ? text : 'ok'
      await talk.play(answerSteps(talk, stream, body))
    }
    await stage.changed()
  }
}

function wholeRequests(talk: Talk): [stream: number, body: string][] {
  if (talk.h2 === undefined) {
    const { messages } = readHttp1(talk.text, { side: 'requests' })
    return messages.filter(({ whole }) => whole).map(({ body }) => [0, body])
  }
  return [...talk.h2.streams.values()].filter(({ ended }) => ended).map(({ id, data }) => [id, data])
}

function answerSteps(talk: Talk, stream: number, body: string): Step[] {
  if (talk.h2 === undefined) return [`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`]
  return [
    { headers: [[':status', '200']], stream },
    { data: body, stream, ends: true },
  ]
}

/** How patient a play is. */
export interface Patience {
  /** Nothing has happened for this long: the case is over. */
  readonly quietMs: number
  /** How long lines of the log may take. */
  readonly logMs: number
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Plays it. */
export async function playCase(
  given: ProtocolCase,
  stand: Stand,
  upstream: Upstream,
  patience: Patience,
): Promise<Observation> {
  let client: Talk | undefined
  const stage = newStage(() => ({ client: client === undefined ? [] : [client], upstream: upstream.talks }))
  upstream.clear()
  upstream.stage = stage
  stand.takeLog()
  const socket = call(given, stand.port)
  client = new Talk(socket, { side: 'client', stage, wire: given.downstreamWire ?? 'h1' })
  const ready = given.tls?.client === undefined ? 'connect' : 'secureConnect'
  await Promise.race([once(socket, ready), once(socket, 'close')]).catch(() => {})
  await Promise.race([client.play(given.client), sleep(3_000)])
  await sleep(given.lasts ?? 0)
  for (let seen = -1; seen !== stage.activity; ) {
    seen = stage.activity
    await sleep(patience.quietMs)
  }
  stage.over = true
  stage.touch()
  const found = observe(given, client, upstream.talks)
  // The client first, as it were the one to lose interest.
  socket.destroy()
  upstream.stage = undefined
  await sleep(patience.logMs / 2)
  upstream.clear()
  await sleep(patience.logMs / 2)
  return { ...found, ...logOf(stand) }
}

function call({ tls }: ProtocolCase, port: number): Socket {
  const to = { port, host: '127.0.0.1', allowHalfOpen: true }
  return tls?.client === undefined ? connect(to) : tlsConnect({ ...to, rejectUnauthorized: false, ...tls.client })
}

function logOf(stand: Stand): Observation {
  return { log: stand.takeLog().map(logLine).sort().join('\n') }
}

/** What the codec refused, or OpenSSL, is named more exactly by one than by the other, and how far its body got is chance. */
function logLine({ status, flags, details, bytesReceived, bytesSent }: LogEntry): string {
  if (/^(http[12]?\.|codec_error)/.test(details)) return `${status} ${flags} by the codec`
  return `${status} ${flags} ${details.replace(/TLS_error:.*(?=\})/, 'TLS_error')} ${bytesReceived} bytes in, ${bytesSent} out`
}

function newStage(talks: () => { client: readonly Talk[]; upstream: readonly Talk[] }): Stage {
  let wake: (() => void) | undefined
  let next = new Promise<void>((resolve) => (wake = resolve))
  const stage: Stage = {
    activity: 0,
    over: false,
    changed: () => next,
    touch() {
      stage.activity++
      const waking = wake
      next = new Promise<void>((resolve) => (wake = resolve))
      waking?.()
    },
    received: (side) =>
      talks()
        [side].map((talk) => talk.received())
        .join('\n'),
  }
  return stage
}
