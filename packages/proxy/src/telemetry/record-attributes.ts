// What a finished exchange or connection says for each attribute that the value of a label may be made of.
import type { ValueAttribute } from '@weft/core'
import type { Listener, ReadAttribute } from '@weft/engine'
import type { ExchangeRecord, TcpRecord } from './exchange-record.ts'
import { operatorValue } from './log-operators.ts'

type Value = ReturnType<ReadAttribute>
type AnyRecord = ExchangeRecord | Omit<TcpRecord, 'details' | 'startWallMs'>

/** Who this proxy is, as its node says. */
export interface NodeFacts {
  readonly id: string
  readonly cluster: string
  readonly metadata: Readonly<Record<string, unknown>>
}

/** Beside the record: where it was made, and the standard labels. */
export interface RecordPlace {
  readonly listener: Pick<Listener, 'name' | 'direction'>
  readonly node: NodeFacts
  /** The value of a standard label. */
  label(name: string): string | undefined
}

type Read = (record: AnyRecord, place: RecordPlace, key: string) => Value

const isExchange = (record: AnyRecord): record is ExchangeRecord => 'method' in record

/** Attributes of requests: of a connection without any they are not there. */
const ofRequest =
  (read: (record: ExchangeRecord, key: string) => Value): Read =>
  (record, _place, key) =>
    isExchange(record) ? read(record, key) : undefined

const grpcNumber = operatorValue({ operator: 'GRPC_STATUS_NUMBER', argument: undefined, maxLength: undefined })

/** Names of a peer's facts, by the end of the standard label that has them. */
const peerFacts: Readonly<Record<string, string>> = {
  workload: 'workload',
  namespace: 'workload_namespace',
  app: 'app',
  version: 'version',
  service: 'canonical_service',
  revision: 'canonical_revision',
  cluster: 'cluster',
}

const pathOf = (path: string): string => (path.includes('?') ? path.slice(0, path.indexOf('?')) : path)
const queryOf = (path: string): string => (path.includes('?') ? path.slice(path.indexOf('?') + 1) : '')
const at = (address: string, port: number): string => `${address.includes(':') ? `[${address}]` : address}:${port}`
const portOf = (address: string | undefined): number | undefined => {
  const port = address === undefined ? Number.NaN : Number(address.slice(address.lastIndexOf(':') + 1))
  return Number.isInteger(port) ? port : undefined
}

const readers: Partial<Readonly<Record<ValueAttribute, Read>>> = {
  'request.method': ofRequest(({ method }) => method),
  'request.path': ofRequest(({ path }) => path),
  'request.url_path': ofRequest(({ path }) => pathOf(path)),
  'request.query': ofRequest(({ path }) => queryOf(path)),
  'request.host': ofRequest(({ authority }) => authority),
  'request.protocol': ofRequest(({ protocol }) => protocol),
  'request.id': ofRequest(({ requestId }) => requestId),
  'request.referer': ofRequest((record) => record.requestHeader('referer')),
  'request.useragent': ofRequest((record) => record.requestHeader('user-agent')),
  'request.size': ofRequest(({ bytesReceived }) => bytesReceived),
  'request.headers': ofRequest(headerOf),
  'response.code': ofRequest(({ status }) => status),
  'response.code_details': ofRequest(({ details }) => details),
  'response.grpc_status': ofRequest((record) => grpcNumber(record)),
  'response.size': ofRequest(({ bytesSent }) => bytesSent),
  'response.headers': ofRequest((record, key) =>
    key === ':status' ? String(record.status) : record.responseHeader(key),
  ),
  'response.trailers': ofRequest((record, key) => record.responseTrailer(key)),
  'connection.mtls': ({ downstream }) => downstream.peerNames.length > 0,
  'connection.requested_server_name': ({ downstream }) => downstream.sni,
  'connection.uri_san_local_certificate': ({ downstream }) => downstream.localPrincipal,
  'connection.uri_san_peer_certificate': ({ downstreamPeer }) => downstreamPeer?.spiffeId,
  'connection.termination_details': (record) =>
    !isExchange(record) && 'details' in record ? String(record.details) : undefined,
  'source.address': ({ downstream }) => at(downstream.remoteAddress, downstream.remotePort),
  'source.port': ({ downstream }) => downstream.remotePort,
  'destination.address': ({ downstream }) => at(downstream.localAddress, downstream.localPort),
  'destination.port': ({ downstream }) => downstream.localPort,
  'upstream.address': ({ upstream }) => upstream?.endpoint?.key,
  'upstream.port': ({ upstream }) => portOf(upstream?.endpoint?.key),
  'upstream.local_address': ({ upstream }) => upstream?.localAddress,
  'upstream.uri_san_peer_certificate': ({ upstream }) => upstream?.peer?.spiffeId,
  'upstream.transport_failure_reason': ({ upstream }) => upstream?.transportFailure,
  'upstream.request_attempt_count': ({ upstream }) => upstream?.attempts ?? 0,
  'xds.cluster_name': ({ upstream }) => upstream?.cluster.name,
  'xds.route_name': ofRequest(({ route }) => route?.name),
  'xds.virtual_host_name': ofRequest(({ virtualHost }) => virtualHost),
  'xds.listener_name': (_record, { listener }) => listener.name,
  'node.id': (_record, { node }) => node.id,
  'node.cluster': (_record, { node }) => node.cluster,
  'node.metadata': (_record, { node }, key) => {
    const value = Object.hasOwn(node.metadata, key) ? node.metadata[key] : undefined
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : undefined
  },
}

/** Reads attributes of one record. */
export function attributesOf(record: AnyRecord, place: RecordPlace): ReadAttribute {
  return (attribute, key = '') => {
    const read = readers[attribute]
    return read === undefined ? peerFact(attribute, place) : read(record, place, key)
  }
}

/** The far end is upstream of who calls, and downstream of who is called. */
function peerFact(attribute: ValueAttribute, { listener, label }: RecordPlace): Value {
  const [peer = '', fact = ''] = attribute.split('.')
  const inbound = listener.direction === 'inbound'
  if (peer !== (inbound ? 'downstream_peer' : 'upstream_peer')) return undefined
  return label(`${inbound ? 'source' : 'destination'}_${peerFacts[fact]}`)
}

function headerOf(record: ExchangeRecord, name: string): Value {
  switch (name) {
    case ':method':
      return record.method
    case ':path':
      return record.path
    case ':authority':
    case 'host':
      return record.authority
    default:
      return record.requestHeader(name)
  }
}
