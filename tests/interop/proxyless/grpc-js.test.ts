// @grpc/grpc-js-xds without a proxy: what it is told by our control plane, it does.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { until } from '@weft/testkit/until'
import { type EchoServer, startEcho } from './echo-server.ts'
import { type GrpcJsClient, grpcJsClient, type Outcome } from './grpc-js-client.ts'
import { type ProxylessMesh, startProxylessMesh } from './proxyless-mesh.ts'
import { rules, shop, split } from './shop.ts'

describe('grpc-js without a proxy', { timeout: 240_000 }, () => {
  let mesh: ProxylessMesh
  let v1: EchoServer
  let v2: EchoServer
  let bootstrap = ''
  let client: GrpcJsClient

  before(async () => {
    mesh = await startProxylessMesh(shop, 130)
    const echo = (name: string): Promise<EchoServer> => startEcho(name, mesh.instanceOf(name).appAddress, 9000)
    ;[v1, v2] = await Promise.all([echo('inventory-v1'), echo('inventory-v2')])
    bootstrap = await mesh.bootstrapFor('caller')
    client = grpcJsClient('xds:///inventory.shop.svc.cluster.local:9000', bootstrap)
  })

  after(async () => {
    client?.close()
    v1?.stop()
    v2?.stop()
    await mesh?.close()
  })

  /** Calls one after the other until one ends as expected; returns all of them. */
  async function callUntil(expected: (outcome: Outcome) => boolean): Promise<Outcome[]> {
    const outcomes: Outcome[] = []
    await until(
      async () => {
        outcomes.push(await client.call())
        return expected(outcomes.at(-1) as Outcome)
      },
      () => `the last call ended with ${JSON.stringify(outcomes.at(-1))}`,
    )
    return outcomes
  }

  const all = (outcomes: readonly Outcome[], server: string): void =>
    assert.deepEqual(
      outcomes.map((outcome) => outcome.server),
      outcomes.map(() => server),
    )

  test('a service is reached by each of its names, and every endpoint gets calls', async () => {
    for (const name of ['inventory', 'inventory.shop', 'inventory.shop.svc', 'inventory.shop.svc.cluster.local']) {
      const named = grpcJsClient(`xds:///${name}:9000`, bootstrap)
      const servers = new Set((await named.calls(8)).map(({ server, details }) => server ?? details))
      named.close()
      assert.deepEqual([...servers].sort(), ['inventory-v1', 'inventory-v2'], name)
    }
  })

  test('shares are followed, and a change of them fails no call', async () => {
    mesh.write('rules.yaml', rules(split(100, 0)))
    await callUntil(({ server }) => server === 'inventory-v1')
    // Once more: until both were told, a call may have gone to v1 by chance.
    await until(async () => (await client.calls(6)).every(({ server }) => server === 'inventory-v1'))
    mesh.write('rules.yaml', rules(split(0, 100)))
    const during = await callUntil(({ server }) => server === 'inventory-v2')
    assert.deepEqual(
      during.filter(({ code }) => code !== 'OK'),
      [],
    )
    all(await client.calls(10), 'inventory-v2')
  })

  test('rules are chosen by header, and percentages of faults are obeyed', async () => {
    mesh.write(
      'rules.yaml',
      rules(
        `{ match: [{ headers: { who: { exact: tester } } }], fault: { abort: { grpcStatus: RESOURCE_EXHAUSTED, percentage: { value: 100 } } }, route: [{ destination: { host: inventory } }] }`,
        split(
          100,
          0,
          `match: [{ headers: { who: { prefix: ann } }, uri: { exact: /grpc.testing.TestService/UnaryCall } }], `,
        ),
        split(0, 100, `fault: { abort: { httpStatus: 503, percentage: { value: 0 } } }, `),
      ),
    )
    await until(async () => (await client.call({ who: 'tester' })).code === 'RESOURCE_EXHAUSTED')
    const seen = v1.calls + v2.calls
    assert.equal((await client.call({ who: 'tester' })).code, 'RESOURCE_EXHAUSTED')
    assert.equal(v1.calls + v2.calls, seen, 'nobody was asked')
    assert.equal((await client.call({ who: 'anna' })).server, 'inventory-v1')
    all(await client.calls(5), 'inventory-v2')
  })

  test('a timeout of a rule ends a call that is not answered', async () => {
    mesh.write('rules.yaml', rules(split(100, 0, 'timeout: 300ms, ')))
    v1.answer = 'nothing'
    try {
      await until(async () => (await client.call({}, 5_000)).details !== '' && v1.calls > 0)
      const started = performance.now()
      const { code } = await client.call({}, 30_000)
      assert.equal(code, 'DEADLINE_EXCEEDED')
      assert.ok(performance.now() - started < 15_000, 'long before the deadline of the call itself')
    } finally {
      v1.answer = 'name'
    }
  })

  test('retries go on where the rule says unavailable, and only there', async () => {
    v1.answer = 'unavailable'
    try {
      mesh.write('rules.yaml', rules(`{ route: [{ destination: { host: inventory } }], retries: { attempts: 0 } }`))
      await until(async () => {
        const codes = new Set((await client.calls(6)).map(({ code }) => code))
        return codes.has('UNAVAILABLE') && codes.has('OK')
      })
      mesh.write(
        'rules.yaml',
        rules(`{ route: [{ destination: { host: inventory } }], retries: { attempts: 3, retryOn: unavailable } }`),
      )
      await until(async () => (await client.calls(10)).every(({ server }) => server === 'inventory-v2'))
      assert.ok((await client.calls(10)).every(({ code }) => code === 'OK'))
    } finally {
      v1.answer = 'name'
      mesh.write('rules.yaml', undefined)
    }
  })

  test('an endpoint that goes away gets no more calls, and none fails; it comes back', async () => {
    await callUntil(({ server }) => server === 'inventory-v1')
    mesh.setReady('inventory-v1', false)
    const outcomes: Outcome[] = []
    await until(async () => {
      const last = await client.calls(6)
      outcomes.push(...last)
      return last.every(({ server }) => server === 'inventory-v2')
    })
    assert.deepEqual(
      outcomes.filter(({ code }) => code !== 'OK'),
      [],
    )
    const before = v1.calls
    all(await client.calls(6), 'inventory-v2')
    assert.equal(v1.calls, before)
    mesh.setReady('inventory-v1', true)
    await callUntil(({ server }) => server === 'inventory-v1')
  })

  test('what gRPC cannot follow is told, and takes nothing else down', async () => {
    mesh.write(
      'rules.yaml',
      rules(
        `{ match: [{ headers: { away: { exact: "yes" } } }], redirect: { uri: /elsewhere } }`,
        `{ match: [{ queryParams: { q: { exact: "1" } } }], route: [{ destination: { host: inventory, subset: v1 } }] }`,
        `{ match: [{ method: { exact: GET } }], route: [{ destination: { host: inventory, subset: v1 } }] }`,
        split(0, 100, 'headers: { request: { set: { x-a: b } } }, mirror: { host: inventory, subset: v1 }, '),
      ),
    )
    await until(async () => (await client.call({ away: 'yes' })).code === 'UNAVAILABLE')
    all(await client.calls(5), 'inventory-v2')
    const status = await mesh.status()
    const { proxies } = status
    const caller = proxies.find(({ workload }) => workload === 'caller')
    assert.deepEqual(
      caller?.types.map(({ type, state }) => [type, state]).filter(([, state]) => state === 'refused'),
      [],
    )
    const told = JSON.stringify(status.notes)
    for (const what of ['take no redirects', 'change no headers', 'send no copies'])
      assert.match(told, new RegExp(what))
    mesh.write('rules.yaml', undefined)
  })
})
