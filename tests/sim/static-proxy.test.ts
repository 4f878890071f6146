import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { err, ok, type Transport } from '@weft/core'
import { compile, matchFilterChain, testValue } from '@weft/engine'
import { compileRegex } from '@weft/engine/regex'
import { readSimCertificate, SimWorld } from '@weft/testkit'
import { typeUrl } from '@weft/xds'
import { resourceReaders } from '../../packages/proxy/src/config/resource-readers.ts'
import { createRequestPath } from '../../packages/proxy/src/exchange/create-request-path.ts'
import { Proxy } from '../../packages/proxy/src/proxy.ts'
import { type JsonResources, type StaticXds, staticXds, tableOf } from './static-xds.ts'

const id = (name: string): string => `spiffe://cluster.local/ns/bookstore/sa/${name}`
const nodeId = (name: string, address: string): string =>
  `sidecar~${address}~${name}-0.bookstore~bookstore.svc.cluster.local`
const web = { name: 'web', address: '127.66.0.1' }
const inventory = { name: 'inventory', address: '127.66.0.2' }
const outbound = { address: '127.68.0.1', port: 7000 }
const app = { address: '127.67.0.2', port: 7000 }

const any = (type: string, value: JsonObject): JsonObject => ({ '@type': `type.googleapis.com/${type}`, ...value })
const socket = (address: string, port: number): JsonObject => ({ socketAddress: { address, portValue: port } })
const sds = (name: string): JsonObject => ({ name, sdsConfig: { ads: {} } })
const tcpProxy = (cluster: string): JsonObject => ({
  name: 'envoy.filters.network.tcp_proxy',
  typedConfig: any('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', { statPrefix: cluster, cluster }),
})
const tlsContext = (more: JsonObject): JsonObject => ({
  tlsParams: { tlsMinimumProtocolVersion: 'TLSv1_3', tlsMaximumProtocolVersion: 'TLSv1_3' },
  tlsCertificateSdsSecretConfigs: [sds('default')],
  combinedValidationContext: { defaultValidationContext: more, validationContextSdsSecretConfig: sds('ROOTCA') },
})
const endpoint = (address: string, port: number, workload: string): JsonObject => ({
  endpoint: { address: socket(address, port) },
  metadata: { filterMetadata: { 'envoy.transport_socket_match': { tlsMode: 'istio' }, istio: { workload } } },
})
const upstreamName = 'outbound|7000||inventory.bookstore.svc.cluster.local'

const workloads: JsonObject = {
  clusterName: 'weft.workloads',
  endpoints: [
    {
      lbEndpoints: [
        endpoint(web.address, 1, 'web;bookstore;web;v1;'),
        endpoint(inventory.address, 1, 'inventory;bookstore;inventory;v3;'),
      ],
    },
  ],
}
const workloadsCluster: JsonObject = {
  name: 'weft.workloads',
  type: 'EDS',
  edsClusterConfig: { edsConfig: { ads: {} } },
}

function webResources(expectedId = id('inventory')): JsonResources {
  return {
    [typeUrl.cluster]: {
      'weft.workloads': workloadsCluster,
      [upstreamName]: {
        name: upstreamName,
        type: 'EDS',
        connectTimeout: '1s',
        edsClusterConfig: { edsConfig: { ads: {} } },
        upstreamBindConfig: { sourceAddress: { address: web.address, portValue: 0 } },
        transportSocketMatches: [
          {
            name: 'tlsMode-istio',
            match: { tlsMode: 'istio' },
            transportSocket: {
              name: 'envoy.transport_sockets.tls',
              typedConfig: any('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
                sni: 'outbound_.7000_._.inventory',
                commonTlsContext: tlsContext({
                  matchTypedSubjectAltNames: [{ sanType: 'URI', matcher: { exact: expectedId } }],
                }),
              }),
            },
          },
        ],
      },
    },
    [typeUrl.clusterLoadAssignment]: {
      'weft.workloads': workloads,
      [upstreamName]: {
        clusterName: upstreamName,
        endpoints: [{ lbEndpoints: [endpoint(inventory.address, 7000, 'inventory;bookstore;inventory;v3;')] }],
      },
    },
    [typeUrl.listener]: {
      'outbound-tcp': {
        name: 'outbound-tcp',
        address: socket(outbound.address, outbound.port),
        trafficDirection: 'OUTBOUND',
        filterChains: [{ filters: [tcpProxy(upstreamName)] }],
      },
    },
  }
}

