// Limits of HTTP/2 connections.
import type { Http2ProtocolOptionsSchema } from '@weft/xds/es/envoy/config/core/v3/protocol'
import type { Init } from './init.ts'

type Http2Init = Init<typeof Http2ProtocolOptionsSchema>

const kib = 1024

/**
 * Between proxies, and between a proxy and its application. Few connections carry everything, so a connection's window holds 64 full
 * streams: a reader that stopped holds its stream's window, not its neighbours'. `allowConnect`: WebSocket and tunnels.
 */
export const hopHttp2: Http2Init = {
  maxConcurrentStreams: 1024,
  initialStreamWindowSize: 256 * kib,
  initialConnectionWindowSize: 16 * 1024 * kib,
  allowConnect: true,
}

/** From strangers: what Envoy recommends at the edge. */
export const edgeHttp2: Http2Init = {
  maxConcurrentStreams: 100,
  initialStreamWindowSize: 64 * kib,
  initialConnectionWindowSize: 1024 * kib,
  allowConnect: true,
}
