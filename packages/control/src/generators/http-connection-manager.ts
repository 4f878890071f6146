// The HTTP connection manager of every listener: one set of limits, one filter order.
import type { AccessLogSchema } from '@weft/xds/es/envoy/config/accesslog/v3/accesslog'
import type { FilterSchema } from '@weft/xds/es/envoy/config/listener/v3/listener_components'
import { ExpressionFilterSchema } from '@weft/xds/es/envoy/extensions/access_loggers/filters/cel/v3/cel'
import { FileAccessLogSchema } from '@weft/xds/es/envoy/extensions/access_loggers/file/v3/file'
import { StdoutAccessLogSchema } from '@weft/xds/es/envoy/extensions/access_loggers/stream/v3/stream'
import { CorsSchema } from '@weft/xds/es/envoy/extensions/filters/http/cors/v3/cors'
import { StatefulSessionSchema } from '@weft/xds/es/envoy/extensions/filters/http/stateful_session/v3/stateful_session'
import { HTTPFaultSchema } from '@weft/xds/es/envoy/extensions/filters/http/fault/v3/fault'
import { RouterSchema } from '@weft/xds/es/envoy/extensions/filters/http/router/v3/router'
import {
  HttpConnectionManager_CodecType as CodecType,
  HttpConnectionManager_ForwardClientCertDetails as ForwardClientCert,
  HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashes,
  type HttpFilterSchema,
  HttpConnectionManagerSchema,
} from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import { adsSource, duration } from './config-source.ts'
import { httpLookup } from './dynamic-hosts.ts'
import { pack } from './encode.ts'
import { edgeHttp2, hopHttp2 } from './http2-options.ts'
import type { Init } from './init.ts'
import type { AccessLogPlan, Telemetry } from './telemetry.ts'
import { tracingFields } from './tracing.ts'
import { withPlugins } from './wasm-plugins.ts'

type HcmInit = Init<typeof HttpConnectionManagerSchema>
type HttpFilterInit = Init<typeof HttpFilterSchema>
type FilterInit = Init<typeof FilterSchema>

/** Name of the fault filter, which is also the key of its per-route configuration. */
export const faultFilter = 'envoy.filters.http.fault'

/** Name of the CORS filter, likewise. */
export const corsFilter = 'envoy.filters.http.cors'

/** Name of the filter that keeps sessions at one endpoint, likewise. */
export const sessionFilter = 'envoy.filters.http.stateful_session'

/** What differs between connection managers. */
export interface HcmOptions {
  readonly side: 'inbound' | 'outbound' | 'gateway'
  readonly statPrefix: string
  /** The name of an RDS resource, or the routes themselves. */
  readonly routes: string | Extract<NonNullable<HcmInit['routeSpecifier']>, { case: 'routeConfig' }>['value']
  /** Authorization, inbound only. */
  readonly authorization?: readonly HttpFilterInit[]
  readonly accessLog: Telemetry
  /** The port of the listener (inbound: of the application); undefined where it stands for many. */
  readonly port?: number
  /** Only HTTP/2, for tunnels; otherwise what the client speaks. */
  readonly onlyHttp2?: boolean
  /** Whether callers come from outside the mesh: what they say of those behind them is not believed. */
  readonly strangers?: boolean
  /** Filters that count requests. */
  readonly rateLimits?: readonly HttpFilterInit[]
  /** Filters that ask authorizers, each off until a route turns it on. */
  readonly authorizers?: readonly HttpFilterInit[]
  /** Whether routes may ask for sessions that stay at one endpoint. */
  readonly sessions?: boolean
}

/** The network filter. Limits are on by default; paths are normalised as Istio's BASE does. */
export function httpConnectionManager(options: HcmOptions): FilterInit {
  const { side, routes } = options
  const hcm: HcmInit = {
    ...codec(options),
    statPrefix: options.statPrefix,
    routeSpecifier:
      typeof routes === 'string'
        ? { case: 'rds', value: { routeConfigName: routes, configSource: adsSource() } }
        : { case: 'routeConfig', value: routes },
    httpFilters: httpFilters(options),
    serverName: 'weft',
    useRemoteAddress: side === 'gateway',
    ...normalization(options.accessLog.normalization),
    maxRequestHeadersKb: 60,
    streamIdleTimeout: duration(300_000),
    requestHeadersTimeout: duration(60_000),
    commonHttpProtocolOptions: { idleTimeout: duration(3_600_000), maxHeadersCount: 100 },
    accessLog: accessLogs(options.accessLog, httpLogFields),
    ...clientCertificate(options),
    ...(options.onlyHttp2 === true ? {} : tracingFields(options.accessLog.tracing)),
  }
  return {
    name: 'envoy.filters.network.http_connection_manager',
    configType: { case: 'typedConfig', value: pack(HttpConnectionManagerSchema, hcm) },
  }
}

/** Each level does what those before it do; the default is BASE, Istio's own. */
function normalization(level: Telemetry['normalization']): HcmInit {
  const decodes = level === 'DECODE_AND_MERGE_SLASHES'
  return {
    normalizePath: level !== 'NONE',
    mergeSlashes: decodes || level === 'MERGE_SLASHES',
    pathWithEscapedSlashesAction: decodes ? EscapedSlashes.UNESCAPE_AND_FORWARD : EscapedSlashes.KEEP_UNCHANGED,
  }
}

/** HTTP/1.1 and HTTP/2 by ALPN or by the first bytes; WebSocket on both (over HTTP/2: RFC 8441). */
function codec({ side, onlyHttp2 }: HcmOptions): HcmInit {
  const http2ProtocolOptions = side === 'gateway' ? edgeHttp2 : hopHttp2
  if (onlyHttp2 === true) return { codecType: CodecType.HTTP2, http2ProtocolOptions }
  return { codecType: CodecType.AUTO, http2ProtocolOptions, upgradeConfigs: [{ upgradeType: 'websocket' }] }
}

