import type { FormatOperator } from '@weft/engine'
import type { ExchangeRecord, TcpRecord } from './exchange-record.ts'

/** What an access log line is made from. */
export type LogRecord = ExchangeRecord | TcpRecord

/** A value before it is printed; undefined: absent (`null` in JSON, `-` in text). */
export type LogValue = string | number | undefined

type Evaluate = (record: LogRecord) => LogValue

const isExchange = (record: LogRecord): record is ExchangeRecord => 'method' in record

const onExchange =
  (read: (record: ExchangeRecord) => LogValue): Evaluate =>
  (record) =>
    isExchange(record) ? read(record) : undefined

const addressPort = (address: string, port: number): string => `${address}:${port}`

/** Envoy's command operators that need no argument. */
const plain: Readonly<Record<string, Evaluate>> = {
  START_TIME: (record) => new Date(record.startWallMs).toISOString(),
  PROTOCOL: onExchange((record) => record.protocol),
  RESPONSE_CODE: (record) => (isExchange(record) ? record.status : 0),
  RESPONSE_CODE_DETAILS: onExchange((record) => record.details),
  CONNECTION_TERMINATION_DETAILS: (record) => (isExchange(record) ? undefined : record.details || undefined),
  RESPONSE_FLAGS: (record) => (record.flags.length === 0 ? '-' : record.flags.join(',')),
  UPSTREAM_TRANSPORT_FAILURE_REASON: (record) => record.upstream?.transportFailure,
  BYTES_RECEIVED: (record) => record.bytesReceived,
  BYTES_SENT: (record) => record.bytesSent,
  DURATION: (record) => Math.round(record.durationMs),
  UPSTREAM_HOST: (record) => record.upstream?.endpoint?.key,
  UPSTREAM_CLUSTER: (record) => record.upstream?.cluster.name,
  UPSTREAM_CLUSTER_RAW: (record) => record.upstream?.cluster.name,
  UPSTREAM_LOCAL_ADDRESS: (record) => record.upstream?.localAddress,
  UPSTREAM_PEER_URI_SAN: (record) => record.upstream?.peer?.spiffeId,
  UPSTREAM_REQUEST_ATTEMPT_COUNT: (record) => record.upstream?.attempts ?? 0,
  DOWNSTREAM_LOCAL_ADDRESS: ({ downstream }) => addressPort(downstream.localAddress, downstream.localPort),
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: ({ downstream }) => downstream.localAddress,
  DOWNSTREAM_LOCAL_PORT: ({ downstream }) => downstream.localPort,
  DOWNSTREAM_REMOTE_ADDRESS: ({ downstream }) => addressPort(downstream.remoteAddress, downstream.remotePort),
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: ({ downstream }) => downstream.remoteAddress,
  DOWNSTREAM_REMOTE_PORT: ({ downstream }) => downstream.remotePort,
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS: ({ downstream }) =>
    downstream.direct === undefined
      ? addressPort(downstream.remoteAddress, downstream.remotePort)
      : addressPort(downstream.direct.address, downstream.direct.port),
  DOWNSTREAM_PEER_URI_SAN: (record) => record.downstreamPeer?.spiffeId,
  DOWNSTREAM_PEER_SERIAL: (record) => record.downstreamPeer?.serial,
  DOWNSTREAM_LOCAL_URI_SAN: ({ downstream }) => downstream.localPrincipal,
  REQUESTED_SERVER_NAME: ({ downstream }) => downstream.sni,
  ROUTE_NAME: onExchange((record) => record.route?.name || undefined),
  VIRTUAL_HOST_NAME: onExchange((record) => record.virtualHost),
  STREAM_ID: onExchange((record) => record.requestId),
  GRPC_STATUS_NUMBER: onExchange((record) => grpcNumber(record)),
}

/** The value of one operator for one record; an operator nobody knows is absent. */
export function operatorValue(operator: FormatOperator): Evaluate {
  const evaluate = withoutLimit(operator)
  const limit = operator.maxLength
  if (limit === undefined) return evaluate
  return (record) => {
    const value = evaluate(record)
    return typeof value === 'string' ? value.slice(0, limit) : value
  }
}

const grpcNames = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
]

function grpcNumber({ grpcStatus }: ExchangeRecord): number | undefined {
  return grpcStatus === undefined || !/^\d{1,9}$/.test(grpcStatus) ? undefined : Number(grpcStatus)
}

/** `%GRPC_STATUS(CAMEL_STRING|SNAKE_STRING|NUMBER)%`; a number nobody named stays one. */
function grpcStatus(form: string): Evaluate {
  return onExchange((record) => {
    const number = grpcNumber(record)
    const name = number === undefined ? undefined : grpcNames[number]
    if (name === undefined || form === 'NUMBER') return number
    // Envoy spells this one in two ways.
    if (form === 'SNAKE_STRING') return name === 'Canceled' ? 'CANCELLED' : snake(name)
    return name
  })
}

function snake(name: string): string {
  return name === 'OK' ? name : name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()
}

function withoutLimit({ operator, argument }: FormatOperator): Evaluate {
  if (operator === 'GRPC_STATUS') return grpcStatus(argument ?? 'CAMEL_STRING')
  if (operator === 'TRAILER') {
    const names = (argument ?? '').toLowerCase().split('?')
    return onExchange((record) => {
      const found = names.find((name) => record.responseTrailer(name) !== undefined)
      return found === undefined ? undefined : record.responseTrailer(found)
    })
  }
  if (operator === 'REQ' || operator === 'RESP') {
    const names = (argument ?? '').toLowerCase().split('?')
    const read = operator === 'REQ' ? requestValue : responseValue
    return onExchange((record) => {
      for (const name of names) {
        const value = read(record, name)
        if (value !== undefined) return value
      }
      return undefined
    })
  }
  return plain[operator] ?? (() => undefined)
}

function requestValue(record: ExchangeRecord, name: string): LogValue {
  switch (name) {
    case ':method':
      return record.method
    case ':path':
      return record.path
    case ':authority':
      return record.authority
    case 'x-request-id':
      return record.requestId
    default:
      return record.requestHeader(name)
  }
}

function responseValue(record: ExchangeRecord, name: string): LogValue {
  if (name === 'x-envoy-upstream-service-time') {
    return record.upstreamServiceMs === undefined ? undefined : Math.round(record.upstreamServiceMs)
  }
  return record.responseHeader(name)
}
