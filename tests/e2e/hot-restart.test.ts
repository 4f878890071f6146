// Proxies and applications are replaced while a mesh serves: nobody may notice. The process ids are the proof that it happened.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, test, type TestContext } from 'node:test'
import { eventually, lockMachine, pause } from './mesh-under-test.ts'
import { acceptedConnections, isAlive, listenerPids, variableOf } from './process-tree.ts'
import { smallMeshDirectory, startSmallMesh, type SmallMesh } from './small-mesh.ts'
import { longDownload, startLoad } from './steady-load.ts'

const requestsPerSecond = 60
const drainTime = '20s'

let mesh: SmallMesh
let unlock: () => Promise<void>

describe('replaced while it serves', { skip: process.env['WEFT_PROXY'] === 'envoy' }, () => {
  before(async () => {
    unlock = await lockMachine()
    mesh = await startSmallMesh(await smallMeshDirectory())
  })
  after(async () => {
    await mesh?.run.stop()
    mesh?.directory.remove()
    await unlock()
  })

  for (const name of ['gateway', 'front', 'back-0']) {
    test(`the proxy of ${name}: no request on new or kept connections and no download is lost, and nothing counted is forgotten`, async (t: TestContext) => {
      const instance = name.endsWith('-0') ? name : `${name}-0`
      const old = await mesh.instance(instance)
      const scrapes = startScrapes(mesh.addressOf(instance))
      const load = startLoad(`${mesh.url}/through`, requestsPerSecond)
      await pause(1_000)
      const download = longDownload(mesh.url, 60, 100)
      await pause(500)
      const { code, stdout, stderr } = await mesh.weft(['restart-proxy', name, '--drain-time', drainTime, '-o', 'json'])
      assert.equal(code, 0, stdout + stderr)
      const [restarted] = (JSON.parse(stdout) as { proxies: { outcome: { value: object } }[] }).proxies
      const now = await mesh.instance(instance)
      assert.deepEqual(restarted?.outcome.value, {
        epoch: old.proxyEpoch + 1,
        previousPids: old.proxyPids,
        pids: now.proxyPids,
      })
      assert.ok(now.proxyPids.every((pid) => !old.proxyPids.includes(pid)))
      assert.deepEqual(
        now.retiringProxyPids.toSorted(),
        old.proxyPids.toSorted(),
        'the old generation finishes the download',
      )
      await pause(2_000)
      assert.equal(await download, '200 whole')
      await eventually('the old generation ends', async () => (old.proxyPids.some(isAlive) ? undefined : true), 30_000)
      const result = await load.stop()
      t.diagnostic(
        `${result.sent} requests, ${result.newConnections} on new connections; processes ${old.proxyPids.join(' ')} -> ${now.proxyPids.join(' ')}`,
      )
      assert.deepEqual(result.failures, [])
      assert.equal(now.appPid, old.appPid, 'the application was not touched')
      const counted = await scrapes.stop()
      t.diagnostic(`requests counted, at each scrape: ${counted.join(' ')}`)
      assert.ok(counted.length > 5)
      assert.deepEqual(
        counted,
        counted.toSorted((a, b) => a - b),
        'what is counted never becomes less',
      )
      const growth = (counted.at(-1) ?? 0) - (counted[0] ?? 0)
      assert.ok(growth >= result.answered, `${growth} more were counted, ${result.answered} answered`)
      assert.equal((await mesh.weft(['status'])).code, 0)
    })
  }

  test('connections that stay are spread over the processes of the gateway', async (t) => {
    const { proxyPids } = await mesh.instance('gateway-0')
    const port = mesh.directory.gatewayPort
    const sockets = Array.from({ length: 100 }, () => connect(port, '127.0.0.1').on('error', () => {}))
    const spread = (): number[] => proxyPids.map((pid) => acceptedConnections(pid, '127.0.0.1', port))
    await eventually('all are accepted', async () =>
      spread().reduce((sum, count) => sum + count, 0) >= sockets.length ? true : undefined,
    )
    t.diagnostic(`accepted by each: ${spread().join(' ')}`)
    // Five standard deviations around half.
    assert.ok(spread().every((count) => count >= 25))
    for (const socket of sockets) socket.destroy()
  })

  test('one process of the gateway is killed: only it is started again, and nobody is refused', async (t) => {
    const old = await mesh.instance('gateway-0')
    assert.equal(old.proxyPids.length, 2)
    assert.deepEqual(listenerPids('127.0.0.1', mesh.directory.gatewayPort).toSorted(), old.proxyPids.toSorted())
    const before = await requestsCounted(mesh.addressOf('gateway-0'))
    for (const [index, victim] of old.proxyPids.entries()) {
      const load = startLoad(`${mesh.url}/`, requestsPerSecond)
      await pause(500)
      process.kill(victim, 'SIGKILL')
      const now = await eventually('it is back', async () => {
        const seen = await mesh.instance('gateway-0')
        return seen.proxyPids.length === 2 && !seen.proxyPids.includes(victim) ? seen : undefined
      })
      await pause(1_500)
      const { failures, sent } = await load.stop()
      t.diagnostic(
        `process ${victim} -> ${now.proxyPids[index]}; ${sent} requests, of those in flight failed: ${failures.length}`,
      )
      assert.ok(
        failures.every((failure) => !failure.includes('ECONNREFUSED')),
        failures.join('\n'),
      )
      // Those in flight on it may fail; nobody else.
      assert.ok(failures.length <= 5, failures.join('\n'))
      assert.equal(now.proxyPids[1 - index], (await mesh.instance('gateway-0')).proxyPids[1 - index])
      assert.equal(now.proxyRestarts, old.proxyRestarts + index + 1)
    }
    assert.ok((await requestsCounted(mesh.addressOf('gateway-0'))) >= before)
  })

  test('another number of processes: the old ones finish, the new ones share the work', async (t) => {
    const file = 'mesh/gateway.yaml'
    const text = mesh.directory.read(file)
    const load = startLoad(`${mesh.url}/`, requestsPerSecond)
    for (const concurrency of [3, 1]) {
      mesh.directory.replace(file, text.replace('concurrency: 2', `concurrency: ${concurrency}`))
      const now = await eventually(
        `${concurrency} processes`,
        async () => {
          const seen = await mesh.instance('gateway-0')
          return seen.proxyPids.length === concurrency ? seen : undefined
        },
        30_000,
      )
      t.diagnostic(`processes ${now.proxyPids.join(' ')}`)
      await pause(500)
    }
    assert.deepEqual((await load.stop()).failures, [])
  })

  test('a ProxyConfig: the proxies it selects get its number of processes and its variables, and no request is lost', async (t) => {
    const load = startLoad(`${mesh.url}/through`, requestsPerSecond)
    const back = await mesh.instance('back-0')
    for (const [concurrency, tier] of [
      [2, 'first'],
      [1, 'second'],
    ] as const) {
      mesh.directory.replace(
        'mesh/proxies.yaml',
        `
apiVersion: networking.istio.io/v1
kind: ProxyConfig
metadata: { name: front, namespace: small }
spec: { selector: { matchLabels: { app: front } }, concurrency: ${concurrency}, environmentVariables: { TIER: ${tier} } }
`,
      )
      const now = await eventually(
        `${concurrency} processes in tier ${tier}`,
        async () => {
          const { proxyPids } = await mesh.instance('front-0')
          const tiers = proxyPids.map((pid) => variableOf(pid, 'TIER'))
          return tiers.length === concurrency && tiers.every((one) => one === tier) ? proxyPids : undefined
        },
        30_000,
      )
      t.diagnostic(`processes ${now.join(' ')}`)
    }
    assert.deepEqual((await load.stop()).failures, [])
    assert.deepEqual((await mesh.instance('back-0')).proxyPids, back.proxyPids, 'nobody else was touched')
  })

  test('a changed command: the new application starts beside the old one and no request is lost, there and back', async (t) => {
    const file = 'mesh/back.yaml'
    const text = mesh.directory.read(file)
    const pids = [(await mesh.instance('back-0')).appPid]
    for (const version of ['two', 'three']) {
      const load = startLoad(`${mesh.url}/through`, requestsPerSecond)
      const download = longDownload(mesh.url, 40, 100)
      await pause(500)
      const from = mesh.run.lines.length
      mesh.directory.replace(file, text.replace('VERSION: one', `VERSION: ${version}`))
      await mesh.run.waitForLine(/replaced back-0/, from, 30_000)
      await pause(300)
      const { failures, bodies } = await load.stop()
      assert.deepEqual(failures, [])
      assert.equal(await download, '200 whole')
      const { appPid, proxyEpoch } = await mesh.instance('back-0')
      assert.ok(bodies.has(`${version} ${appPid}`), [...bodies].join(', '))
      assert.equal(bodies.size, 2)
      assert.ok(!pids.includes(appPid))
      assert.equal(isAlive(pids.at(-1) ?? 0), false)
      assert.equal(proxyEpoch, 1, 'the proxy was not replaced for it')
      pids.push(appPid)
    }
    t.diagnostic(`process ids of the application: ${pids.join(' -> ')}`)
  })

  test('a changed command that does not start: the old application serves on, and the mended one takes over', async () => {
    const file = 'mesh/back.yaml'
    const text = mesh.directory.read(file)
    const old = await mesh.instance('back-0')
    const load = startLoad(`${mesh.url}/through`, requestsPerSecond)
    const from = mesh.run.lines.length
    mesh.directory.replace(file, text.replace('app.mjs', 'no-such.mjs'))
    await mesh.run.waitForLine(/the one that ran goes on serving/, from, 60_000)
    assert.equal((await mesh.instance('back-0')).appPid, old.appPid)
    mesh.directory.replace(file, text.replace(/VERSION: \w+/, 'VERSION: mended'))
    await mesh.run.waitForLine(/replaced back-0/, from, 30_000)
    await pause(300)
    const { failures, bodies } = await load.stop()
    assert.deepEqual(failures, [])
    assert.ok([...bodies].some((body) => body.startsWith('mended')))
  })

  test('a proxy that is not there is an error with exit code 1', async () => {
    const { code, stderr } = await mesh.weft(['restart-proxy', 'nobody'])
    assert.equal(code, 1)
    assert.match(stderr, /nobody/)
  })
})

async function requestsCounted(address: string): Promise<number> {
  const response = await fetch(`http://${address}:15020/stats/prometheus`, { signal: AbortSignal.timeout(5_000) })
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith('istio_requests_total{'))
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

/** Asks for the metrics over and over, as Prometheus does. */
function startScrapes(address: string): { stop(): Promise<number[]> } {
  const counted: number[] = []
  let stopped = false
  const running = (async () => {
    while (!stopped) {
      counted.push(await requestsCounted(address))
      await pause(200)
    }
    counted.push(await requestsCounted(address))
  })()
  return {
    async stop() {
      stopped = true
      await running
      return counted
    },
  }
}
