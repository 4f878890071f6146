// The share of an endpoint that has just joined, over the window of its slow start: real Envoy and Weft's proxy, both held to Envoy's formula.
import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { once } from '@weft/testkit/once'
import { any, assignment, httpListener } from '../wire/proxy-under-test.ts'
import { skipWithoutEnvoy as skip } from './envoy-on-path.ts'
import { arms, bothProxies } from './protocol/both-proxies.ts'

const windowMs = 6_000
/** Quarters of the window; in each the share may be so far from what the formula makes of the moments of its requests. */
const quarters = [0, 1, 2, 3]
const tolerance = 0.1
const leastRequests = 60

interface SlowlyStarting {
  readonly name: string
  readonly cluster: JsonObject
  readonly least: number
  readonly aggression: number
}

const starting = (least: number, aggression: number): JsonObject => ({
  slowStartConfig: {
    slowStartWindow: `${windowMs / 1000}s`,
    minWeightPercent: { value: least * 100 },
    aggression: { defaultValue: aggression, runtimeKey: 'none' },
  },
})
const all: readonly SlowlyStarting[] = [
  {
    name: 'even',
    cluster: { lbPolicy: 'ROUND_ROBIN', roundRobinLbConfig: starting(0.1, 1) },
    least: 0.1,
    aggression: 1,
  },
  {
    name: 'eager',
    cluster: { lbPolicy: 'ROUND_ROBIN', roundRobinLbConfig: starting(0.05, 2) },
    least: 0.05,
    aggression: 2,
  },
  {
    name: 'least',
    cluster: { lbPolicy: 'LEAST_REQUEST', leastRequestLbConfig: starting(0.1, 1) },
    least: 0.1,
    aggression: 1,
  },
]

/** What the young endpoint has of the traffic at an age, beside one that is old (the Envoy documentation's formula). */
function shareAt({ least, aggression }: SlowlyStarting, ageMs: number): number {
  const factor = Math.min(1, Math.max(least, (Math.max(1, ageMs) / windowMs) ** (1 / aggression)))
  return factor / (1 + factor)
}

const sleepUntil = (atMs: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, atMs - performance.now())))

describe('slow start', { skip, timeout: 120_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-slow-start-'))
  const agent = new Agent({ keepAlive: true })
  const servers: Server[] = []
  let ports: readonly number[] = []
  const both = bothProxies(() => servers)
  let startedMs = 0

  /** Puts the endpoints where Envoy reads them: a rename is what it watches for. */
  const tellEnvoy = (endpoints: readonly number[]): void => {
    for (const { name } of all) {
      const type = 'envoy.config.endpoint.v3.ClusterLoadAssignment'
      const resources = [any(type, assignment(name, [...endpoints]))]
      writeFileSync(join(dir, 'next'), JSON.stringify({ versionInfo: String(endpoints.length), resources }))
      renameSync(join(dir, 'next'), join(dir, name))
    }
  }

  before(async () => {
    for (const body of ['old', 'young']) servers.push(await answeringWith(body))
    ports = servers.map((server) => (server.address() as AddressInfo).port)
    const virtualHosts = all.map(({ name }) => ({
      name,
      domains: [name],
      routes: [{ match: { prefix: '/' }, route: { cluster: name } }],
    }))
    const listeners = [httpListener('in', { name: 'routes', virtualHosts })]
    const clusters = (edsConfig: (name: string) => JsonObject): JsonObject[] =>
      all.map(({ name, cluster }) => ({
        name,
        type: 'EDS',
        edsClusterConfig: { edsConfig: edsConfig(name) },
        ...cluster,
      }))
    tellEnvoy(ports.slice(0, 1))
    const path = (name: string): JsonObject => ({ pathConfigSource: { path: join(dir, name) } })
    const ofWeft = { listeners, clusters: clusters(() => ({ ads: {} })) }
    await both.start(ofWeft, { listeners, clusters: clusters(path) })
    for (const { name } of all) both.weft.setEndpoints(name, assignment(name, ports.slice(0, 1)))
    startedMs = performance.now()
  })

  after(() => {
    agent.destroy()
    rmSync(dir, { recursive: true })
  })

  const ask = async (port: number, host: string): Promise<string> => {
    const asked = request({ port, host: '127.0.0.1', agent, headers: { host } }).end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    let body = ''
    for await (const piece of response.setEncoding('latin1')) body += piece
    return body
  }

  /** Asks until the window is over; what is wrong with the shares. */
  const watch = async (port: number, one: SlowlyStarting, joinedMs: number): Promise<readonly string[]> => {
    const seen = quarters.map(() => ({ requests: 0, young: 0, expected: 0 }))
    for (;;) {
      const ageMs = performance.now() - joinedMs
      const quarter = seen[Math.floor((ageMs * 4) / windowMs)]
      if (quarter === undefined) break
      quarter.requests++
      quarter.expected += shareAt(one, ageMs)
      if ((await ask(port, one.name)) === 'young') quarter.young++
    }
    return seen.flatMap(({ requests, young, expected }, at) => {
      const [share, wanted] = [young / requests, expected / requests]
      const text = `quarter ${at + 1}: ${share.toFixed(3)} of ${requests}, wanted ${wanted.toFixed(3)}`
      return requests < leastRequests || Math.abs(share - wanted) > tolerance ? [text] : []
    })
  }

  test('the share of an endpoint that joins grows as the formula says, in both proxies', async () => {
    // Those of the beginning are new themselves until then.
    await sleepUntil(startedMs + windowMs + 500)
    const joinedMs = performance.now()
    for (const { name } of all) both.weft.setEndpoints(name, assignment(name, [...ports]))
    tellEnvoy(ports)
    const found = await Promise.all(
      arms.flatMap((arm) => {
        const port = both.port(arm)
        return all.map(async (one) => (await watch(port, one, joinedMs)).map((text) => `${arm} ${one.name} ${text}`))
      }),
    )
    assert.deepEqual(found.flat(), [])
  })

  test('behind its window it has the share of any other', async () => {
    for (const arm of arms) {
      const port = both.port(arm)
      let young = 0
      for (let at = 0; at < 100; at++) if ((await ask(port, 'even')) === 'young') young++
      assert.ok(Math.abs(young - 50) <= 3, `${arm}: ${young} of 100`)
    }
  })
})

async function answeringWith(body: string): Promise<Server> {
  const server = createServer((_request, response) => response.end(body)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}