function inventoryResources(): JsonResources {
  return {
    [typeUrl.cluster]: {
      'weft.workloads': workloadsCluster,
      'inbound|7000||': {
        name: 'inbound|7000||',
        type: 'STATIC',
        metadata: {
          filterMetadata: {
            istio: {
              services: [{ host: 'inventory.bookstore.svc.cluster.local', name: 'inventory', namespace: 'bookstore' }],
            },
          },
        },
        loadAssignment: {
          clusterName: 'inbound|7000||',
          endpoints: [{ lbEndpoints: [{ endpoint: { address: socket(app.address, app.port) } }] }],
        },
      },
    },
    [typeUrl.clusterLoadAssignment]: { 'weft.workloads': workloads },
    [typeUrl.listener]: {
      inbound: {
        name: 'inbound',
        address: socket(inventory.address, 7000),
        trafficDirection: 'INBOUND',
        listenerFilters: [
          {
            name: 'envoy.filters.listener.tls_inspector',
            typedConfig: any('envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector', {}),
          },
        ],
        filterChains: [
          {
            name: 'mtls',
            filterChainMatch: { transportProtocol: 'tls' },
            filters: [tcpProxy('inbound|7000||')],
            transportSocket: {
              name: 'envoy.transport_sockets.tls',
              typedConfig: any('envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
                requireClientCertificate: true,
                commonTlsContext: tlsContext({}),
              }),
            },
          },
        ],
      },
    },
  }
}

function makeProxy(world: SimWorld, xds: StaticXds, { name, address }: { name: string; address: string }): Proxy {
  const runtime = world.runtimeOf(name)
  return new Proxy({
    runtime,
    bootstrap: {
      node: { id: nodeId(name, address), cluster: name, metadata: {} },
      instance: `${name}-0`,
      address,
      ads: { host: '127.0.0.1', port: 15012, serverSpiffeId: id('control') },
      sds: { path: '/run/sds.sock' },
      admin: { address, port: 15000 },
      metricsPort: 15020,
      stateDir: `/state/${name}-0`,
      drainMs: 2_000,
      accessLog: true,
    },
    readers: resourceReaders(compile, async () => compileRegex),
    decisions: { matchFilterChain, testSan: (matcher, san) => testValue(matcher.test, san) },
    requestPath: createRequestPath,
    dialers: xds.dialers(runtime),
    accessLogOutput: { write: () => true },
    onQuit() {},
    readLeaf: (pem) => {
      const certificate = readSimCertificate(pem)
      return certificate === undefined ? err('not a certificate') : ok(certificate)
    },
  })
}

/** An application that answers every line in capitals. */
async function startApp(world: SimWorld): Promise<void> {
  await world.runtimeOf('app').net.listen({ host: app.address, port: app.port }, (transport) => {
    transport.handler = {
      onData: (chunk) => transport.writeLatin1(chunk.toString('latin1').toUpperCase()),
      onEnd: () => transport.end(),
      onDrain() {},
      onClose() {},
    }
    transport.resume()
  })
}

interface Client {
  transport: Transport | undefined
  seen: string
  over: string | undefined
}

function dial(world: SimWorld): Client {
  const client: Client = { transport: undefined, seen: '', over: undefined }
  world.runtimeOf('client').net.connect(
    { host: outbound.address, port: outbound.port },
    (transport) => {
      client.transport = transport
      transport.handler = {
        onData: (chunk) => {
          client.seen += chunk.toString()
        },
        onEnd: () => transport.end(),
        onDrain() {},
        onClose: (close) => {
          client.over = close.reason
        },
      }
      transport.resume()
      transport.writeLatin1('reserve\n')
    },
    (close) => {
      client.over = close.reason
    },
  )
  return client
}

async function mesh(seed = 1) {
  const world = new SimWorld(seed)
  const xds = staticXds(world)
  await startApp(world)
  xds.ads.setTable(nodeId(web.name, web.address), tableOf(webResources()))
  xds.ads.setTable(nodeId(inventory.name, inventory.address), tableOf(inventoryResources()))
  const proxies = { web: makeProxy(world, xds, web), inventory: makeProxy(world, xds, inventory) }
  const start = async (): Promise<void> => {
    for (const proxy of Object.values(proxies)) assert.deepEqual(await proxy.start(), { ok: true, value: undefined })
  }
  const issueAll = (lifeMs?: number): void => {
    for (const { name, address } of [web, inventory]) xds.issue(nodeId(name, address), id(name), lifeMs)
  }
  return { world, xds, proxies, start, issueAll }
}