/** The order of HTTP filters, decided once: who may, then what browsers ask, then what goes wrong on purpose, then where to. */
function httpFilters(options: HcmOptions): HttpFilterInit[] {
  const plugins = options.onlyHttp2 === true ? [] : (options.accessLog.plugins ?? [])
  const filters = withPlugins(options.authorization ?? [], plugins, options.port)
  if (options.side === 'inbound') filters.push(...(options.rateLimits ?? []))
  else {
    // Optional: a proxy without it serves everything else of the listener.
    filters.push({ name: corsFilter, isOptional: true, configType: { case: 'typedConfig', value: pack(CorsSchema) } })
    // Who is over a limit does not trouble authorizers either.
    filters.push(...(options.rateLimits ?? []))
    // Browsers ask what they may without showing who they are.
    filters.push(...(options.authorizers ?? []))
    if (options.sessions === true) {
      const config = { case: 'typedConfig' as const, value: pack(StatefulSessionSchema) }
      filters.push({ name: sessionFilter, isOptional: true, configType: config })
    }
    filters.push({ name: faultFilter, configType: { case: 'typedConfig', value: pack(HTTPFaultSchema) } })
    if (options.accessLog.dynamic !== undefined) filters.push(httpLookup())
  }
  filters.push({ name: 'envoy.filters.http.router', configType: { case: 'typedConfig', value: pack(RouterSchema) } })
  return filters
}

/** `x-forwarded-client-cert` as Istio treats it: inbound adds the verified caller, a gateway drops what strangers claim. */
function clientCertificate({ side, strangers = false }: HcmOptions): HcmInit {
  if (side === 'outbound') return {}
  const believed = side === 'inbound' && !strangers
  return {
    forwardClientCertDetails: believed ? ForwardClientCert.APPEND_FORWARD : ForwardClientCert.SANITIZE_SET,
    setCurrentClientCertDetails: { subject: true, dns: true, uri: true },
  }
}

const commonLogFields: Readonly<Record<string, string>> = {
  start_time: '%START_TIME%',
  response_flags: '%RESPONSE_FLAGS%',
  response_code_details: '%RESPONSE_CODE_DETAILS%',
  connection_termination_details: '%CONNECTION_TERMINATION_DETAILS%',
  upstream_transport_failure_reason: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
  bytes_received: '%BYTES_RECEIVED%',
  bytes_sent: '%BYTES_SENT%',
  duration: '%DURATION%',
  upstream_host: '%UPSTREAM_HOST%',
  upstream_cluster: '%UPSTREAM_CLUSTER%',
  upstream_local_address: '%UPSTREAM_LOCAL_ADDRESS%',
  downstream_local_address: '%DOWNSTREAM_LOCAL_ADDRESS%',
  downstream_remote_address: '%DOWNSTREAM_REMOTE_ADDRESS%',
  requested_server_name: '%REQUESTED_SERVER_NAME%',
}

/** Keys and values of Istio's default JSON format. */
const httpLogFields: Readonly<Record<string, string>> = {
  ...commonLogFields,
  method: '%REQ(:METHOD)%',
  path: '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%',
  protocol: '%PROTOCOL%',
  response_code: '%RESPONSE_CODE%',
  upstream_service_time: '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%',
  x_forwarded_for: '%REQ(X-FORWARDED-FOR)%',
  user_agent: '%REQ(USER-AGENT)%',
  request_id: '%REQ(X-REQUEST-ID)%',
  authority: '%REQ(:AUTHORITY)%',
  route_name: '%ROUTE_NAME%',
}

/** The access log of TCP listeners. */
export function tcpAccessLog(telemetry: Telemetry): Init<typeof AccessLogSchema>[] {
  return accessLogs(telemetry, commonLogFields)
}

function accessLogs({ logs }: Telemetry, fields: Readonly<Record<string, string>>): Init<typeof AccessLogSchema>[] {
  return logs.map((log) => accessLog(log, fields))
}

function accessLog(log: AccessLogPlan, fields: Readonly<Record<string, string>>): Init<typeof AccessLogSchema> {
  const format =
    log.text === true
      ? undefined
      : log.text === undefined
        ? { case: 'jsonFormat' as const, value: log.fields ?? { ...fields } }
        : {
            case: 'textFormatSource' as const,
            value: { specifier: { case: 'inlineString' as const, value: log.text } },
          }
  const logFormat = format === undefined ? {} : { accessLogFormat: { case: 'logFormat' as const, value: { format } } }
  if (log.path === '/dev/stdout') {
    // Not the file of that name: it cannot be opened when standard output is a socket, as it is below a supervisor.
    const value = pack(StdoutAccessLogSchema, logFormat)
    return { name: 'envoy.access_loggers.stdout', configType: { case: 'typedConfig', value }, ...logFilter(log) }
  }
  const value = pack(FileAccessLogSchema, { path: log.path, ...logFormat })
  return { name: 'envoy.access_loggers.file', configType: { case: 'typedConfig', value }, ...logFilter(log) }
}

function logFilter({ filter }: AccessLogPlan): Pick<Init<typeof AccessLogSchema>, 'filter'> {
  if (filter === undefined) return {}
  const value = pack(ExpressionFilterSchema, { expression: filter })
  const extension = {
    name: 'envoy.access_loggers.extension_filters.cel',
    configType: { case: 'typedConfig', value },
  } as const
  return { filter: { filterSpecifier: { case: 'extensionFilter', value: extension } } }
}
