// Open-loop load: requests leave at their appointed times whether or not earlier ones were answered, as visitors do. Every second one
// takes a connection of its own; one in ten is an order, under an idempotency key of its own. With `mixed`, one in five speaks HTTP/2 and
// one in ten is a gRPC call.
import { randomUUID } from 'node:crypto'
import { address, goodCard } from '../../examples/bookstore/checks/customers.ts'
import { makeLoadClient, type LoadAnswer } from './load-client.ts'
import { makeHttp2Load } from './load-http2.ts'

export interface OpenLoopOptions {
  readonly shopUrl: string
  readonly requestsPerSecond: number
  /** The `Cookie` of a customer who is logged in, for the orders. */
  readonly cookie: string
  /** What answers may take; slower ones are failures. Default 5,000. */
  readonly answerTimeoutMs?: number
  /** HTTP/2 and gRPC too; the mesh needs `stockRoute`. */
  readonly mixed?: boolean
  /** The rate rises from a tenth to the whole of it within this time; what is asked meanwhile may fail as little as the rest. Default 0. */
  readonly rampSeconds?: number
}

export interface OpenLoopResult {
  readonly sent: number
  readonly ordersAnswered2xx: number
  readonly newConnections: number
  /** How many were asked over HTTP/2, and how many gRPC calls were made. */
  readonly http2: number
  readonly grpc: number
  /** HTTP/2 requests that a GOAWAY crossed and that were asked anew; see `Http2Load`. */
  readonly askedAnew: number
  /** Time since the start, what was asked and what came instead of the right answer. */
  readonly failures: readonly string[]
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number }
  /** How late the latest request left: what is above some 100 ms means that the generator itself was starved. */
  readonly latestDepartureMs: number
}

export interface OpenLoop {
  readonly failuresSoFar: readonly string[]
  readonly sentSoFar: number
  /** From now on the rate stays as it is. Returns it, in requests per second. */
  hold(): number
  /** Sends no more, waits for what is on its way. */
  stop(): Promise<OpenLoopResult>
}

interface Plan {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly wanted: number
}

const order: Plan = { method: 'POST', path: '/api/orders', wanted: 201 }
const reads: readonly Plan[] = [
  '/api/books/9781950000012',
  '/api/books',
  '/api/books/9781950000067',
  '/books/9781950000029',
].map((path) => ({ method: 'GET', path, wanted: 200 }))
const orderBody = JSON.stringify({ lines: [{ isbn: '9781950000012', quantity: 1 }], address, card: goodCard })

/** Starts the load; it goes on until `stop`. */
export function startOpenLoop(options: OpenLoopOptions): OpenLoop {
  const shop = new URL(options.shopUrl)
  const bytes = prepareRequests(options)
  const timeoutMs = options.answerTimeoutMs ?? 5_000
  const other = options.mixed === true ? makeHttp2Load(options.shopUrl, timeoutMs) : undefined
  const client = makeLoadClient(shop.hostname, Number(shop.port), timeoutMs)
  const failures: string[] = []
  const latencies: number[] = []
  let answered = 0
  let sent = 0
  let newConnections = 0
  let http2 = 0
  let grpc = 0
  let orders = 0
  let latestDepartureMs = 0
  let stopped = false
  const startedAt = performance.now()
  const { requestsPerSecond, rampSeconds = 0 } = options
  let held: { readonly index: number; readonly atMs: number; readonly perSecond: number } | undefined

  const { promise: allAnswered, resolve: onAllAnswered } = Promise.withResolvers<void>()

  const judge = (what: string, isOrder: boolean, leftAt: number, complaint: string | undefined): void => {
    latencies.push(performance.now() - leftAt)
    if (complaint !== undefined) failures.push(`${((leftAt - startedAt) / 1000).toFixed(2)} s ${what}: ${complaint}`)
    else if (isOrder) orders += 1
    answered += 1
    if (stopped && answered === sent) onAllAnswered()
  }

  const send = (index: number): void => {
    const plan = index % 10 === 9 ? order : (reads[index % reads.length] ?? order)
    const leftAt = performance.now()
    if (other !== undefined && index % 10 === 3) {
      grpc += 1
      other.stockOf('9781950000012', (complaint) => judge('gRPC Stock/Level', false, leftAt, complaint))
    } else if (other !== undefined && (index % 10 === 1 || index % 10 === 5)) {
      http2 += 1
      const what = `${plan.method} ${plan.path} (HTTP/2)`
      other.get(plan.path, (answer) => judge(what, false, leftAt, complaintOf(answer, plan)))
    } else {
      const fresh = index % 2 === 0
      if (fresh) newConnections += 1
      const what = `${plan.method} ${plan.path}`
      client.ask(bytes(plan, fresh), fresh, (answer) => judge(what, plan === order, leftAt, complaintOf(answer, plan)))
    }
  }

  let next: NodeJS.Timeout | undefined
  const depart = (): void => {
    for (;;) {
      const dueMs =
        held === undefined
          ? departureMs(sent, requestsPerSecond, rampSeconds)
          : held.atMs + ((sent - held.index) * 1000) / held.perSecond
      const earlyMs = dueMs - (performance.now() - startedAt)
      if (earlyMs > 1) {
        next = setTimeout(depart, earlyMs)
        return
      }
      latestDepartureMs = Math.max(latestDepartureMs, -earlyMs)
      sent += 1
      send(sent - 1)
    }
  }

  depart()
  return {
    failuresSoFar: failures,
    get sentSoFar() {
      return sent
    },
    hold() {
      const atMs = performance.now() - startedAt
      const risen = rampSeconds === 0 ? 1 : Math.min(1, atMs / (rampSeconds * 1000))
      const first = firstRate(requestsPerSecond)
      const perSecond = Math.round(first + (requestsPerSecond - first) * risen)
      held = { index: sent, atMs, perSecond }
      return perSecond
    },
    async stop() {
      stopped = true
      clearTimeout(next)
      if (answered < sent) await allAnswered
      client.close()
      other?.close()
      latencies.sort((a, b) => a - b)
      const at = (part: number): number => latencies[Math.floor((latencies.length - 1) * part)] ?? 0
      const latencyMs = { p50: at(0.5), p99: at(0.99), max: at(1) }
      const counted = { sent, newConnections, http2, grpc, askedAnew: other?.askedAnew ?? 0, ordersAnswered2xx: orders }
      return { ...counted, failures, latencyMs, latestDepartureMs }
    },
  }
}

