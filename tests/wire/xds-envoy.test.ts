import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { type EncodedResource, resourceTable, type ResourceTable, typeUrl } from '@weft/xds'
import { ClusterSchema } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { ClusterLoadAssignmentSchema } from '@weft/xds/es/envoy/config/endpoint/v3/endpoint'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import { RouteConfigurationSchema } from '@weft/xds/es/envoy/config/route/v3/route'
import { RouterSchema } from '@weft/xds/es/envoy/extensions/filters/http/router/v3/router'
import { HttpConnectionManagerSchema } from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import { freePort } from '@weft/testkit/ports'
import { startProgram, type StartedProgram } from '@weft/testkit/start-program'
import { startAdsServer } from '../../packages/control/src/serve/ads-server.ts'
import { createDistributor } from '../../packages/control/src/serve/distributor.ts'
import { skipWithoutEnvoy as skip } from '../interop/envoy-on-path.ts'
import { testAuthority } from './test-certificates.ts'
import { testRuntime, until } from './test-runtime.ts'

const hash = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex').slice(0, 16)
const ads = { configSourceSpecifier: { case: 'ads' as const, value: {} }, resourceApiVersion: 2 }

function any<D extends DescMessage>(schema: D, init: MessageInitShape<D>) {
  return { typeUrl: `type.googleapis.com/${schema.typeName}`, value: toBinary(schema, create(schema, init)) }
}

function socketAddress(port: number) {
  const portSpecifier = { case: 'portValue' as const, value: port }
  return { address: { case: 'socketAddress' as const, value: { address: '127.0.0.1', portSpecifier } } }
}

function listener(name: string, port: number, filter: 'router' | 'unknown') {
  const router = { case: 'typedConfig' as const, value: any(RouterSchema, {}) }
  const manager = any(HttpConnectionManagerSchema, {
    statPrefix: name,
    routeSpecifier: { case: 'rds', value: { routeConfigName: 'routes', configSource: ads } },
    httpFilters: [
      filter === 'router'
        ? { name: 'envoy.filters.http.router', configType: router }
        : {
            name: 'no.such.filter',
            configType: { case: 'typedConfig', value: { typeUrl: 'type.googleapis.com/no.Such' } },
          },
    ],
  })
  return any(ListenerSchema, {
    name,
    address: socketAddress(port),
    filterChains: [
      {
        filters: [
          {
            name: 'envoy.filters.network.http_connection_manager',
            configType: { case: 'typedConfig', value: manager },
          },
        ],
      },
    ],
  })
}

function cluster(name: string, connectTimeoutSeconds: number) {
  return any(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: 'type', value: 3 },
    edsClusterConfig: { edsConfig: ads },
    connectTimeout: { seconds: BigInt(connectTimeoutSeconds) },
  })
}

function endpoints(name: string, port: number) {
  const hostIdentifier = { case: 'endpoint' as const, value: { address: socketAddress(port) } }
  return any(ClusterLoadAssignmentSchema, { clusterName: name, endpoints: [{ lbEndpoints: [{ hostIdentifier }] }] })
}

function routes(target: string) {
  const action = { case: 'route' as const, value: { clusterSpecifier: { case: 'cluster' as const, value: target } } }
  const match = { pathSpecifier: { case: 'prefix' as const, value: '/' } }
  return any(RouteConfigurationSchema, {
    name: 'routes',
    virtualHosts: [{ name: 'all', domains: ['*'], routes: [{ match, action }] }],
  })
}

function table(resources: Record<string, { typeUrl: string; value: Uint8Array }>): ResourceTable {
  const maps = new Map<string, Map<string, EncodedResource>>()
  for (const [key, { typeUrl: type, value }] of Object.entries(resources)) {
    const name = key.replace(/^\w+:/, '')
    const map = maps.get(type) ?? new Map<string, EncodedResource>()
    maps.set(type, map.set(name, { name, version: hash(value), body: value, origin: [`test/${key}`] }))
  }
  return resourceTable(maps, hash)
}

const authority = await testAuthority()
const serverMaterial = await authority.issue('spiffe://cluster.local/ns/weft-system/sa/weft-control')
const clientMaterial = await authority.issue('spiffe://cluster.local/ns/bookstore/sa/web')
const dir = mkdtempSync(join(tmpdir(), 'weft-xds-'))
const closers: (() => void)[] = [() => rmSync(dir, { recursive: true })]
after(() => {
  for (const close of closers.reverse()) close()
})

