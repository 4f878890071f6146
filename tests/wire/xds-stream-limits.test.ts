// What one proxy may hold open at the control plane: a workload proves who it is, which does not make it harmless.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Client, type ClientDuplexStream, credentials, type ServiceError, status } from '@grpc/grpc-js'
import { createDistributor } from '../../packages/control/src/serve/distributor.ts'
import { startAdsServer } from '../../packages/control/src/serve/ads-server.ts'
import { LogCapture } from '@weft/testkit'
import { resourceTable, typeUrl } from '@weft/xds'
import { newDeltaDiscoveryRequest, newNode, writeDeltaDiscoveryRequest } from '@weft/xds/lean'
import { testAuthority } from './test-certificates.ts'
import { testRuntime, until } from './test-runtime.ts'

const method = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources'
const authority = await testAuthority()
const closers: (() => void)[] = []
after(() => {
  for (const close of closers) close()
})

/** A control plane's streams over gRPC, with one cluster for whoever asks, and what it logs. */
async function serve() {
  const log = new LogCapture()
  const distributor = createDistributor({ ...testRuntime, log: log.logger(testRuntime.clock, {}) })
  for (const id of ['web-0', 'api-0']) {
    const cluster = { name: 'a', version: '1', body: Buffer.from('a') }
    distributor.setTable(
      id,
      resourceTable(new Map([[typeUrl.cluster, new Map([['a', cluster]])]]), (text) => text),
    )
  }
  const started = await startAdsServer({
    host: '127.0.0.1',
    port: 0,
    material: await authority.issue('spiffe://cluster.local/ns/weft-system/sa/weft-control'),
    clientRootsPem: authority.rootPem,
    requireClientCertificate: true,
    services: [],
    log: testRuntime.log,
    onStream: (stream) => distributor.accept(stream, (node) => ({ ok: true, value: node.id })),
  })
  assert.ok(started.ok)
  closers.push(() => started.value.close())
  return { port: started.value.port, log }
}

async function client(port: number, identity: string) {
  const { certificateChainPem, privateKeyPem } = await authority.issue(`spiffe://cluster.local/ns/shop/sa/${identity}`)
  const [root, key, chain] = [authority.rootPem, privateKeyPem, certificateChainPem].map((pem) => Buffer.from(pem))
  const secured = credentials.createSsl(root, key, chain, { checkServerIdentity: () => undefined })
  const grpc = new Client(`127.0.0.1:${port}`, secured)
  closers.push(() => grpc.close())
  const same = (bytes: Buffer): Buffer => bytes
  const open = () => {
    const call: ClientDuplexStream<Buffer, Buffer> = grpc.makeBidiStreamRequest(method, same, same)
    const answer = new Promise<'served' | ServiceError>((resolve) => {
      call.once('data', () => resolve('served'))
      call.on('error', resolve)
    })
    const ask = (): Promise<'served' | ServiceError> => {
      const request = { typeUrl: typeUrl.cluster, node: newNode({ id: identity }), resourceNamesSubscribe: ['*'] }
      call.write(Buffer.from(writeDeltaDiscoveryRequest(newDeltaDiscoveryRequest(request))))
      return answer
    }
    return { call, ask, answer }
  }
  return { open }
}

test('a proxy has 256 streams; the next are refused as exhausted, told once, and taken again once it closes some', async () => {
  const { port, log } = await serve()
  const web = await client(port, 'web-0')
  const held = Array.from({ length: 256 }, web.open)
  assert.deepEqual(new Set(await Promise.all(held.map(({ ask }) => ask()))), new Set(['served']))
  for (let i = 0; i < 3; i++) {
    const refused = (await web.open().ask()) as ServiceError
    assert.equal(refused.code, status.RESOURCE_EXHAUSTED)
    assert.match(refused.details, /^web-0 has 256 streams open; no more are taken until it closes some$/)
  }
  assert.equal(log.lines.filter((line) => line.includes('streams refused')).length, 1)
  assert.equal(await (await client(port, 'api-0')).open().ask(), 'served', 'others are not concerned')
  held[0]?.call.cancel()
  await until(() => log.text().includes('xDS stream closed'), 'the end of a stream')
  assert.equal(await web.open().ask(), 'served')
})

test('streams that ask for nothing are bounded for each identity, and give their place to those that do', async () => {
  const { port, log } = await serve()
  const web = await client(port, 'web-0')
  const silent = Array.from({ length: 1025 }, web.open)
  const refused = (await Promise.race(silent.map(({ answer }) => answer))) as ServiceError
  assert.equal(refused.code, status.RESOURCE_EXHAUSTED)
  assert.match(
    refused.details,
    /1024 streams of spiffe:\/\/cluster\.local\/ns\/shop\/sa\/web-0 have not sent a request/,
  )
  assert.equal(log.lines.filter((line) => line.includes('streams refused')).length, 1)
  assert.equal(await silent[0]?.ask(), 'served')
  assert.equal(await web.open().ask(), 'served')
})