test('nobody serves before identity and configuration are there, then bytes flow over mutual TLS', async () => {
  const { world, proxies, start, issueAll } = await mesh()
  await start()
  await world.clock.advance(1_000)
  assert.equal(proxies.web.readiness(), 'PRE_INITIALIZING')
  const early = dial(world)
  await world.clock.advance(10)
  assert.equal(early.over, 'refused')
  issueAll()
  await world.clock.advance(2_000)
  assert.deepEqual([proxies.web.readiness(), proxies.inventory.readiness()], ['LIVE', 'LIVE'])
  const client = dial(world)
  await world.clock.advance(100)
  assert.equal(client.seen, 'RESERVE\n')
  client.transport?.end()
  await world.clock.advance(100)
  assert.equal(client.over, 'closed')
  const source = proxies.web.metrics.render()
  const destination = proxies.inventory.metrics.render()
  for (const [text, reporter] of [
    [source, 'source'],
    [destination, 'destination'],
  ] as const) {
    const line = text.split('\n').find((candidate) => candidate.startsWith('istio_tcp_connections_opened_total{')) ?? ''
    assert.match(line, new RegExp(`reporter="${reporter}"`))
    assert.match(line, /source_workload="web",.*destination_workload="inventory",/)
    assert.match(line, /destination_service_name="inventory"/)
    assert.match(line, /connection_security_policy="mutual_tls"/)
    assert.doesNotMatch(line, /unknown/)
  }
})

test('a server with another identity than the configuration names is refused by the client side', async () => {
  const { world, xds, start, issueAll } = await mesh()
  xds.ads.setTable(nodeId(web.name, web.address), tableOf(webResources(id('somebody-else'))))
  issueAll()
  await start()
  await world.clock.advance(2_000)
  const client = dial(world)
  await world.clock.advance(2_000)
  assert.equal(client.seen, '')
  assert.notEqual(client.over, undefined)
})

test('the next generation serves its last accepted configuration while the control plane is down', async () => {
  const { world, xds, proxies, start, issueAll } = await mesh()
  issueAll()
  await start()
  await world.clock.advance(2_000)
  xds.adsUp(false)
  world.network.kill('web')
  await proxies.web.stop()
  const next = makeProxy(world, xds, web)
  await next.start()
  const startedMs = world.clock.nowMs()
  assert.ok(await world.clock.advanceUntil(() => next.readiness() === 'LIVE', 1_000))
  assert.ok(world.clock.nowMs() - startedMs <= 1_000)
  const client = dial(world)
  await world.clock.advance(100)
  assert.equal(client.seen, 'RESERVE\n')
})

test('rotations every five seconds drop no connection before its certificate ends, and none outlives it', async () => {
  const { world, start, issueAll } = await mesh()
  issueAll(60_000)
  await start()
  await world.clock.advance(2_000)
  const long = dial(world)
  for (let second = 0; second < 50; second += 5) {
    await world.clock.advance(5_000)
    issueAll(60_000)
    const short = dial(world)
    await world.clock.advance(100)
    assert.equal(short.seen, 'RESERVE\n')
    short.transport?.end()
    long.transport?.writeLatin1('x')
  }
  await world.clock.advance(100)
  assert.equal(long.over, undefined)
  assert.equal(long.seen, `RESERVE\n${'X'.repeat(10)}`)
  await world.clock.advance(15_000)
  assert.notEqual(long.over, undefined)
})

test('a resource that cannot be taken is refused with the field, shown by the control plane, and the old one serves on', async () => {
  const { world, xds, proxies, start, issueAll } = await mesh()
  issueAll()
  await start()
  await world.clock.advance(2_000)
  const resources = webResources()
  const listener = structuredClone(resources[typeUrl.listener]?.['outbound-tcp']) as JsonObject
  listener['address'] = { pipe: { path: '/tmp/x' } }
  xds.ads.setTable(
    nodeId(web.name, web.address),
    tableOf({ ...resources, [typeUrl.listener]: { 'outbound-tcp': listener } }),
  )
  await world.clock.advance(1_000)
  const refusal = proxies.web.store.refused.get(typeUrl.listener)?.get('outbound-tcp')
  assert.match(refusal?.reason ?? '', /^address: /)
  const client = dial(world)
  await world.clock.advance(100)
  assert.equal(client.seen, 'RESERVE\n')
})

test('one seed gives byte-equal logs', async () => {
  const run = async (seed: number): Promise<string> => {
    const { world, start, issueAll } = await mesh(seed)
    world.network.latencyMs = [0.2, 3]
    issueAll()
    await start()
    await world.clock.advance(2_000)
    const clients = Array.from({ length: 5 }, () => dial(world))
    await world.clock.advance(500)
    for (const client of clients) client.transport?.end()
    await world.clock.advance(500)
    return world.log.text()
  }
  assert.equal(await run(7), await run(7))
})
