import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ValueAttribute, type ValueExpression, valueAttributes } from '@weft/core'
import type { Cluster, ConnectionFacts, FilterChain, Listener, MetricChange } from '@weft/engine'
import { simRuntime } from '@weft/testkit'
import type { ExchangeRecord, TcpRecord } from './exchange-record.ts'
import { IstioMetrics } from './istio-metrics.ts'
import { MetricsRegistry } from './metrics-registry.ts'
import { attributesOf } from './record-attributes.ts'
import { telemetrySink } from './telemetry.ts'
import { workloadOfMetadata } from './workload-labels.ts'

const downstream: ConnectionFacts = {
  localAddress: '127.66.0.1',
  localPort: 8080,
  remoteAddress: '127.66.0.2',
  remotePort: 40_000,
  sni: 'catalog',
  transportProtocol: 'tls',
  applicationProtocols: [],
  tls: true,
  peerNames: ['spiffe://cluster.local/ns/shop/sa/web'],
  localPrincipal: 'spiffe://cluster.local/ns/shop/sa/catalog',
}
const peer = { spiffeId: 'spiffe://cluster.local/ns/shop/sa/web', serial: '1', notAfterMs: 0 }
const record: ExchangeRecord = {
  startWallMs: 0,
  durationMs: 12,
  upstreamServiceMs: 3,
  downstream,
  downstreamPeer: peer,
  upstream: {
    cluster: { name: 'inbound|8080||', metadata: {} } as unknown as Cluster,
    endpoint: {
      key: '127.0.0.9:8080',
      target: { kind: 'socket', address: '127.0.0.9', port: 8080 },
      hostname: '',
      health: 'unknown',
      weight: 1,
      metadata: { istio: { workload: 'catalog;shop;catalog;v1;' } },
    },
    peer,
    localAddress: '127.66.0.1:40001',
    attempts: 1,
    transportFailure: 'none',
  },
  route: { name: 'default' } as ExchangeRecord['route'],
  virtualHost: 'catalog:80',
  protocol: 'HTTP/1.1',
  method: 'GET',
  path: '/books?x=1',
  authority: 'catalog',
  requestId: 'abc',
  status: 200,
  grpcStatus: '0',
  flags: [],
  details: 'via_upstream',
  bytesReceived: 5,
  bytesSent: 700,
  requestHeader: (name) => `request ${name}`,
  responseHeader: (name) => `response ${name}`,
  responseTrailer: (name) => `trailer ${name}`,
}
const node = { id: 'sidecar~127.66.0.1~catalog-0.shop~x', cluster: 'catalog', metadata: { NAME: 'catalog-0' } }

function change(
  parts: Partial<{ disabled: boolean; removed: string[]; values: Record<string, ValueExpression> }>,
): MetricChange {
  const { disabled = false, removed = [], values = {} } = parts
  return { disabled, removed: new Set(removed), values: new Map(Object.entries(values)) }
}

function sinkOf(changes: Record<string, MetricChange> | undefined, reportingMs = 0) {
  const registry = new MetricsRegistry()
  const { world, runtime } = simRuntime(1)
  const metrics = new IstioMetrics(registry, {
    self: () => workloadOfMetadata({ istio: { workload: 'catalog;shop;catalog;v1;' } })!,
    selfPrincipal: () => downstream.localPrincipal,
    workloadAt: () => workloadOfMetadata({ istio: { workload: 'web;shop;web;v2;' } }),
    node,
  })
  const byName = new Map(Object.entries(changes ?? {}))
  const listener = {
    name: 'inbound_127.66.0.1_8080',
    direction: 'inbound',
    address: { kind: 'socket', host: '127.66.0.1', port: 8080 },
    ...(changes === undefined ? {} : { metrics: { byName, reportingMs } }),
  } as unknown as Listener
  const chain = { terminal: { accessLogs: [] } } as unknown as FilterChain
  const sink = telemetrySink(metrics, undefined, { listener: () => listener, chain: () => chain }, runtime.timers)
  return { registry, sink, world }
}

