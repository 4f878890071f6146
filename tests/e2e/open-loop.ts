// Open-loop load: requests leave at their appointed times whether or not earlier ones were answered, as visitors do. Every second one
// takes a connection of its own; one in ten is an order, under an idempotency key of its own.
import { randomUUID } from 'node:crypto'
import { Agent, request as httpRequest } from 'node:http'
import { address, goodCard } from '../../examples/bookstore/checks/customers.ts'
import { pause } from './mesh-under-test.ts'

export interface OpenLoopOptions {
  readonly shopUrl: string
  readonly requestsPerSecond: number
  /** The `Cookie` of a customer who is logged in, for the orders. */
  readonly cookie: string
  /** What answers may take; slower ones are failures. Default 5,000. */
  readonly answerTimeoutMs?: number
}

export interface OpenLoopResult {
  readonly sent: number
  readonly ordersAnswered2xx: number
  readonly newConnections: number
  /** Time since the start, what was asked and what came instead of the right answer. */
  readonly failures: readonly string[]
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number }
  /** How late the latest request left: what is above some 100 ms means that the generator itself was starved. */
  readonly latestDepartureMs: number
}

export interface OpenLoop {
  readonly failuresSoFar: readonly string[]
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
  const agent = new Agent({ keepAlive: true })
  const failures: string[] = []
  const latencies: number[] = []
  const running = new Set<Promise<void>>()
  let sent = 0
  let newConnections = 0
  let orders = 0
  let latestDepartureMs = 0
  let stopped = false
  const startedAt = performance.now()

  const one = async (index: number): Promise<void> => {
    const plan = index % 10 === 9 ? order : (reads[index % reads.length] ?? order)
    const fresh = index % 2 === 0
    if (fresh) newConnections += 1
    const leftAt = performance.now()
    const seen = await ask(options, plan, fresh ? false : agent)
    latencies.push(performance.now() - leftAt)
    if (seen === String(plan.wanted)) orders += plan === order ? 1 : 0
    else failures.push(`${((leftAt - startedAt) / 1000).toFixed(2)} s ${plan.method} ${plan.path}: ${seen}`)
  }

  const depart = async (): Promise<void> => {
    while (!stopped) {
      const dueMs = (sent * 1000) / options.requestsPerSecond
      const earlyMs = dueMs - (performance.now() - startedAt)
      if (earlyMs > 1) {
        await pause(earlyMs)
        continue
      }
      latestDepartureMs = Math.max(latestDepartureMs, -earlyMs)
      const work = one(sent)
      sent += 1
      running.add(work)
      void work.then(() => running.delete(work))
    }
  }

  const departing = depart()
  return {
    failuresSoFar: failures,
    async stop() {
      stopped = true
      await departing
      await Promise.all(running)
      agent.destroy()
      latencies.sort((a, b) => a - b)
      const at = (part: number): number => latencies[Math.floor((latencies.length - 1) * part)] ?? 0
      const latencyMs = { p50: at(0.5), p99: at(0.99), max: at(1) }
      return { sent, newConnections, failures, latencyMs, latestDepartureMs, ordersAnswered2xx: orders }
    },
  }
}

function ask(options: OpenLoopOptions, plan: Plan, agent: Agent | false): Promise<string> {
  const headers: Record<string, string> = {}
  if (plan === order) {
    headers['cookie'] = options.cookie
    headers['content-type'] = 'application/json'
    headers['content-length'] = String(Buffer.byteLength(orderBody))
    headers['idempotency-key'] = randomUUID()
  }
  const signal = AbortSignal.timeout(options.answerTimeoutMs ?? 5_000)
  return new Promise((resolve) => {
    const url = new URL(plan.path, options.shopUrl)
    const request = httpRequest(url, { method: plan.method, agent, headers, signal }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
      })
      response.on('error', (error) => resolve(String(error)))
      response.on('end', () => {
        const right = response.statusCode === plan.wanted
        resolve(right ? String(plan.wanted) : `${response.statusCode} ${text.slice(0, 150).trim()}`)
      })
    })
    request.on('error', (error) => resolve(signal.aborted ? 'no answer in time' : String(error)))
    request.end(plan === order ? orderBody : undefined)
  })
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
