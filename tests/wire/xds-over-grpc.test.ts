import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createDistributor } from '../../packages/control/src/serve/distributor.ts'
import { type AdsServer, startAdsServer } from '../../packages/control/src/serve/ads-server.ts'
import { adsDialer } from '../../packages/proxy/src/xds/grpc-dialer.ts'
import type { ResourceRejection, XdsSubscriber } from '../../packages/proxy/src/xds/subscription.ts'
import { startSubscriber } from '../../packages/proxy/src/xds/xds-subscriber.ts'
import type { PeerIdentity } from '@weft/core'
import { type EncodedResource, resourceTable, type ResourceTable, typeUrl } from '@weft/xds'
import { newNode } from '@weft/xds/lean'
import { testAuthority } from './test-certificates.ts'
import { testRuntime, until } from './test-runtime.ts'

const control = 'spiffe://cluster.local/ns/weft-system/sa/weft-control'
const authority = await testAuthority()
const serverMaterial = await authority.issue(control)
const clientMaterial = await authority.issue('spiffe://cluster.local/ns/bookstore/sa/web')
const closers: (() => void)[] = []
after(() => {
  for (const close of closers) close()
})

function table(types: Record<string, Record<string, string>>): ResourceTable {
  const maps = Object.entries(types).map(([type, list]): [string, Map<string, EncodedResource>] => [
    type,
    new Map(
      Object.entries(list).map(([name, version]) => [name, { name, version, body: Buffer.from(`${name}${version}`) }]),
    ),
  ])
  return resourceTable(new Map(maps), (text) => text)
}

async function serve(port = 0) {
  const peers: (PeerIdentity | undefined)[] = []
  const distributor = createDistributor(testRuntime)
  const started = await startAdsServer({
    host: '127.0.0.1',
    port,
    material: serverMaterial,
    clientRootsPem: authority.rootPem,
    requireClientCertificate: true,
    services: [],
    log: testRuntime.log,
    onStream: (stream) =>
      distributor.accept(stream, (node, peer) => {
        peers.push(peer)
        return { ok: true, value: node.id }
      }),
  })
  assert.ok(started.ok)
  const server: AdsServer = started.value
  closers.push(() => server.close())
  return { server, distributor, peers }
}

function client(port: number, reject: (name: string) => string | undefined = () => undefined) {
  const held = new Map<string, string>()
  const connections: boolean[] = []
  const reasons: string[] = []
  const subscriber: XdsSubscriber = startSubscriber({
    runtime: testRuntime,
    dial: adsDialer(testRuntime, { host: '127.0.0.1', port }, () => ({
      material: clientMaterial,
      rootsPem: authority.rootPem,
      serverSpiffeId: control,
    })),
    kind: 'delta',
    node: newNode({ id: 'proxy-1' }),
    backoffMs: { base: 10, max: 50 },
    consumer: {
      async onUpdate(_type, added, removed) {
        await Promise.resolve()
        const rejected: ResourceRejection[] = []
        for (const { name, version } of added) {
          const reason = reject(`${name}@${version}`)
          if (reason === undefined) held.set(name, version)
          else rejected.push({ name, reason })
        }
        for (const name of removed) held.delete(name)
        return rejected
      },
      onConnection: (state) => {
        connections.push(state.connected)
        if (!state.connected) reasons.push(state.reason)
      },
    },
  })
  closers.push(() => subscriber.close())
  return { subscriber, held, connections, reasons }
}

test('a proxy gets its clusters over mutual TLS, acknowledges them, refuses one by name, and reconnects after a restart', async () => {
  const first = await serve()
  first.distributor.setTable('proxy-1', table({ [typeUrl.cluster]: { a: '1', b: '1' } }))
  const { subscriber, held } = client(first.server.port, (key) => (key === 'b@2' ? 'no such thing' : undefined))
  subscriber.subscribe(typeUrl.cluster, ['*'])
  await until(() => held.size === 2, 'both clusters')
  assert.equal(first.peers[0]?.spiffeId, 'spiffe://cluster.local/ns/bookstore/sa/web')
  await until(() => first.distributor.status()[0]?.types[0]?.state === 'accepted', 'ACK')

  first.distributor.setTable('proxy-1', table({ [typeUrl.cluster]: { a: '2', b: '2' } }))
  await until(() => first.distributor.status()[0]?.types[0]?.state === 'refused', 'NACK')
  assert.deepEqual(first.distributor.status()[0]?.types[0]?.refused, [
    { name: 'b', version: '2', reason: 'no such thing', origin: [] },
  ])
  assert.deepEqual(
    [...held],
    [
      ['a', '2'],
      ['b', '1'],
    ],
  )

  first.distributor.close()
  first.server.close()
  await until(() => !subscriber.connected, 'loss of the connection')
  const second = await serve(first.server.port)
  second.distributor.setTable('proxy-1', table({ [typeUrl.cluster]: { a: '3' } }))
  await until(() => held.get('a') === '3' && !held.has('b'), 'the new state after the restart')
  subscriber.close()
})

test('a renewed server certificate is used by the next connection without a restart', async () => {
  const { server, distributor } = await serve()
  distributor.setTable('proxy-1', table({ [typeUrl.cluster]: { a: '1' } }))
  const other = await testAuthority()
  server.renew(await other.issue(control), authority.rootPem)
  const { subscriber, reasons, connections } = client(server.port)
  await until(() => reasons.length > 0, 'a refusal')
  assert.match(reasons[0] ?? '', /certificate/)
  assert.equal(connections.includes(true), false)
  server.renew(serverMaterial, authority.rootPem)
  await until(() => subscriber.connected, 'a connection with the right certificate')
  subscriber.close()
})

test('a server with another SPIFFE id is refused by the proxy', async () => {
  const { server } = await serve()
  server.renew(await authority.issue('spiffe://cluster.local/ns/bookstore/sa/mallory'), authority.rootPem)
  const { subscriber, reasons } = client(server.port)
  await until(() => reasons.length > 0, 'a refusal')
  assert.match(reasons[0] ?? '', /mallory/)
  subscriber.close()
})
