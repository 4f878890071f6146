import assert from 'node:assert/strict'
import { test } from 'node:test'
import type {
  AccessLog,
  Cluster,
  ConnectionFacts,
  Endpoint,
  EndpointSet,
  FormatOperator,
  FormatTemplate,
} from '@weft/engine'
import { simRuntime } from '@weft/testkit'
import { AccessLogger } from './access-log.ts'
import { operatorValue } from './log-operators.ts'
import type { ExchangeRecord } from './exchange-record.ts'
import { IstioMetrics } from './istio-metrics.ts'
import { MetricsRegistry } from './metrics-registry.ts'
import { workloadOfMetadata, workloadsByAddress } from './workload-labels.ts'

const istio = (workload: string) => ({ istio: { workload } })
const endpoint = (address: string, workload: string): Endpoint => ({
  key: `${address}:8080`,
  target: { kind: 'socket', address, port: 8080 },
  hostname: '',
  health: 'unknown',
  weight: 1,
  metadata: istio(workload),
})
const cluster = {
  name: 'outbound|80|v1|catalog.bookstore.svc.cluster.local',
  metadata: {
    istio: { services: [{ host: 'catalog.bookstore.svc.cluster.local', name: 'catalog', namespace: 'bookstore' }] },
  },
} as unknown as Cluster
const downstream: ConnectionFacts = {
  localAddress: '127.66.0.1',
  localPort: 8080,
  remoteAddress: '127.66.0.2',
  remotePort: 40_000,
  sni: undefined,
  transportProtocol: 'raw_buffer',
  applicationProtocols: [],
  tls: false,
  peerNames: [],
}
const peer = (name: string) => ({
  spiffeId: `spiffe://cluster.local/ns/bookstore/sa/${name}`,
  serial: '1',
  notAfterMs: 0,
})
const record: ExchangeRecord = {
  startWallMs: 1_767_225_600_123,
  durationMs: 12.4,
  upstreamServiceMs: 3,
  downstream,
  downstreamPeer: undefined,
  upstream: {
    cluster,
    endpoint: endpoint('127.66.0.3', 'catalog-v1;bookstore;catalog;v1;'),
    peer: peer('catalog'),
    localAddress: '127.66.0.1:40001',
    attempts: 1,
    transportFailure: undefined,
  },
  route: undefined,
  virtualHost: 'catalog:80',
  protocol: 'HTTP/1.1',
  method: 'GET',
  path: '/books?x=1',
  authority: 'catalog',
  requestId: 'abc',
  status: 200,
  grpcStatus: undefined,
  flags: [],
  details: 'via_upstream',
  bytesReceived: 0,
  bytesSent: 700,
  requestHeader: (name) => (name === 'user-agent' ? 'curl "8"' : undefined),
  responseHeader: () => undefined,
  responseTrailer: () => undefined,
}

function metrics(workloads?: EndpointSet) {
  const registry = new MetricsRegistry()
  const byAddress = workloadsByAddress(workloads)
  const made = new IstioMetrics(registry, {
    self: () => workloadOfMetadata(istio('web;bookstore;web;v1;'))!,
    selfPrincipal: () => peer('web').spiffeId,
    workloadAt: (address) => byAddress.get(address),
    node: { id: 'sidecar~127.66.0.1~web-0.bookstore~x', cluster: 'web', metadata: { NAME: 'web-0' } },
  })
  return { registry, made }
}

function labelsOf(text: string, line: string): Record<string, string> {
  const found = text.split('\n').find((candidate) => candidate.startsWith(`${line}{`)) ?? ''
  const labels: Record<string, string> = {}
  for (const [, name = '', value = ''] of found.matchAll(/(\w+)="([^"]*)"/g)) labels[name] = value
  return labels
}

