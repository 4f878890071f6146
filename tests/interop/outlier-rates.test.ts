// Which endpoints are left out at the end of an interval because of their rates: real Envoy and Weft's proxy, after the same fixed answers. Clusters spread by hash, so that a user stands for an endpoint; what is left out shows in where users are sent.
import assert from 'node:assert/strict'
import { Agent, createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { once } from '@weft/testkit/once'
import { httpListener } from '../wire/proxy-under-test.ts'
import { skipWithoutEnvoy as skip } from './envoy-on-path.ts'
import { arms, bothProxies } from './protocol/both-proxies.ts'

/** Long enough for all answers of a round, on a machine that has other work. */
const intervalS = 8
/** Intervals of clusters that began together end within this time, whatever else the machine does. */
const apartMs = 500
const endpointCount = 5

/** What each endpoint answers in one interval, and who is left out behind it. */
interface Rates {
  readonly name: string
  readonly outliers: JsonObject
  /** Successes and failures, by endpoint. */
  readonly answers: readonly (readonly [successes: number, failures: number])[]
  /** What a failure is: an answer, or none at all. */
  readonly failure?: '500' | 'reset'
  readonly leftOut: readonly number[]
}

const good: readonly [number, number] = [10, 0]
const half: readonly [number, number] = [5, 5]
const successRate = { enforcingSuccessRate: 100, successRateRequestVolume: 10 }
const failures = {
  enforcingSuccessRate: 0,
  enforcingFailurePercentage: 100,
  failurePercentageThreshold: 50,
  failurePercentageRequestVolume: 10,
}

const all: readonly Rates[] = [
  {
    name: 'success rate: one is far below the others',
    outliers: successRate,
    answers: [good, good, half, good, good],
    leftOut: [2],
  },
  {
    name: 'success rate: not so far as it takes',
    outliers: { ...successRate, successRateStdevFactor: 2500 },
    answers: [good, good, half, good, good],
    leftOut: [],
  },
  {
    name: 'success rate: one has too few answers to count',
    outliers: successRate,
    answers: [good, good, [2, 1], good, half],
    leftOut: [],
  },
  {
    name: 'success rate: enough without the one that has too few',
    outliers: { ...successRate, successRateMinimumHosts: 4, successRateStdevFactor: 1500 },
    answers: [good, good, [0, 3], good, half],
    leftOut: [4],
  },
  { name: 'success rate: all alike', outliers: successRate, answers: [half, half, half, half, half], leftOut: [] },
  {
    name: 'success rate: two of five',
    outliers: { ...successRate, successRateStdevFactor: 1000 },
    answers: [[2, 8], good, good, [2, 8], good],
    leftOut: [0, 3],
  },
  {
    name: 'success rate: nobody is meant',
    outliers: { ...successRate, enforcingSuccessRate: 0 },
    answers: [good, good, half, good, good],
    leftOut: [],
  },
  {
    name: 'failures: as many as it takes, and one fewer',
    outliers: failures,
    answers: [half, [6, 4], good, [0, 10], good],
    leftOut: [0, 3],
  },
  {
    name: 'failures: too few endpoints with enough answers',
    outliers: failures,
    answers: [half, [0, 9], good, [0, 10], good],
    leftOut: [],
  },
  {
    name: 'failures: fewer endpoints are enough where it is said so',
    outliers: { ...failures, failurePercentageMinimumHosts: 3 },
    answers: [half, [0, 9], [0, 0], [0, 10], good],
    leftOut: [0, 3],
  },
  {
    name: 'failures: broken connections count apart',
    outliers: {
      ...failures,
      // A request that breaks had a connection first, which is a success of its own.
      failurePercentageThreshold: 40,
      splitExternalLocalOriginErrors: true,
      enforcingLocalOriginSuccessRate: 0,
      enforcingConsecutiveLocalOriginFailure: 0,
      enforcingFailurePercentageLocalOrigin: 100,
    },
    answers: [[2, 8], good, good, good, good],
    failure: 'reset',
    leftOut: [0],
  },
]
/** One endpoint after the other is left out, one at the end of each interval: that is how ends are seen. */
const clock: JsonObject = { ...failures, failurePercentageRequestVolume: 1, failurePercentageMinimumHosts: 1 }

const clusterOf = (name: string, outliers: JsonObject, ports: readonly number[]): JsonObject => ({
  name,
  type: 'STATIC',
  connectTimeout: '5s',
  lbPolicy: 'RING_HASH',
  commonLbConfig: { updateMergeWindow: '0s', healthyPanicThreshold: { value: 0 } },
  outlierDetection: {
    interval: `${intervalS}s`,
    baseEjectionTime: '600s',
    maxEjectionPercent: 100,
    enforcingConsecutive5xx: 0,
    enforcingConsecutiveGatewayFailure: 0,
    ...outliers,
  },
  loadAssignment: {
    clusterName: name,
    endpoints: [
      {
        lbEndpoints: ports.map((portValue) => ({
          endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue } } },
        })),
      },
    ],
  },
})