// How many requests leave while the rate rises.
function sentInRamp(perSecond: number, rampSeconds: number): number {
  return Math.floor(((perSecond + firstRate(perSecond)) / 2) * rampSeconds)
}

const firstRate = (perSecond: number): number => perSecond / 10

// When the request of this index leaves: the rate rises in a straight line, and stays.
function departureMs(index: number, perSecond: number, rampSeconds: number): number {
  const inRamp = sentInRamp(perSecond, rampSeconds)
  if (index >= inRamp) return rampSeconds * 1000 + ((index - inRamp) * 1000) / perSecond
  const first = firstRate(perSecond)
  const risePerSecond = (perSecond - first) / rampSeconds
  return ((Math.sqrt(first * first + 2 * risePerSecond * index) - first) / risePerSecond) * 1000
}

// The bytes of a request; only the key of an order is new each time.
function prepareRequests({ shopUrl, cookie }: OpenLoopOptions): (plan: Plan, fresh: boolean) => Buffer {
  const { host } = new URL(shopUrl)
  const prepared = new Map<string, Buffer>()
  return (plan, fresh) => {
    const head = `${plan.method} ${plan.path} HTTP/1.1\r\nhost: ${host}\r\nconnection: ${fresh ? 'close' : 'keep-alive'}\r\n`
    if (plan === order) {
      const type = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(orderBody)}\r\n`
      return Buffer.from(`${head}cookie: ${cookie}\r\n${type}idempotency-key: ${randomUUID()}\r\n\r\n${orderBody}`)
    }
    let bytes = prepared.get(head)
    if (bytes === undefined) prepared.set(head, (bytes = Buffer.from(`${head}\r\n`)))
    return bytes
  }
}

// What came, unless it is the right answer.
function complaintOf(answer: LoadAnswer, plan: Plan): string | undefined {
  if (typeof answer === 'string') return answer
  const { status, body } = answer
  return status === plan.wanted ? undefined : `${status} ${body.slice(0, 150).trim()}`
}

/** Registers a customer and gives the `Cookie` that logs him in. */
export async function customerCookie(shopUrl: string): Promise<string> {
  const name = `load-${randomUUID().slice(0, 8)}`
  const body = new URLSearchParams({ name, password: `${name}-secret` })
  const response = await fetch(new URL('/register', shopUrl), { method: 'POST', body, redirect: 'manual' })
  const [session = ''] = (response.headers.get('set-cookie') ?? '').split(';')
  if (response.status !== 303 || session === '') throw new Error(`cannot register: ${response.status}`)
  return session
}
