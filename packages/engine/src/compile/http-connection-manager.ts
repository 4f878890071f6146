// envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.
import type * as lean from '@weft/xds/lean'
import type { ForwardingHeaders, HttpConnectionManager, HttpTimeouts, PathNormalization } from '../model.ts'
import { compileAccessLogs } from './access-log.ts'
import { compileHttp2Options } from './http2-options.ts'
import { compileHttpFilters } from './http-filters.ts'
import { type Context, refuse } from './refusal.ts'
import { compileRoutes } from './route-config.ts'

/** A connection manager, with Envoy's defaults filled in. */
export function compileManager(context: Context, at: string, hcm: lean.HttpConnectionManager): HttpConnectionManager {
  const codec = ({ AUTO: 'auto', HTTP1: 'http1', HTTP2: 'http2' } as const)[hcm.codecType as 'AUTO']
  if (codec === undefined) return refuse(`${at}.codec_type`, `${hcm.codecType} is not supported`)
  const http1 = hcm.httpProtocolOptions
  const common = hcm.commonHttpProtocolOptions
  return {
    kind: 'http',
    statPrefix: hcm.statPrefix,
    codec,
    routes: compileRouteSource(context, at, hcm),
    httpFilters: compileHttpFilters(context, `${at}.http_filters`, hcm.httpFilters),
    upgrades: new Set(
      hcm.upgradeConfigs.filter((one) => one.enabled ?? true).map((one) => one.upgradeType.toLowerCase()),
    ),
    timeouts: compileTimeouts(hcm),
    path: compilePathNormalization(hcm),
    stripHostPort: hcm.stripAnyHostPort === true ? 'any' : hcm.stripMatchingHostPort ? 'matching' : 'no',
    stripTrailingHostDot: hcm.stripTrailingHostDot,
    underscores:
      ({ REJECT_REQUEST: 'reject', DROP_HEADER: 'drop' } as const)[
        common?.headersWithUnderscoresAction as 'REJECT_REQUEST'
      ] ?? 'allow',
    forwarding: compileForwarding(context, hcm),
    serverName: hcm.serverName || 'envoy',
    serverHeader:
      ({ APPEND_IF_ABSENT: 'append-if-absent', PASS_THROUGH: 'pass-through' } as const)[
        hcm.serverHeaderTransformation as 'PASS_THROUGH'
      ] ?? 'overwrite',
    via: hcm.via,
    requestId: {
      generate: hcm.generateRequestId ?? true,
      preserveExternal: hcm.preserveExternalRequestId,
      inResponse: hcm.alwaysSetRequestIdInResponse,
    },
    proxy100Continue: hcm.proxy100Continue,
    maxRequestHeadersBytes: (hcm.maxRequestHeadersKb ?? 60) * 1024,
    maxRequestHeaders: common?.maxHeadersCount ?? 100,
    http1: {
      allowAbsoluteUrl: http1?.allowAbsoluteUrl ?? true,
      acceptHttp10: http1?.acceptHttp10 ?? false,
      defaultHostForHttp10: http1?.defaultHostForHttp10 ?? '',
      preserveHeaderCase: false,
      trailers: http1?.enableTrailers ?? false,
    },
    http2: compileHttp2Options(`${at}.http2_protocol_options`, hcm.http2ProtocolOptions),
    maxRequestsPerConnection: common?.maxRequestsPerConnection ?? 0,
    accessLogs: compileAccessLogs(context, `${at}.access_log`, hcm.accessLog),
  }
}

function compileRouteSource(
  context: Context,
  at: string,
  hcm: lean.HttpConnectionManager,
): HttpConnectionManager['routes'] {
  if (hcm.routeConfig !== undefined) {
    return { kind: 'inline', config: compileRoutes(context, `${at}.route_config`, hcm.routeConfig) }
  }
  if (hcm.rds === undefined) return refuse(at, 'neither rds nor route_config is set')
  if (hcm.rds.routeConfigName === '') return refuse(`${at}.rds.route_config_name`, 'is empty')
  if (hcm.rds.configSource?.ads === undefined) return refuse(`${at}.rds.config_source`, 'only ads is supported')
  return { kind: 'rds', name: hcm.rds.routeConfigName }
}

function compileTimeouts(hcm: lean.HttpConnectionManager): HttpTimeouts {
  const common = hcm.commonHttpProtocolOptions
  return {
    idleMs: common?.idleTimeout ?? 3_600_000,
    requestMs: hcm.requestTimeout ?? 0,
    requestHeadersMs: hcm.requestHeadersTimeout ?? 0,
    streamIdleMs: hcm.streamIdleTimeout ?? 300_000,
    drainMs: hcm.drainTimeout ?? 5000,
    delayedCloseMs: hcm.delayedCloseTimeout ?? 1000,
    maxConnectionDurationMs: common?.maxConnectionDuration ?? 0,
    maxStreamDurationMs: common?.maxStreamDuration ?? 0,
  }
}

/** `path_normalization_options`, when set, wins over the older fields, as in Envoy. */
function compilePathNormalization(hcm: lean.HttpConnectionManager): PathNormalization {
  const escapedSlashes =
    ({ REJECT_REQUEST: 'reject', UNESCAPE_AND_REDIRECT: 'redirect', UNESCAPE_AND_FORWARD: 'unescape' } as const)[
      hcm.pathWithEscapedSlashesAction as 'REJECT_REQUEST'
    ] ?? 'keep'
  const operations = hcm.pathNormalizationOptions?.forwardingTransformation?.operations
  if (operations === undefined) {
    return { normalize: hcm.normalizePath ?? false, mergeSlashes: hcm.mergeSlashes, escapedSlashes }
  }
  return {
    normalize: operations.some((one) => one.normalizePathRfc3986 !== undefined),
    mergeSlashes: operations.some((one) => one.mergeSlashes !== undefined),
    escapedSlashes,
  }
}

const detailsName =
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.SetCurrentClientCertDetails'

const clientCertModes = {
  FORWARD_ONLY: 'forward-only',
  APPEND_FORWARD: 'append-forward',
  SANITIZE_SET: 'sanitize-set',
  ALWAYS_FORWARD_ONLY: 'always-forward-only',
} as const

function compileForwarding(context: Context, hcm: lean.HttpConnectionManager): ForwardingHeaders {
  const details = hcm.setCurrentClientCertDetails
  for (const part of ['cert', 'chain'] as const) {
    // The certificates themselves are not kept.
    if (details?.[part] === true) context.unlisted.push(`${detailsName}.${part}`)
  }
  return {
    useRemoteAddress: hcm.useRemoteAddress ?? false,
    xffTrustedHops: hcm.xffNumTrustedHops,
    skipXffAppend: hcm.skipXffAppend,
    clientCert: clientCertModes[hcm.forwardClientCertDetails as keyof typeof clientCertModes] ?? 'sanitize',
    clientCertDetails: {
      subject: details?.subject ?? false,
      cert: details?.cert ?? false,
      chain: details?.chain ?? false,
      dns: details?.dns ?? false,
      uri: details?.uri ?? false,
    },
  }
}
