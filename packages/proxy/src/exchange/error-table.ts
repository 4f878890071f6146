// What can go wrong with an exchange, each with its answer, response flag and log detail: the only place where an
// error turns into something a client or an operator sees. Texts and details are Envoy's.
import type { TransportClose } from '@weft/core'
import type { ResponseFailure } from '../codec/http-stream.ts'
import type { ResponseFlag } from '../telemetry/exchange-record.ts'

/** Who caused an error. */
export type ErrorSource = 'downstream' | 'upstream' | 'local'

/** One kind of error. */
export interface ErrorEntry {
  readonly source: ErrorSource
  /** When it can happen; `response` errors after the response's head end the connection instead of answering. */
  readonly phase: 'request' | 'route' | 'upstream' | 'any'
  readonly status: number
  readonly flag: ResponseFlag | undefined
  /** `%RESPONSE_CODE_DETAILS%`. */
  readonly details: string
  readonly body: string
  /** `close`: the connection cannot be used after the answer. */
  readonly connection: 'keep' | 'close'
}

// One line per error reads as a table; an object per error would not.
// oxlint-disable-next-line max-params
const entry = (
  source: ErrorSource,
  phase: ErrorEntry['phase'],
  status: number,
  flag: ResponseFlag | undefined,
  details: string,
  body = '',
  connection: ErrorEntry['connection'] = 'keep',
): ErrorEntry => ({ source, phase, status, flag, details, body, connection })

const upstreamReset = 'upstream connect error or disconnect/reset before headers. reset reason: '

