// Which parts of the rules for connections a connection has put to the test: counted, so that what is hardly ever tried is seen.
import type { ExplainedStream } from './explained-stream.ts'
import type { StreamSide, TestConnection } from './test-connection.ts'

/** What a connection tried, in words. */
export function streamExercises(
  side: StreamSide,
  { tls, silent }: TestConnection,
  { ways, steps, chain, logged }: ExplainedStream,
): readonly string[] {
  const [way] = ways
  const chosen = steps.find(({ decision }) => decision === 'filter-chain')
  const origin = chosen?.origins['origin'] ?? ''
  const cluster = way?.cluster ?? ''
  const proxies = new Set(steps.map(({ proxy }) => proxy)).size
  const answered = way?.outcome === 'answered'
  return [
    ...(way?.outcome === 'refused' ? ['no listener'] : []),
    ...(logged === 'no' && way?.outcome === 'closed' ? ['no chain'] : []),
    ...(logged === 'maybe' ? ['handshake refused'] : []),
    ...ruleOf(origin),
    ...(ways.length > 1 ? ['split'] : []),
    ...(silent === true && answered ? ['server first'] : []),
    ...(way?.passed === true ? [`passed on (${side})`] : []),
    ...(side === 'gateway' && tls !== undefined && answered && way?.passed === false ? ['ended at the gateway'] : []),
    ...(chain?.startsWith('outbound_.') === true ? ['AUTO_PASSTHROUGH'] : []),
    ...(steps.some(({ summary }) => summary.includes('inside the proxy')) ? ['through a tunnel'] : []),
    ...(proxies > 1 && answered ? ['to a second proxy'] : []),
    ...begun(way, steps),
    ...(cluster.endsWith('.out.test') ? ['ServiceEntry by address'] : []),
    ...(/out\.test$|wild\.test$/.test(cluster) && tls !== undefined ? ['ServiceEntry by name'] : []),
    ...(cluster === 'PassthroughCluster' ? ['passed through'] : []),
    ...(cluster === 'BlackHoleCluster' ? ['led nowhere'] : []),
    ...authorization(side, steps),
  ]
}

/** TLS that a proxy begins: what becomes of it, and who it says it is. */
function begun(way: ExplainedStream['ways'][number] | undefined, steps: ExplainedStream['steps']): readonly string[] {
  const how = steps.findLast(({ decision }) => decision === 'endpoint')?.summary ?? ''
  if (way === undefined || !/TLS\)/.test(how)) return []
  if (way.outcome === 'closed')
    return [way.refusedBegun ? 'begun TLS that the application does not pass' : 'begun TLS that a proxy refuses']
  const { begun: layer } = way
  if (layer === undefined) return []
  return [
    'begun TLS',
    ...(layer.client === '' ? [] : ['begun TLS with a certificate']),
    ...(way.passed ? ['TLS in begun TLS'] : []),
  ]
}

function ruleOf(origin: string): readonly string[] {
  const [, kind = '', name = '', path = ''] = /\/([A-Za-z]+)\/[^/]+\/([^/#]+)(?:#(.*))?$/.exec(origin) ?? []
  if (kind === 'VirtualService') return [path.startsWith('spec.tls') ? 'tls rule' : 'tcp rule']
  if (kind !== 'TLSRoute' && kind !== 'TCPRoute') return []
  return [`${kind}${name.startsWith('edge') ? '' : ' of a Service'}`]
}

function authorization(side: StreamSide, steps: ExplainedStream['steps']): readonly string[] {
  const own = steps.filter(({ decision, proxy }) => decision === 'authorization' && proxy === side)
  return own.flatMap(({ summary }) => {
    if (summary.startsWith('denied: DENY')) return [`denied (${side})`]
    if (summary.startsWith('denied: no ALLOW')) return [`not allowed (${side})`]
    return summary.startsWith('allowed: ALLOW') ? [`allowed (${side})`] : []
  })
}