test('the source end names the destination from endpoint metadata', () => {
  const { registry, made } = metrics()
  made.exchange('outbound', record)
  made.exchange('outbound', record)
  const text = registry.render()
  assert.match(text, /^istio_requests_total\{.*\} 2$/m)
  assert.match(text, /^istio_request_duration_milliseconds_bucket\{.*le="25"\} 2$/m)
  assert.match(text, /^istio_response_bytes_sum\{.*\} 1400$/m)
  assert.deepEqual(labelsOf(text, 'istio_requests_total'), {
    reporter: 'source',
    source_workload: 'web',
    source_workload_namespace: 'bookstore',
    source_principal: 'spiffe://cluster.local/ns/bookstore/sa/web',
    source_app: 'web',
    source_version: 'v1',
    source_canonical_service: 'web',
    source_canonical_revision: 'v1',
    source_cluster: 'Kubernetes',
    destination_workload: 'catalog-v1',
    destination_workload_namespace: 'bookstore',
    destination_principal: 'spiffe://cluster.local/ns/bookstore/sa/catalog',
    destination_app: 'catalog',
    destination_version: 'v1',
    destination_canonical_service: 'catalog',
    destination_canonical_revision: 'v1',
    destination_cluster: 'Kubernetes',
    destination_service: 'catalog.bookstore.svc.cluster.local',
    destination_service_name: 'catalog',
    destination_service_namespace: 'bookstore',
    connection_security_policy: 'mutual_tls',
    request_protocol: 'http',
    response_flags: '-',
    response_code: '200',
    grpc_response_status: '',
  })
})

test('the destination end names the source by its address', () => {
  const { registry, made } = metrics({
    name: 'weft.workloads',
    overprovisioningPercent: 140,
    unlisted: [],
    localities: [
      {
        region: '',
        zone: '',
        subZone: '',
        priority: 0,
        weight: 0,
        endpoints: [endpoint('127.66.0.2', 'gateway;edge;gateway;v2;')],
      },
    ],
  })
  made.exchange('inbound', { ...record, downstreamPeer: peer('gateway'), downstream: { ...downstream, tls: true } })
  const labels = labelsOf(registry.render(), 'istio_requests_total')
  assert.equal(labels['reporter'], 'destination')
  assert.equal(labels['source_workload'], 'gateway')
  assert.equal(labels['source_workload_namespace'], 'edge')
  assert.equal(labels['source_principal'], 'spiffe://cluster.local/ns/bookstore/sa/gateway')
  assert.equal(labels['destination_workload'], 'web')
  assert.equal(labels['connection_security_policy'], 'mutual_tls')
})

test('TCP connections count opens, closes and bytes', () => {
  const { registry, made } = metrics()
  made.tcpOpened('outbound', record)
  made.tcpClosed('outbound', { ...record, bytesReceived: 10, bytesSent: 20 })
  const text = registry.render()
  assert.match(text, /^istio_tcp_connections_opened_total\{.*\} 1$/m)
  assert.match(text, /^istio_tcp_connections_closed_total\{.*\} 1$/m)
  assert.match(text, /^istio_tcp_sent_bytes_total\{.*\} 20$/m)
  assert.match(text, /^istio_tcp_received_bytes_total\{.*\} 10$/m)
})

function logged(format: AccessLog['format'], accept: () => boolean = () => true) {
  const { world, runtime } = simRuntime(1)
  const written: string[] = []
  const registry = new MetricsRegistry()
  const output = { write: (text: string) => accept() && written.push(text) > 0 }
  const logger = new AccessLogger(runtime.timers, output, registry)
  const log: AccessLog = { path: '/dev/stdout', format }
  return { world, written, logger, log, registry }
}

