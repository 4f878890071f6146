// envoy.config.core.v3.Http2ProtocolOptions.
import type * as lean from '@weft/xds/lean'
import type { Http2KeepAlive, Http2Options } from '../model.ts'
import { refuse } from './refusal.ts'

const leastWindowBytes = 65_535
const most31Bits = 0x7fff_ffff

/** What is not configured. */
export const defaultHttp2Options: Http2Options = {
  hpackTableBytes: undefined,
  maxConcurrentStreams: undefined,
  initialStreamWindowBytes: undefined,
  initialConnectionWindowBytes: undefined,
  allowConnect: false,
  maxOutboundFrames: undefined,
  maxOutboundControlFrames: undefined,
  maxConsecutiveEmptyFrames: undefined,
  maxPriorityFramesPerStream: undefined,
  maxWindowUpdatesPerDataFrame: undefined,
  streamErrorOnMalformed: false,
  keepAlive: undefined,
}

/** Options with Envoy's bounds checked. */
export function compileHttp2Options(at: string, options: lean.Http2ProtocolOptions | undefined): Http2Options {
  if (options === undefined) return defaultHttp2Options
  const bounded = (field: string, value: number | undefined, least: number, most = most31Bits): number | undefined => {
    if (value !== undefined && (value < least || value > most)) {
      refuse(`${at}.${field}`, `${value} is not in ${least}..${most}`)
    }
    return value
  }
  return {
    hpackTableBytes: options.hpackTableSize,
    maxConcurrentStreams: bounded('max_concurrent_streams', options.maxConcurrentStreams, 1),
    initialStreamWindowBytes: bounded('initial_stream_window_size', options.initialStreamWindowSize, leastWindowBytes),
    initialConnectionWindowBytes: bounded(
      'initial_connection_window_size',
      options.initialConnectionWindowSize,
      leastWindowBytes,
    ),
    allowConnect: options.allowConnect,
    maxOutboundFrames: bounded('max_outbound_frames', options.maxOutboundFrames, 1),
    maxOutboundControlFrames: bounded('max_outbound_control_frames', options.maxOutboundControlFrames, 1),
    maxConsecutiveEmptyFrames: options.maxConsecutiveInboundFramesWithEmptyPayload,
    maxPriorityFramesPerStream: options.maxInboundPriorityFramesPerStream,
    maxWindowUpdatesPerDataFrame: bounded(
      'max_inbound_window_update_frames_per_data_frame_sent',
      options.maxInboundWindowUpdateFramesPerDataFrameSent,
      1,
    ),
    streamErrorOnMalformed:
      options.overrideStreamErrorOnInvalidHttpMessage ?? options.streamErrorOnInvalidHttpMessaging,
    keepAlive: compileKeepAlive(`${at}.connection_keepalive`, options.connectionKeepalive),
  }
}

function compileKeepAlive(at: string, settings: lean.KeepaliveSettings | undefined): Http2KeepAlive | undefined {
  if (settings === undefined) return undefined
  const { interval, timeout, connectionIdleInterval: idle } = settings
  if (timeout === undefined || timeout < 1) return refuse(`${at}.timeout`, 'must be at least 1 ms')
  if (interval !== undefined && interval < 1) return refuse(`${at}.interval`, 'must be at least 1 ms')
  if (idle !== undefined && idle < 1) return refuse(`${at}.connection_idle_interval`, 'must be at least 1 ms')
  return { intervalMs: interval ?? 0, idleMs: idle ?? 0, timeoutMs: timeout }
}
