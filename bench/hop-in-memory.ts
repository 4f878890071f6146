// `node bench/hop-in-memory.ts`: the whole JavaScript of a plain HTTP/1.1 hop (transports, codecs, exchange, routing, balancing, pools,
// metrics), on handles that are no sockets: nanoseconds and bytes of garbage per request, over a corpus of 1,000 different requests. What the
// kernel and Node's C++ do is not in it, so it repeats within some per cent even on a busy machine, when the best round is compared. Pass
// `--max-semi-space-size=64` to Node, or garbage is collected within a round and cannot be counted.
import { Buffer } from 'node:buffer'
import { createRegistry, type DescMessage, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf'
import { systemClock, systemRng, systemTimers } from '../packages/core/src/node/clock.ts'
import type { ConnectOptions, Transport } from '@weft/core'
import { type ActiveConfig, compile, type FilterChain, type Listener, testValue } from '@weft/engine'
import { ClusterSchema } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { ClusterLoadAssignmentSchema } from '@weft/xds/es/envoy/config/endpoint/v3/endpoint'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import { RouteConfigurationSchema } from '@weft/xds/es/envoy/config/route/v3/route'
import { HTTPFaultSchema } from '@weft/xds/es/envoy/extensions/filters/http/fault/v3/fault'
import { RouterSchema } from '@weft/xds/es/envoy/extensions/filters/http/router/v3/router'
import { HttpConnectionManagerSchema } from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import { PreviousHostsPredicateSchema } from '@weft/xds/es/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts'
import type { RawBindings, RawRequest } from '../packages/core/src/node/raw-bindings.ts'
import { RawShared, RawTransport, type TransportHandle } from '../packages/core/src/node/raw-transport.ts'
import { Turn } from '../packages/core/src/node/turn.ts'
import { createRequestPath } from '../packages/proxy/src/exchange/create-request-path.ts'
import { IstioMetrics } from '../packages/proxy/src/telemetry/istio-metrics.ts'
import { MetricsRegistry } from '../packages/proxy/src/telemetry/metrics-registry.ts'
import { telemetrySink } from '../packages/proxy/src/telemetry/telemetry.ts'
import { unknownWorkload } from '../packages/proxy/src/telemetry/workload-labels.ts'
import { median } from './statistics.ts'

const connections = 64
const perRound = 200
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 800)

let seed = 12_345
function pick(count: number): number {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
  return (seed >>> 8) % count
}