test('without a format the log has the keys of Istio in JSON, batched', async () => {
  const { world, written, logger, log } = logged(undefined)
  logger.log(record, [log])
  logger.log({ ...record, status: 503, flags: ['UF', 'URX'] }, [log])
  assert.deepEqual(written, [])
  await world.clock.advance(200)
  assert.equal(written.length, 1)
  const [first, second] = written
    .join('')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual(first, {
    start_time: '2026-01-01T00:00:00.123Z',
    route_name: null,
    method: 'GET',
    path: '/books?x=1',
    protocol: 'HTTP/1.1',
    response_code: 200,
    response_flags: '-',
    response_code_details: 'via_upstream',
    connection_termination_details: null,
    bytes_received: 0,
    bytes_sent: 700,
    duration: 12,
    upstream_service_time: 3,
    x_forwarded_for: null,
    user_agent: 'curl "8"',
    request_id: 'abc',
    authority: 'catalog',
    upstream_host: '127.66.0.3:8080',
    upstream_cluster: 'outbound|80|v1|catalog.bookstore.svc.cluster.local',
    upstream_local_address: '127.66.0.1:40001',
    downstream_local_address: '127.66.0.1:8080',
    downstream_remote_address: '127.66.0.2:40000',
    requested_server_name: null,
    upstream_transport_failure_reason: null,
  })
  assert.equal(second?.['response_flags'], 'UF,URX')
})

test('a text format prints its literals, limits lengths and shows - for what is absent', async () => {
  const operator = (name: string, argument?: string, maxLength?: number) => ({ operator: name, argument, maxLength })
  const text: FormatTemplate = [
    '[',
    operator('REQ', 'USER-AGENT', 4),
    '] ',
    operator('GRPC_STATUS'),
    ' ',
    operator('NO_SUCH'),
  ]
  const { written, logger, log } = logged({ text })
  logger.log(record, [log])
  logger.flush()
  assert.deepEqual(written, ['[curl] - -\n'])
})

test('when nobody reads the output, lines are dropped and counted, and what waits is offered now and then, not with each line', async () => {
  let asked = 0
  let takes = false
  const accept = (): boolean => {
    asked++
    return takes
  }
  const { world, written, logger, log, registry } = logged({ text: ['x'.repeat(1_000)] }, accept)
  for (let count = 0; count < 10_000; count++) logger.log(record, [log])
  assert.equal(asked, 1)
  const dropped = Number(/^weft_access_log_lines_dropped_total (\d+)$/m.exec(registry.render())?.[1])
  assert.ok(dropped > 5_000 && dropped < 10_000, `${dropped}`)
  await world.clock.advance(1_000)
  assert.ok(asked > 5 && asked < 15, `${asked}`)
  takes = true
  await world.clock.advance(200)
  assert.equal(written.join('').split('\n').length - 1, 10_000 - dropped, 'the others are not lost')
  logger.log(record, [log])
  await world.clock.advance(200)
  assert.equal(written.join('').split('\n').length - 1, 10_001 - dropped)
})

test('grpc-status is told as a name, in capitals or as a number; what is no status is absent', () => {
  const format = (operator: string, argument?: string): FormatOperator => ({ operator, argument, maxLength: undefined })
  const of = (status: string | undefined, operator: FormatOperator) =>
    operatorValue(operator)({ ...record, grpcStatus: status })
  assert.equal(of('14', format('GRPC_STATUS')), 'Unavailable')
  assert.equal(of('4', format('GRPC_STATUS', 'SNAKE_STRING')), 'DEADLINE_EXCEEDED')
  assert.equal(of('1', format('GRPC_STATUS', 'SNAKE_STRING')), 'CANCELLED')
  assert.equal(of('0', format('GRPC_STATUS', 'SNAKE_STRING')), 'OK')
  assert.equal(of('99', format('GRPC_STATUS')), 99)
  assert.equal(of('5', format('GRPC_STATUS', 'NUMBER')), 5)
  assert.equal(of('5', format('GRPC_STATUS_NUMBER')), 5)
  for (const none of [undefined, '', 'x']) assert.equal(of(none, format('GRPC_STATUS')), undefined)
  const trailers = { ...record, responseTrailer: (name: string) => (name === 'x-sum' ? '7' : undefined) }
  assert.equal(operatorValue(format('TRAILER', 'X-None?X-Sum'))(trailers), '7')
})
