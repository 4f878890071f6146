// Which endpoints are left out because they fail: real Envoy, Weft's proxy and the engine's own detector, request after request, on generated
// clusters that spread by hash, so that every request has one endpoint. WEFT_SEED replays a run.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from '@weft/testkit/once'
import { httpListener } from '../wire/proxy-under-test.ts'
import { converse } from '../wire/raw-http.ts'
import { skipWithoutEnvoy as skip } from './envoy-on-path.ts'
import { Dice } from './matchers/random.ts'
import { type FailingCluster, failingCluster, type Failing, OutlierModel } from './outliers/failing-cluster.ts'
import { arms, bothProxies } from './protocol/both-proxies.ts'
import type { StaticEnvoy } from './protocol/static-envoy.ts'

const seed = Number(process.env['WEFT_SEED'] ?? 1)
const clusterCount = 24
const mostEndpoints = 5

describe('outliers', { skip, timeout: 240_000 }, () => {
  const dice = new Dice(seed)
  /** Which endpoint a request came to, by its tag. */
  const arrived = new Map<string, number>()
  const servers: Server[] = []
  const clusters: FailingCluster[] = []
  const both = bothProxies(() => servers)

  before(async () => {
    for (let at = 0; at < mostEndpoints; at++) servers.push(await failingServer(at, arrived))
    const ports = servers.map((server) => (server.address() as AddressInfo).port)
    for (let at = 0; at < clusterCount; at++) clusters.push(failingCluster(dice, `c${at}`, ports))
    const routes = {
      name: 'routes',
      virtualHosts: clusters.map(({ name }) => ({
        name,
        domains: [name],
        routes: [
          { match: { prefix: '/' }, route: { cluster: name, hashPolicy: [{ header: { headerName: 'x-user' } }] } },
        ],
      })),
    }
    const resources = { listeners: [httpListener('in', routes)], clusters: clusters.map(({ json }) => json) }
    await both.start(resources)
  })

  test('what an endpoint answers, or does not, leaves it out where Envoy does', async (t) => {
    const reports: string[] = []
    const seen = { requests: 0, ejections: 0, 'asked in spite of it': 0 }
    await Promise.all(
      clusters.map(async (cluster) => {
        const model = new OutlierModel(cluster)
        for (const [at, asked] of cluster.requests.entries()) {
          const expected = model.ask(asked)
          seen.requests++
          if (model.wasLeftOut) seen['asked in spite of it']++
          for (const arm of arms) {
            const tag = `${arm}-${cluster.name}-${at}`
            const port = both.port(arm)
            const status = await send(port, cluster.name, tag, asked)
            const found = { status, endpoint: arrived.get(tag) }
            if (JSON.stringify(found) !== JSON.stringify(expected))
              reports.push(
                `${tag}: explained ${JSON.stringify(expected)}, seen ${JSON.stringify(found)}\n${model.text}`,
              )
          }
          const left = await leftOut(both.envoy, cluster.name, model.leftOut)
          if (left === model.leftOut) continue
          reports.push(`envoy-${cluster.name}-${at}: explained ${model.leftOut} left out, seen ${left}\n${model.text}`)
          break
        }
        seen.ejections += model.leftOut
      }),
    )
    t.diagnostic(`WEFT_SEED=${seed} ${JSON.stringify(seen)}`)
    assert.equal(reports.length, 0, `${reports.length} differences\n${reports.slice(0, 5).join('\n\n')}`)
    assert.ok(seen.ejections >= clusterCount / 2, 'endpoints were left out')
    assert.ok(seen['asked in spite of it'] > 0, 'some were asked all the same, since most had failed')
  })
})

async function failingServer(endpoint: number, arrived: Map<string, number>): Promise<Server> {
  const server = createServer((request, response) => {
    arrived.set(String(request.headers['user-agent']), endpoint)
    const wish = String(request.headers['x-do'])
    if (wish === 'reset') request.socket.destroy()
    else response.writeHead(Number(wish), { 'content-length': '0' }).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function send(port: number, host: string, tag: string, { user, wish }: Failing): Promise<number> {
  const lines = [`Host: ${host}`, `User-Agent: ${tag}`, `x-user: ${user}`, `x-do: ${wish}`, 'Connection: close']
  return Number((await converse(port, [`GET / HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`])).slice(9, 12))
}

const toldWithinMs = 10_000

/** How many Envoy leaves out: its workers tell its main thread, which tells them, so what is expected may take a moment. */
async function leftOut(envoy: StaticEnvoy, cluster: string, expected: number): Promise<number> {
  const name = `cluster.${cluster}.outlier_detection.ejections_active`
  const deadline = performance.now() + toldWithinMs
  for (;;) {
    const text = await envoy.admin(`/stats?filter=^${name.replaceAll('.', '\\.')}$`)
    const count = Number(/: (\d+)/.exec(text)?.[1])
    if (count === expected || performance.now() > deadline) return count
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
