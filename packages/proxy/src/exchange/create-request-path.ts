import { authorize } from '@weft/engine'
import { ClusterRegistry } from '../cluster/cluster-registry.ts'
import { BufferPool } from '../codec/h2/output-buffer.ts'
import { TurnEnd } from '../codec/h2/turn-end.ts'
import type { ProxyContext } from '../context.ts'
import type { AcceptedConnection, ServedConnection } from '../listen/accepted-connection.ts'
import type { RequestPath, RequestPathContext } from '../request-path.ts'
import { anticipateTcp } from '../tcp/anticipated-upstream.ts'
import { connectionSubject } from '../tcp/connection-subject.ts'
import { serveTcp } from '../tcp/serve-tcp.ts'
import { RouteCounters } from '../telemetry/route-counters.ts'
import { UdpProxyServer } from '../udp/serve-udp.ts'
import { UdpStats } from '../udp/udp-stats.ts'
import { DateHeader } from './date-header.ts'
import { DeadlineLists } from './deadline-lists.ts'
import { HttpConnection } from './http-connection.ts'
import { RandomPool } from './random-pool.ts'

/** Makes the request path of one proxy: what happens to a connection after its listener took it. */
export function createRequestPath(given: RequestPathContext): RequestPath {
  const { runtime } = given
  const deadlines = new DeadlineLists(runtime.clock, runtime.timers)
  const h2 = { turnEnd: new TurnEnd(runtime), buffers: new BufferPool(), deadlines, clock: runtime.clock }
  const clusters = new ClusterRegistry(given, given.testSan, h2)
  const context: ProxyContext = {
    runtime,
    metrics: given.metrics,
    secrets: given.secrets,
    testSan: given.testSan,
    config: () => given.config(),
    endpointsOf: (name) => given.endpointsOf(name),
    upstreamBindAddress: given.upstreamBindAddress,
    dnsServers: given.dnsServers,
    connectInternal: (name, ends) => given.connectInternal(name, ends),
    telemetry: (where) => given.telemetry(where),
    logDatagrams: (record, logs) => given.logDatagrams?.(record, logs),
    clusters,
    deadlines,
    random: new RandomPool(runtime.rng),
    date: new DateHeader(runtime.clock),
    routeCounters: new RouteCounters(given.metrics),
    h2,
  }
  const udpStats = new UdpStats(given.metrics)
  return {
    serve: (connection) => serve(connection, context),
    anticipate: anticipateTcp(clusters, context),
    serveDatagrams: (proxy, socket) => new UdpProxyServer(proxy, socket, clusters, context, udpStats),
    onConfig: (config) => clusters.onConfig(config),
    hostsOf: (cache) => clusters.hosts.of(cache).view(),
    onEndpoints: (name, endpoints) => clusters.onEndpoints(name, endpoints),
    onSecrets: () => clusters.onSecrets(),
    close: () => {
      clusters.close()
      deadlines.close()
    },
  }
}

function serve(connection: AcceptedConnection, context: ProxyContext): ServedConnection {
  const { terminal, rbac } = connection.chain()
  if (terminal.kind === 'tcp') return serveTcp(connection, terminal, context.clusters, context)
  const subject = connectionSubject(connection.facts, context.random.uint48())
  const refused = rbac.some(({ rules, shadow }) => !authorize(rules, shadow, subject).allowed)
  if (refused) return closeAtOnce(connection)
  const served = new HttpConnection(context, connection, terminal)
  served.start()
  return served
}

/** A connection that network RBAC denies: closed without a word, as Envoy does. */
function closeAtOnce(connection: AcceptedConnection): ServedConnection {
  const { transport } = connection
  transport.handler = { onData() {}, onEnd() {}, onDrain() {}, onClose: () => connection.onClosed() }
  transport.destroy()
  return { drain: () => {}, idle: () => true, destroy: () => {} }
}