async function backend(answer: string): Promise<number> {
  const server = createServer((_request, response) => response.end(answer))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function serve(port: number) {
  const distributor = createDistributor(testRuntime)
  const server = await startAdsServer({
    host: '127.0.0.1',
    port,
    material: serverMaterial,
    clientRootsPem: authority.rootPem,
    requireClientCertificate: true,
    services: [],
    log: testRuntime.log,
    onStream: (stream) => distributor.accept(stream, (node) => ({ ok: true, value: node.id })),
  })
  assert.ok(server.ok)
  closers.push(() => server.value.close())
  return { distributor, server: server.value }
}

function startEnvoy(adsPort: number, apiType: 'DELTA_GRPC' | 'GRPC'): StartedProgram {
  const tls = {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
    common_tls_context: {
      tls_certificates: [
        {
          certificate_chain: { inline_string: clientMaterial.certificateChainPem },
          private_key: { inline_string: clientMaterial.privateKeyPem },
        },
      ],
      validation_context: { trusted_ca: { inline_string: authority.rootPem } },
    },
  }
  const address = { socket_address: { address: '127.0.0.1', port_value: adsPort } }
  const bootstrap = {
    node: { id: 'envoy-1', cluster: 'test' },
    dynamic_resources: {
      ads_config: {
        api_type: apiType,
        transport_api_version: 'V3',
        grpc_services: [{ envoy_grpc: { cluster_name: 'ads' } }],
      },
      lds_config: { ads: {}, resource_api_version: 'V3' },
      cds_config: { ads: {}, resource_api_version: 'V3' },
    },
    static_resources: {
      clusters: [
        {
          name: 'ads',
          type: 'STATIC',
          load_assignment: { cluster_name: 'ads', endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
          typed_extension_protocol_options: {
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
              '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
          transport_socket: { name: 'envoy.transport_sockets.tls', typed_config: tls },
        },
      ],
    },
  }
  const path = join(dir, `${apiType}.json`)
  writeFileSync(path, JSON.stringify(bootstrap))
  const args = ['-c', path, '--use-dynamic-base-id', '--concurrency', '1', '-l', process.env['ENVOY_LOG'] ?? 'error']
  return startProgram('envoy', args)
}

function ask(port: number): Promise<string> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path: '/', agent: false }, (response) => {
      let body = ''
      response.on('data', (chunk) => (body += String(chunk)))
      response.on('end', () => resolve(response.statusCode === 200 ? body : `status ${response.statusCode}`))
    })
    request.on('error', (error) => resolve(error.message))
    request.setTimeout(10_000, () => request.destroy(new Error('no answer in time')))
  })
}

for (const apiType of ['DELTA_GRPC', 'GRPC'] as const) {
  test(`real Envoy takes listeners, clusters, endpoints and routes from the ADS server by ${apiType}`, {
    skip,
    timeout: 60_000,
  }, async () => {
    const { distributor, server } = await serve(0)
    const [one, two] = [await backend('one'), await backend('two')]
    const [port, badPort] = [await freePort(), await freePort()]
    const first = {
      'l:web': listener('web', port, 'router'),
      'c:one': cluster('one', 1),
      'e:one': endpoints('one', one),
      'r:routes': routes('one'),
    }
    distributor.setTable('envoy-1', table(first))
    const child = startEnvoy(server.port, apiType)
    const accepted = (by = distributor): boolean => {
      const types = by.status()[0]?.types ?? []
      return types.length === 4 && types.every((type) => type.state === 'accepted')
    }
    await until(() => accepted(), 'first configuration accepted')
    assert.equal(await ask(port), 'one')

    // A new cluster and the route to it, the old cluster gone, while requests run: none may fail.
    const answers = new Set<string>()
    let running = true
    const load = (async () => {
      while (running) answers.add(await ask(port))
    })()
    const second = {
      'l:web': first['l:web'],
      'c:two': cluster('two', 1),
      'e:two': endpoints('two', two),
      'r:routes': routes('two'),
    }
    distributor.setTable('envoy-1', table(second))
    try {
      await until(() => answers.has('two'), 'the new route')
      await until(() => accepted(), 'second configuration accepted')
    } finally {
      running = false
      await load
    }
    assert.deepEqual([...answers].sort(), ['one', 'two'])

    // A changed cluster warms anew and needs its endpoints again; a bad listener is refused by name, the rest applies.
    distributor.setTable(
      'envoy-1',
      table({ ...second, 'c:two': cluster('two', 2), 'l:bad': listener('bad', badPort, 'unknown') }),
    )
    const refused = (): unknown => distributor.status()[0]?.types.find((type) => type.state === 'refused')
    await until(() => refused() !== undefined, 'the bad listener refused')
    const listeners = distributor.status()[0]?.types.find((type) => type.typeUrl === typeUrl.listener)
    assert.deepEqual(
      listeners?.refused.map((item) => [item.name, item.origin]),
      [['bad', ['test/l:bad']]],
    )
    assert.match(listeners?.refused[0]?.reason ?? '', /no\.such\.filter|no\.Such/)
    const clustersAccepted = (): boolean =>
      distributor.status()[0]?.types.find((type) => type.typeUrl === typeUrl.cluster)?.state === 'accepted'
    await until(clustersAccepted, 'the changed cluster accepted')
    assert.equal(await ask(port), 'two')

    // Another control plane takes over: what Envoy kept and what changed meanwhile both count.
    distributor.close()
    server.close()
    const third = {
      'l:web': first['l:web'],
      'c:one': cluster('one', 3),
      'e:one': endpoints('one', one),
      'r:routes': routes('one'),
    }
    const successor = await serve(server.port)
    successor.distributor.setTable('envoy-1', table(third))
    await until(() => accepted(successor.distributor), 'the successor accepted')
    assert.equal(await ask(port), 'one')
    const clusters = successor.distributor.status()[0]?.types.find((type) => type.typeUrl === typeUrl.cluster)
    assert.equal(clusters?.resources, 1)
    child.kill('SIGTERM')
    successor.distributor.close()
  })
}
