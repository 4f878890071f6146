// grpcurl (grpc-go) without a proxy: `xds:///` targets, each run a client of its own.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { until } from '@weft/testkit/until'
import { missingGoPeers, runPeer } from '../peers/peer.ts'
import { type EchoServer, startEcho } from './echo-server.ts'
import { type ProxylessMesh, startProxylessMesh } from './proxyless-mesh.ts'
import { rules, shop, split } from './shop.ts'

describe('grpcurl without a proxy', { skip: missingGoPeers('grpcurl'), timeout: 240_000 }, () => {
  let mesh: ProxylessMesh
  let echoes: EchoServer[] = []

  before(async () => {
    mesh = await startProxylessMesh(shop, 160)
    const names = ['inventory-v1', 'inventory-v2']
    echoes = await Promise.all(names.map((name) => startEcho(name, mesh.instanceOf(name).appAddress, 9000)))
    process.env['GRPC_XDS_BOOTSTRAP'] = await mesh.bootstrapFor('caller')
  })

  after(async () => {
    for (const echo of echoes) echo.stop()
    await mesh?.close()
  })

  /** Who answered, or with which status the call ended. */
  async function call(target: string, ...more: readonly string[]): Promise<string> {
    const proto = ['-import-path', import.meta.dirname, '-proto', 'test-service.proto']
    const args = [
      '-plaintext',
      '-max-time',
      '40',
      ...proto,
      '-d',
      '{}',
      ...more,
      target,
      'grpc.testing.TestService/UnaryCall',
    ]
    const { stdout, stderr } = await runPeer('grpcurl', args, '', 60_000)
    return /"serverId": "(.*)"/.exec(stdout)?.[1] ?? /Code: (\w+)/.exec(stderr)?.[1] ?? stderr
  }

  test('a service is reached by its short and its full name', async () => {
    for (const name of ['inventory', 'inventory.shop.svc.cluster.local'])
      assert.match(await call(`xds:///${name}:9000`), /^inventory-v[12]$/)
  })

  test('shares, header matches, aborts and calls that cannot be made are followed', async () => {
    mesh.write(
      'rules.yaml',
      rules(
        `{ match: [{ headers: { who: { exact: tester } } }], fault: { abort: { grpcStatus: RESOURCE_EXHAUSTED, percentage: { value: 100 } } }, route: [{ destination: { host: inventory } }] }`,
        `{ match: [{ headers: { away: { exact: "yes" } } }], redirect: { uri: /elsewhere } }`,
        `{ match: [{ headers: { lost: { exact: "yes" } } }], route: [{ destination: { host: nobody } }] }`,
        split(100, 0, `match: [{ headers: { who: { regex: "ann.*" } } }], `),
        split(0, 100),
      ),
    )
    const to = 'xds:///inventory.shop:9000'
    await until(async () => (await call(to, '-H', 'who: tester')) === 'ResourceExhausted')
    assert.equal(await call(to, '-H', 'who: anna'), 'inventory-v1')
    assert.equal(await call(to), 'inventory-v2')
    assert.equal(await call(to, '-H', 'away: yes'), 'Unavailable')
    assert.equal(await call(to, '-H', 'lost: yes'), 'Unavailable')
    const { proxies } = await mesh.status()
    const types = proxies.find(({ workload }) => workload === 'caller')?.types ?? []
    assert.deepEqual(
      types.map(({ type }) => type),
      ['CDS', 'EDS', 'LDS', 'RDS'],
    )
    // Nothing was refused. grpcurl ends with its call, which may be before it acknowledged the last answer.
    for (const { type, state, refused } of types) {
      assert.ok(state === 'accepted' || state === 'warming', `${type} is ${state}`)
      assert.deepEqual(refused, [], type)
    }
    mesh.write('rules.yaml', undefined)
  })

  test('an endpoint that is not ready gets no calls', async () => {
    mesh.setReady('inventory-v1', false)
    await until(async () => (await call('xds:///inventory:9000')) === 'inventory-v2')
    const before = echoes[0]?.calls
    for (let at = 0; at < 3; at++) assert.equal(await call('xds:///inventory:9000'), 'inventory-v2')
    assert.equal(echoes[0]?.calls, before)
    mesh.setReady('inventory-v1', true)
  })
})
