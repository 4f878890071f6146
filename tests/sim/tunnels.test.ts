// TCP between proxies in the simulated world: streams of one connection per peer, named on both ends, through rotations.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Transport } from '@weft/core'
import { type SimMesh } from './sim-mesh.ts'
import { live } from './shop-mesh.ts'

const stock = `
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: stock, namespace: shop, labels: { app: stock, version: v1 } }
spec: { command: [stock], serviceAccount: stock, ports: [{ name: tcp, port: 7000 }, { name: tcp-admin, port: 7001 }] }
---
apiVersion: v1
kind: Service
metadata: { name: stock, namespace: shop }
spec: { selector: { app: stock }, ports: [{ name: tcp, port: 7000 }, { name: tcp-admin, port: 7001 }] }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: stock, namespace: shop }
spec:
  selector: { matchLabels: { app: stock } }
  rules:
    - from: [{ source: { principals: ["cluster.local/ns/shop/sa/web"] } }]
      to: [{ operation: { ports: ["7000"] } }]
---`

/** The stock workload's application: an echo on both ports. */
async function startStock(mesh: SimMesh): Promise<void> {
  const runtime = mesh.world.runtimeOf('stock-app')
  for (const port of [7000, 7001]) {
    const listening = await runtime.net.listen({ host: mesh.instance('stock-0').appAddress, port }, (transport) => {
      transport.handler = {
        onData: (chunk) => void transport.write(Buffer.from(chunk)),
        onEnd: () => transport.end(),
        onDrain() {},
        onClose() {},
      }
      transport.resume()
    })
    assert.ok(listening.ok)
  }
}

interface Line {
  readonly transport: Transport
  text: string
  over: boolean
}

/** web's application opens a connection to a port of stock, by its loopback listener. */
async function open(mesh: SimMesh, port: number): Promise<Line> {
  const web = mesh.instance('web-0')
  const host = web.outboundTcp[`stock.shop:${port}`]
  assert.ok(host !== undefined)
  let line: Line | undefined
  mesh.world.runtimeOf('web-app').net.connect(
    { host, port, localAddress: web.appAddress },
    (transport) => {
      const opened: Line = { transport, text: '', over: false }
      line = opened
      transport.handler = {
        onData: (chunk) => void (opened.text += chunk.toString('latin1')),
        onEnd: () => void (opened.over = true),
        onDrain() {},
        onClose: () => void (opened.over = true),
      }
      transport.resume()
    },
    (close) => assert.fail(close.detail),
  )
  await mesh.world.clock.advanceUntil(() => line !== undefined, 5_000)
  assert.ok(line !== undefined)
  return line
}

async function say(mesh: SimMesh, line: Line, words: string): Promise<void> {
  const before = line.text
  line.transport.writeLatin1(words)
  await mesh.world.clock.advanceUntil(() => line.text === before + words || line.over, 10_000)
  assert.equal(line.text, before + words)
}

const seriesOf = (mesh: SimMesh, proxy: string, family: string): string[] =>
  (mesh.proxies.get(proxy)?.metrics.render() ?? '').split('\n').filter((line) => line.startsWith(`${family}{`))

test('TCP connections are streams of one connection, and both ends name both workloads', async () => {
  const mesh = await live(4, stock)
  await startStock(mesh)
  const lines: Line[] = []
  for (let at = 0; at < 12; at++) lines.push(await open(mesh, 7000))
  for (const [at, line] of lines.entries()) await say(mesh, line, `line ${at}`)
  assert.equal(mesh.proxies.get('stock-0')?.connectionCount(), 1)
  for (const { transport } of lines) transport.end()
  await mesh.world.clock.advanceUntil(() => lines.every(({ over }) => over), 5_000)
  await mesh.world.clock.advance(100)
  for (const [proxy, reporter] of [
    ['web-0', 'source'],
    ['stock-0', 'destination'],
  ] as const) {
    for (const family of ['istio_tcp_connections_opened_total', 'istio_tcp_connections_closed_total']) {
      const series = seriesOf(mesh, proxy, family)
      assert.equal(series.length, 1, series.join('\n'))
      assert.match(
        series[0] ?? '',
        new RegExp(`reporter="${reporter}".*source_workload="web".*source_principal="spiffe`),
      )
      assert.match(series[0] ?? '', /destination_workload="stock".*destination_principal="spiffe:.*sa\/stock"/)
      assert.match(series[0] ?? '', /destination_service="stock.shop.svc.cluster.local".*mutual_tls.* 12$/)
      assert.doesNotMatch(series[0] ?? '', /unknown/)
    }
    assert.deepEqual(seriesOf(mesh, proxy, 'istio_requests_total'), [])
  }
  await mesh.stop()
})

test('a port that the caller may not use is refused, and the refusal is in the logs of both ends', async () => {
  const mesh = await live(4, stock)
  await startStock(mesh)
  const line = await open(mesh, 7001)
  line.transport.writeLatin1('hello')
  await mesh.world.clock.advanceUntil(() => line.over, 5_000)
  assert.deepEqual([line.text, line.over], ['', true])
  await mesh.world.clock.advance(2_000)
  await mesh.stop()
  const log = mesh.world.log.text().split('\n')
  const told = (words: string): boolean => log.some((entry) => words.split(' ').every((word) => entry.includes(word)))
  assert.ok(told('stock-0 rbac_access_denied CONNECT 403'))
  assert.ok(told('web-0 outbound|7001||stock UF 403'))
})

test('rotations lose no connection: new tunnels go over new certificates once the old one gives way, old ones end in order', async () => {
  const mesh = await live(5, stock)
  await startStock(mesh)
  mesh.issueAll(60_000)
  await mesh.world.clock.advance(1_000)
  for (let round = 0; round < 10; round++) {
    const kept = await open(mesh, 7000)
    await say(mesh, kept, 'before')
    mesh.issueAll(60_000)
    await say(mesh, kept, ', right after')
    const fresh = await open(mesh, 7000)
    await say(mesh, fresh, 'fresh')
    await mesh.world.clock.advance(15_000)
    await say(mesh, kept, ', and later')
    kept.transport.end()
    fresh.transport.end()
    await mesh.world.clock.advanceUntil(() => kept.over && fresh.over, 5_000)
  }
  const serials = mesh.exchanges.filter(({ proxy }) => proxy === 'stock-0').map(({ peerSerial }) => peerSerial)
  assert.equal(serials.length, 20)
  // Ten rounds of 15 s, certificates of 60 s.
  const seen = new Set(serials).size
  assert.ok(seen >= 3 && seen <= 5, `serials seen by stock: ${serials.join(' ')}`)
  await mesh.world.clock.advance(500)
  assert.ok((mesh.proxies.get('stock-0')?.connectionCount() ?? 9) <= 1)
  await mesh.stop()
})