/** All errors the request path itself answers. Filters add their own replies. */
export const exchangeErrors = {
  httpVersion10: entry('downstream', 'request', 426, 'DPE', 'low_version', 'Upgrade Required', 'close'),
  missingHost: entry('downstream', 'request', 400, undefined, 'missing_host_header', '', 'close'),
  invalidHost: entry('downstream', 'request', 400, 'DPE', 'http1.invalid_authority', 'Bad Request', 'close'),
  invalidTarget: entry('downstream', 'request', 400, 'DPE', 'http1.invalid_url', 'Bad Request', 'close'),
  pathNormalization: entry('downstream', 'request', 400, undefined, 'path_normalization_failed', '', 'close'),
  upgradeRefused: entry('downstream', 'request', 403, undefined, 'upgrade_failed'),
  headersTimeout: entry(
    'downstream',
    'request',
    408,
    undefined,
    'request_header_timeout',
    'request header timeout',
    'close',
  ),
  requestTimeout: entry('downstream', 'request', 408, undefined, 'request_overall_timeout', 'request timeout', 'close'),
  streamIdle: entry('downstream', 'any', 408, 'SI', 'stream_idle_timeout', 'stream timeout', 'close'),
  maxDuration: entry(
    'downstream',
    'any',
    408,
    undefined,
    'max_duration_timeout',
    'downstream duration timeout',
    'close',
  ),
  noVirtualHost: entry('local', 'route', 404, 'NR', 'route_not_found'),
  noRoute: entry('local', 'route', 404, 'NR', 'route_not_found'),
  noRouteConfig: entry('local', 'route', 404, 'NR', 'route_configuration_not_found'),
  noCluster: entry('local', 'route', 503, 'NC', 'cluster_not_found'),
  noHealthyUpstream: entry('local', 'upstream', 503, 'UH', 'no_healthy_upstream', 'no healthy upstream'),
  overflow: entry(
    'local',
    'upstream',
    503,
    'UO',
    'upstream_reset_before_response_started{overflow}',
    `${upstreamReset}overflow`,
  ),
  /** Of a host that a request names. */
  dnsFailure: entry('local', 'upstream', 503, 'DF', 'dns_resolution_failure{}', 'DNS resolution failure'),
  dnsCacheOverflow: entry('local', 'upstream', 503, undefined, 'dns_cache_overflow', 'DNS cache overflow'),
  dnsPendingOverflow: entry(
    'local',
    'upstream',
    503,
    undefined,
    'dynamic_forward_proxy_pending_request_overflow',
    'Dynamic forward proxy pending request overflow',
  ),
  emptyHost: entry('downstream', 'upstream', 400, undefined, 'empty_host_header', 'Empty host header'),
  connectFailure: entry(
    'upstream',
    'upstream',
    503,
    'UF',
    'upstream_reset_before_response_started{remote_connection_failure}',
    `${upstreamReset}remote connection failure`,
  ),
  connectTimeout: entry(
    'upstream',
    'upstream',
    503,
    'UF',
    'upstream_reset_before_response_started{connection_timeout}',
    `${upstreamReset}connection timeout`,
  ),
  connectionTermination: entry(
    'upstream',
    'upstream',
    503,
    'UC',
    'upstream_reset_before_response_started{connection_termination}',
    `${upstreamReset}connection termination`,
  ),
  remoteReset: entry(
    'upstream',
    'upstream',
    503,
    'UR',
    'upstream_reset_before_response_started{remote_reset}',
    `${upstreamReset}remote reset`,
  ),
  refusedStream: entry(
    'upstream',
    'upstream',
    503,
    'UR',
    'upstream_reset_before_response_started{remote_refused_stream_reset}',
    `${upstreamReset}remote refused stream reset`,
  ),
  upstreamProtocol: entry(
    'upstream',
    'upstream',
    502,
    'UPE',
    'upstream_reset_before_response_started{protocol_error}',
    `${upstreamReset}protocol error`,
  ),
  responseTimeout: entry('upstream', 'upstream', 504, 'UT', 'response_timeout', 'upstream request timeout'),
  perTryIdleTimeout: entry(
    'upstream',
    'upstream',
    504,
    'UT',
    'upstream_per_try_idle_timeout',
    'upstream request timeout',
  ),
  upstreamStreamDuration: entry(
    'upstream',
    'upstream',
    504,
    'UMSDR',
    'upstream_max_stream_duration_reached',
    'upstream max stream duration reached',
  ),
  perTryTimeout: entry('upstream', 'upstream', 504, 'UT', 'upstream_per_try_timeout', 'upstream request timeout'),
  /** After the response's head: nothing can be answered any more. */
  upstreamCut: entry(
    'upstream',
    'any',
    0,
    'UC',
    'upstream_reset_after_response_started{connection_termination}',
    '',
    'close',
  ),
  upstreamReset: entry('upstream', 'any', 0, 'UR', 'upstream_reset_after_response_started{remote_reset}', '', 'close'),
  upstreamBodyFault: entry(
    'upstream',
    'any',
    0,
    'UPE',
    'upstream_reset_after_response_started{protocol_error}',
    '',
    'close',
  ),
  downstreamReset: entry('downstream', 'any', 0, 'DR', 'http2.remote_reset', '', 'close'),
  downstreamFault: entry('downstream', 'any', 0, 'DPE', 'http2.violation.of.messaging.rule', '', 'close'),
  downstreamGone: entry('downstream', 'any', 0, 'DC', 'downstream_remote_disconnect', '', 'close'),
  downstreamBodyFault: entry('downstream', 'request', 400, 'DPE', 'http1.codec_error', 'Bad Request', 'close'),
} as const

/** What cuts an answer off once its head is out. */
export const cutErrors: Readonly<Record<ResponseFailure['kind'], ErrorEntry>> = {
  closed: exchangeErrors.upstreamCut,
  protocol: exchangeErrors.upstreamBodyFault,
  reset: exchangeErrors.upstreamReset,
  refused: exchangeErrors.upstreamReset,
}

/** What the limits of an attempt end it with. */
export const limitErrors: Readonly<Record<'try' | 'try idle' | 'stream', ErrorEntry>> = {
  try: exchangeErrors.perTryTimeout,
  'try idle': exchangeErrors.perTryIdleTimeout,
  stream: exchangeErrors.upstreamStreamDuration,
}

/** Envoy's words for why no connection came about. */
export function transportFailureText(close: TransportClose, timedOut: boolean): string | undefined {
  if (timedOut) return undefined
  if (close.reason === 'refused') return 'delayed connect error: Connection refused'
  return close.reason === 'tls' ? `TLS_error:|${close.detail}` : `delayed connect error: ${close.detail}`
}

/** gRPC's DEADLINE_EXCEEDED. */
export const deadlineExceeded = 4