/** The corpus of `corpus.lua`: differing paths, agents, cookies; every second asks for the first route. */
function question(): Buffer {
  const path = `/${['books', 'authors', 'orders', 'search', 'covers'][pick(5)]}/${pick(100_000)}${pick(2) === 0 ? '' : `?page=${pick(20)}`}`
  const agent = ['curl/8.5.0', 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0', 'okhttp/4.12.0'][pick(3)]
  const lines = [
    'Host: echo.bench',
    `User-Agent: ${agent}`,
    'Accept: */*',
    `Accept-Language: ${['en', 'zh-CN'][pick(2)]}`,
  ]
  if (pick(2) === 0) lines.push('X-Bench: 1')
  if (pick(2) === 0) lines.push(`Cookie: session=${'x'.repeat(8 + pick(56))}`)
  if (pick(4) === 0) lines.push(`X-Trace-${pick(30)}: ${pick(1_000_000)}`)
  return Buffer.from(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

const answer = Buffer.from(
  'HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 21 Nov 2026 11:20:14 GMT\r\nContent-Type: application/octet-stream\r\n' +
    `Content-Length: 1024\r\nConnection: keep-alive\r\n\r\n${'x'.repeat(1024)}`,
  'latin1',
)

/** A handle that is no socket: it takes everything at once and says how much it took. */
class MemoryHandle {
  onread: ((this: MemoryHandle) => void) | undefined = undefined
  owner: unknown = undefined
  reading = false
  writeQueueSize = 0
  taken = 0
  useUserBuffer(): void {}
  readStart(): number {
    return 0
  }
  readStop(): number {
    return 0
  }
  setNoDelay(): number {
    return 0
  }
  writeBuffer(_request: unknown, bytes: Buffer): number {
    this.taken += bytes.length
    return 0
  }
  writeLatin1String(_request: unknown, text: string): number {
    this.taken += text.length
    return 0
  }
  /** What libuv does with what arrived. */
  arrive(bytes: Buffer, shared: RawShared): void {
    bytes.copy(shared.read.bytes)
    shared.bindings.streamState[shared.bindings.readCount] = bytes.length
    this.onread?.call(this)
  }
}

const nothing = class {} as unknown as new <Owner>() => RawRequest<Owner>
const turn = new Turn().always()
const shared = new RawShared(
  {
    TCP: MemoryHandle as unknown as RawBindings['TCP'],
    TCPConnectWrap: nothing,
    WriteWrap: nothing,
    ShutdownWrap: nothing,
    clientType: 0,
    streamState: new Int32Array(5),
    readCount: 0,
    lastWriteWasAsync: 3,
  },
  turn,
)

function connection(handle: MemoryHandle, remotePort: number): RawTransport {
  const local = { address: '127.66.0.2', port: 18_080 }
  return new RawTransport(handle as unknown as TransportHandle, shared, local, {
    address: '127.0.0.1',
    port: remotePort,
  })
}

const registry = createRegistry(
  RouterSchema,
  HTTPFaultSchema,
  HttpConnectionManagerSchema,
  PreviousHostsPredicateSchema,
)
const any = (type: string, value: JsonObject = {}): JsonObject => ({ '@type': `type.googleapis.com/${type}`, ...value })

function compiled<T>(
  compileOne: (bytes: Uint8Array, options: { regex: undefined }) => { readonly ok: boolean },
  schema: DescMessage,
  json: JsonObject,
): T {
  const result = compileOne(toBinary(schema, fromJson(schema, json, { registry })), { regex: undefined })
  if (!result.ok) throw new Error(JSON.stringify(result))
  return (result as unknown as { readonly value: T }).value
}

const clusterName = 'outbound|80||echo.bench.svc.cluster.local'
const retryPolicy: JsonObject = {
  retryOn: 'connect-failure,refused-stream',
  numRetries: 2,
  retryHostPredicate: [
    {
      name: 'envoy.retry_host_predicates.previous_hosts',
      typedConfig: any('envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate'),
    },
  ],
  hostSelectionRetryMaxAttempts: '5',
}
const action: JsonObject = { cluster: clusterName, timeout: '0s', retryPolicy }
const filter = (name: string, type: string): JsonObject => ({ name, typedConfig: any(type) })

/** The gateway of `bench/mesh/plain` as the control plane writes it. */
const listener = compiled<Listener>(compile.compileListener, ListenerSchema, {
  name: 'gateway',
  address: { socketAddress: { address: '127.66.0.2', portValue: 18_080 } },
  trafficDirection: 'OUTBOUND',
  filterChains: [
    {
      filters: [
        {
          name: 'envoy.filters.network.http_connection_manager',
          typedConfig: any('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
            statPrefix: 'gateway',
            rds: { configSource: { ads: {} }, routeConfigName: 'http' },
            httpFilters: [
              filter('envoy.filters.http.fault', 'envoy.extensions.filters.http.fault.v3.HTTPFault'),
              filter('envoy.filters.http.router', 'envoy.extensions.filters.http.router.v3.Router'),
            ],
            serverName: 'weft',
            useRemoteAddress: true,
            forwardClientCertDetails: 'SANITIZE_SET',
            setCurrentClientCertDetails: { subject: true, dns: true, uri: true },
            upgradeConfigs: [{ upgradeType: 'websocket' }],
            streamIdleTimeout: '300s',
            maxRequestHeadersKb: 60,
            normalizePath: true,
            commonHttpProtocolOptions: { idleTimeout: '3600s', maxHeadersCount: 100 },
            requestHeadersTimeout: '60s',
            pathWithEscapedSlashesAction: 'KEEP_UNCHANGED',
          }),
        },
      ],
    },
  ],
})
const config: ActiveConfig = {
  listeners: new Map([['gateway', listener]]),
  routeConfigs: new Map([
    [
      'http',
      compiled(compile.compileRouteConfig, RouteConfigurationSchema, {
        name: 'http',
        virtualHosts: [
          {
            name: 'echo.bench:18080',
            domains: ['echo.bench', 'echo.bench:18080'],
            routes: [
              {
                name: 'first',
                match: { prefix: '/', headers: [{ name: 'x-bench', stringMatch: { exact: '1' } }] },
                route: action,
                responseHeadersToAdd: [{ header: { key: 'x-proxied-by', value: 'weft' } }],
              },
              { name: 'second', match: { prefix: '/' }, route: action },
            ],
          },
        ],
      }),
    ],
  ]),
  clusters: new Map([
    [
      clusterName,
      compiled(compile.compileCluster, ClusterSchema, {
        name: clusterName,
        type: 'EDS',
        edsClusterConfig: { edsConfig: { ads: {} }, serviceName: clusterName },
        connectTimeout: '10s',
        lbPolicy: 'LEAST_REQUEST',
      }),
    ],
  ]),
}
const endpoints = compiled<Parameters<ReturnType<typeof createRequestPath>['onEndpoints']>[1]>(
  compile.compileEndpoints,
  ClusterLoadAssignmentSchema,
  {
    clusterName,
    endpoints: [
      {
        lbEndpoints: [8080, 8081].map((portValue) => ({
          endpoint: { address: { socketAddress: { address: '127.66.0.1', portValue } } },
          metadata: { filterMetadata: { istio: { workload: 'echo;bench;echo;v1;' } } },
        })),
      },
    ],
  },
)

const quiet = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
const upstreams: MemoryHandle[] = []
const metrics = new MetricsRegistry()
const istio = new IstioMetrics(metrics, {
  self: () => unknownWorkload,
  selfPrincipal: () => undefined,
  workloadAt: () => undefined,
})
const path = createRequestPath({
  runtime: {
    clock: systemClock,
    timers: systemTimers,
    rng: systemRng,
    log: quiet,
    files: undefined as never,
    net: {
      connect: (options: ConnectOptions, onOpen: (transport: Transport) => void) => {
        const handle = new MemoryHandle()
        upstreams.push(handle)
        queueMicrotask(() => onOpen(connection(handle, options.port)))
        return () => {}
      },
    } as never,
  },
  metrics,
  secrets: { has: () => false, certificate: () => undefined, rootsPem: () => undefined, crlPem: () => undefined },
  testSan: ({ test }, name) => testValue(test, name),
  config: () => config,
  endpointsOf: () => endpoints,
  connectInternal: () => ({ ok: false, error: 'none' }),
  telemetry: (where) => telemetrySink(istio, undefined, where),
})
path.onConfig(config, { listeners: new Map(), routeConfigs: new Map(), clusters: new Map() })
path.onEndpoints(clusterName, endpoints)

const chain = listener.filterChains[0] as FilterChain
const clients = Array.from({ length: connections }, (_, index) => {
  const handle = new MemoryHandle()
  const transport = connection(handle, 40_000 + index)
  const { localAddress, localPort, remoteAddress, remotePort } = transport
  path.serve({
    transport,
    head: undefined,
    listener: () => listener,
    chain: () => chain,
    facts: {
      ...{ localAddress, localPort, remoteAddress, remotePort },
      ...{ sni: undefined, transportProtocol: 'raw_buffer', applicationProtocols: [], tls: false, peerNames: [] },
    } as never,
    peer: undefined,
    onClosed: () => {
      throw new Error('a connection was closed')
    },
  })
  return handle
})

const questions = Array.from({ length: 1_000 }, question)
let next = 0

/** A batch as epoll brings it: some requests, then the answers to them. */
function batch(size: number): void {
  for (let at = 0; at < size; at++) {
    const asked = questions[next++ % questions.length] as Buffer
    ;(clients[next % connections] as MemoryHandle).arrive(asked, shared)
  }
  turn.run()
  for (const upstream of upstreams) {
    if (upstream.taken === 0) continue
    upstream.taken = 0
    upstream.arrive(answer, shared)
  }
  turn.run()
}

batch(connections)
// The first connections are made in microtasks.
await new Promise((resolve) => setTimeout(resolve, 20))
batch(0)

const ns: number[] = []
const bytes: number[] = []
const warmRounds = 300
for (let round = -warmRounds; round < rounds; round++) {
  for (const client of clients) client.taken = 0
  const heapBefore = process.memoryUsage().heapUsed
  const before = process.hrtime.bigint()
  for (let done = 0; done < perRound; done += 8) batch(8)
  const took = Number(process.hrtime.bigint() - before)
  const grown = process.memoryUsage().heapUsed - heapBefore
  const least = perRound * answer.length
  const taken = clients.reduce((sum, client) => sum + client.taken, 0)
  if (taken < least) throw new Error(`only ${taken} of at least ${least} bytes came back`)
  if (round < 0) continue
  ns.push(took / perRound)
  if (grown > 0) bytes.push(grown / perRound)
  if (round % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
}
if (!metrics.render().includes('istio_requests_total')) throw new Error('nothing was counted')
const best = Math.min(...ns)
console.log(
  `plain hop in memory: best ${best.toFixed(0)} ns, median ${median(ns).toFixed(0)} ns per request; ${median(bytes).toFixed(0)} bytes of garbage; ${upstreams.length} upstream connections`,
)
process.exit(0)