describe('rates of failures', { skip, timeout: 180_000 }, () => {
  /** Which endpoint a request came to, by its tag. */
  const arrived = new Map<string, number>()
  const servers: Server[] = []
  const agent = new Agent({ keepAlive: true, maxSockets: 24 })
  const both = bothProxies(() => servers)
  let tags = 0

  before(async () => {
    for (let at = 0; at < endpointCount; at++) servers.push(await obedient(at, arrived))
    const ports = servers.map((server) => (server.address() as AddressInfo).port)
    const named: (readonly [string, JsonObject])[] = [
      ['clock', clock],
      ...all.map(({ outliers }, at) => [`c${at}`, outliers] as const),
    ]
    const virtualHosts = named.map(([name]) => ({
      name,
      domains: [name],
      routes: [
        { match: { prefix: '/' }, route: { cluster: name, hashPolicy: [{ header: { headerName: 'x-user' } }] } },
      ],
    }))
    const resources = {
      listeners: [httpListener('in', { name: 'routes', virtualHosts })],
      clusters: named.map(([name, outliers]) => clusterOf(name, outliers, ports)),
    }
    await both.start(resources)
  })

  after(() => agent.destroy())

  /** Sends one; the endpoint it came to. */
  const ask = async (port: number, host: string, user: string, wish: string): Promise<number | undefined> => {
    const tag = `t${tags++}`
    const headers = { host, 'user-agent': tag, 'x-user': user, 'x-do': wish }
    const asked = request({ port, host: '127.0.0.1', agent, headers }).end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    await once(response.resume(), 'end')
    return arrived.get(tag)
  }

  /** A user of each endpoint. */
  const usersOf = async (port: number): Promise<readonly string[]> => {
    const users: string[] = []
    for (let at = 0; users.filter((user) => user !== '').length < endpointCount; at++) {
      const endpoint = await ask(port, 'clock', `user-${at}`, '200')
      if (endpoint !== undefined) users[endpoint] ??= `user-${at}`
    }
    return users
  }

  /** Lets one endpoint of the clock fail until it is left out: an interval has ended just now. */
  const endOfInterval = async (port: number): Promise<void> => {
    const endpoint = await ask(port, 'clock', 'clock', '200')
    for (const deadline = performance.now() + 30_000; performance.now() < deadline; ) {
      if ((await ask(port, 'clock', 'clock', '500')) !== endpoint) return
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    throw new Error('no interval has ended')
  }

  const playRound = async (port: number, users: readonly string[], at: number): Promise<void> => {
    const { answers, failure = '500' } = all[at] as Rates
    for (const [endpoint, [successes, failed]] of answers.entries()) {
      const wishes = [
        ...Array.from({ length: successes }, () => '200'),
        ...Array.from({ length: failed }, () => failure),
      ]
      for (const wish of wishes) assert.equal(await ask(port, `c${at}`, users[endpoint] as string, wish), endpoint)
    }
  }

  /** Those that none of many users is sent to. */
  const leftOutOf = async (port: number, host: string): Promise<readonly number[]> => {
    const many = Array.from({ length: 60 }, (_, at) => `user-${at}`)
    const reached = new Set(await Promise.all(many.map((user) => ask(port, host, user, '200'))))
    return servers.flatMap((_, at) => (reached.has(at) ? [] : [at]))
  }

  for (const arm of arms) {
    test(`${arm}: after an interval those are left out whose rates stand out, and no others`, async () => {
      const port = both.port(arm)
      const users = await usersOf(port)
      await endOfInterval(port)
      // Each cluster has a timer of its own, a moment apart: an answer must not fall into the interval that ends.
      await new Promise((resolve) => setTimeout(resolve, apartMs))
      const sinceMs = performance.now()
      await Promise.all(all.map((_, at) => playRound(port, users, at)))
      assert.ok(performance.now() - sinceMs < intervalS * 1_000 - 2 * apartMs, 'all answers fall into one interval')
      await endOfInterval(port)
      const seen: Record<string, readonly number[]> = {}
      const wanted = Object.fromEntries(all.map(({ name, leftOut }) => [name, leftOut]))
      for (const deadline = performance.now() + 3_000; performance.now() < deadline; ) {
        for (const [at, { name }] of all.entries()) seen[name] = await leftOutOf(port, `c${at}`)
        if (JSON.stringify(seen) === JSON.stringify(wanted)) break
      }
      assert.deepEqual(seen, wanted)
    })
  }
})

/** Does what requests ask for. */
async function obedient(endpoint: number, arrived: Map<string, number>): Promise<Server> {
  const server = createServer((request, response) => {
    arrived.set(String(request.headers['user-agent']), endpoint)
    const wish = String(request.headers['x-do'])
    if (wish === 'reset') request.socket.destroy()
    else response.writeHead(Number(wish), { 'content-length': '0' }).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}