function lines(registry: MetricsRegistry, name: string): string[] {
  return registry
    .render()
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name}_count{`))
}

test('a metric is left out, and the others stay as they were', () => {
  const changed = sinkOf({ request_bytes: change({ disabled: true }) })
  const usual = sinkOf(undefined)
  for (const { sink } of [changed, usual]) sink.onExchange(record)
  assert.deepEqual(lines(changed.registry, 'istio_request_bytes'), [])
  assert.equal(lines(usual.registry, 'istio_request_bytes').length, 1)
  for (const name of ['istio_requests_total', 'istio_response_bytes', 'istio_request_duration_milliseconds']) {
    assert.deepEqual(lines(changed.registry, name), lines(usual.registry, name))
  }
})

test('labels go, come, and take the place of usual ones', () => {
  const { registry, sink } = sinkOf({
    requests_total: change({
      removed: ['source_principal', 'destination_principal'],
      values: {
        request_host: { attribute: 'request.host' },
        response_code: { constant: '2xx' },
        nothing: { attribute: 'xds.route_name', key: '' } as ValueExpression,
        broken: { call: 'int', of: [{ attribute: 'request.host' }] },
      },
    }),
  })
  sink.onExchange(record)
  const [line = ''] = lines(registry, 'istio_requests_total')
  assert.match(line, /response_code="2xx"/)
  assert.match(line, /request_host="catalog"/)
  assert.match(line, /broken="unknown"/)
  assert.match(line, /source_workload="web"/)
  assert.doesNotMatch(line, /_principal/)
  assert.match(
    lines(registry, 'istio_response_bytes')[0] ?? '',
    /response_code="200".*source_principal|source_principal.*response_code="200"/,
  )
})

test('an expression that says the same of many requests counts them in one series', () => {
  const isApi: ValueExpression = { call: 'startsWith', of: [{ attribute: 'request.path' }, { constant: '/books' }] }
  const { registry, sink } = sinkOf({ requests_total: change({ values: { books: isApi } }) })
  sink.onExchange(record)
  sink.onExchange({ ...record, path: '/books/7' })
  sink.onExchange({ ...record, path: '/' })
  const counts = lines(registry, 'istio_requests_total').map((line) => line.replace(/.*(books="\w+").* /, '$1 '))
  assert.deepEqual(counts.sort(), ['books="false" 1', 'books="true" 2'])
})

test('every attribute that expressions may name is read from a request that has it', () => {
  const place = (direction: 'inbound' | 'outbound') => ({
    listener: { name: 'inbound', direction },
    node,
    label: (name: string) => name,
  })
  for (const [name, type] of Object.entries(valueAttributes)) {
    if (name === 'connection.termination_details') continue
    const direction = name.startsWith('upstream_peer') ? 'outbound' : 'inbound'
    const value = attributesOf(record, place(direction))(
      name as ValueAttribute,
      name === 'node.metadata' ? 'NAME' : 'x',
    )
    const expected = { text: 'string', number: 'number', truth: 'boolean', map: 'string' }[type]
    assert.equal(typeof value, expected, name)
  }
  assert.equal(attributesOf(record, place('outbound'))('downstream_peer.app', undefined), undefined)
})

test('an open connection is counted every so often, and at its end for the rest', async () => {
  const { registry, sink, world } = sinkOf({}, 2_000)
  const carried = { bytesReceived: 0, bytesSent: 0, count: () => {} }
  const { downstreamPeer, upstream } = record
  const total = (name: string): number =>
    lines(registry, name).reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  sink.onTcpOpened({ downstream, downstreamPeer, upstream }, carried)
  Object.assign(carried, { bytesReceived: 10, bytesSent: 100 })
  await world.clock.advance(1_999)
  assert.equal(total('istio_tcp_sent_bytes_total'), 0)
  await world.clock.advance(1)
  assert.equal(total('istio_tcp_sent_bytes_total'), 100)
  Object.assign(carried, { bytesReceived: 30, bytesSent: 300 })
  await world.clock.advance(2_000)
  assert.equal(total('istio_tcp_received_bytes_total'), 30)
  const closed: TcpRecord = { ...record, flags: [], bytesReceived: 31, bytesSent: 301, carried }
  sink.onTcpClosed(closed)
  await world.clock.advance(10_000)
  assert.equal(total('istio_tcp_sent_bytes_total'), 301)
  assert.equal(total('istio_tcp_received_bytes_total'), 31)
  assert.equal(total('istio_tcp_connections_closed_total'), 1)
})

test('messages of a gRPC call are counted once each, between two workloads, whatever becomes of the call', () => {
  const numbers = [
    { requests: 3, responses: 0 },
    { requests: 1, responses: 2 },
    { requests: 0, responses: 0 },
  ]
  const messages = { takeUncounted: () => numbers.shift() ?? { requests: 0, responses: 0 } }
  const usual = sinkOf(undefined)
  usual.sink.onMessages({ ...record, messages })
  usual.sink.onExchange({ ...record, messages })
  usual.sink.onExchange({ ...record, messages, status: 500, flags: ['UC'] })
  const [line = '', ...others] = lines(usual.registry, 'istio_request_messages_total')
  assert.deepEqual(others, [])
  assert.match(line, /reporter="destination".* 4$/)
  assert.match(line, /source_workload="web".*destination_workload="catalog"/)
  assert.doesNotMatch(line, /response_code|grpc_response_status|response_flags|request_protocol/)
  assert.match(lines(usual.registry, 'istio_response_messages_total')[0] ?? '', / 2$/)
})

test('the metrics of messages are left out and labelled as the others are', () => {
  const messages = { takeUncounted: () => ({ requests: 2, responses: 5 }) }
  const { registry, sink } = sinkOf({
    request_messages_total: change({ disabled: true }),
    response_messages_total: change({ removed: ['source_app'], values: { path: { attribute: 'request.path' } } }),
  })
  sink.onMessages({ ...record, messages })
  sink.onExchange({ ...record, messages })
  assert.deepEqual(lines(registry, 'istio_request_messages_total'), [])
  const [line = ''] = lines(registry, 'istio_response_messages_total')
  assert.match(line, /path="\/books\?x=1".* 10$/)
  assert.doesNotMatch(line, /source_app/)
  assert.deepEqual([sink.messagesEveryMs(), sinkOf({}, 200).sink.messagesEveryMs()], [5_000, 200])
})

test('a call without messages, and one that is not gRPC, has no series of messages', () => {
  const { registry, sink } = sinkOf(undefined)
  sink.onExchange(record)
  sink.onExchange({ ...record, messages: { takeUncounted: () => ({ requests: 0, responses: 0 }) } })
  assert.deepEqual(lines(registry, 'istio_request_messages_total'), [])
})

test('families of one name with different labels are one metric to Prometheus, and the number of sets of labels is bounded', () => {
  const registry = new MetricsRegistry()
  const usual = registry.counter({ name: 'n', help: 'help', labels: ['a'] })
  usual.add(usual.series(['1']), 1)
  for (let index = 0; index < 200; index++) {
    const family = registry.counter({ name: 'n', help: 'help', labels: ['a', `b${index}`] })
    family.add(family.series(['1', '2']), 1)
  }
  const text = registry.render()
  assert.equal(text.split('# TYPE n counter').length, 2)
  assert.match(text, /^n\{a="1"\} 1$/m)
  assert.match(text, /b199="2"/)
  assert.ok(text.split('\n').length < 80)
  const other = new MetricsRegistry()
  other.absorb(registry.snapshot(), { gauges: true })
  assert.equal(other.render(), text)
})
