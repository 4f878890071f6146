import type { Http2Options } from '@weft/engine'
import { defaultH2Options, type H2Options } from './h2-options.ts'

const made = new WeakMap<Http2Options, H2Options>()

/** What a configuration asks of the codec; made once per configuration. */
export function h2OptionsOf(options: Http2Options): H2Options {
  const known = made.get(options)
  if (known !== undefined) return known
  const { floods, ...defaults } = defaultH2Options
  const streamWindowBytes = options.initialStreamWindowBytes ?? defaults.streamWindowBytes
  const queuedControl = options.maxOutboundControlFrames ?? floods.queuedControl
  const result: H2Options = {
    ...defaults,
    maxConcurrentStreams: options.maxConcurrentStreams ?? defaults.maxConcurrentStreams,
    streamWindowBytes,
    largestStreamWindowBytes: Math.max(streamWindowBytes, defaults.largestStreamWindowBytes),
    connectionWindowBytes: options.initialConnectionWindowBytes ?? defaults.connectionWindowBytes,
    headerTableBytes: options.hpackTableBytes ?? defaults.headerTableBytes,
    allowConnect: options.allowConnect,
    streamErrorOnMalformed: options.streamErrorOnMalformed,
    pingIntervalMs: options.keepAlive?.intervalMs ?? 0,
    pingIdleMs: options.keepAlive?.idleMs ?? 0,
    pingTimeoutMs: options.keepAlive?.timeoutMs ?? defaults.pingTimeoutMs,
    floods: {
      ...floods,
      emptyInRow: options.maxConsecutiveEmptyFrames ?? floods.emptyInRow,
      priorityPerStream: options.maxPriorityFramesPerStream ?? floods.priorityPerStream,
      windowUpdatesPerData: options.maxWindowUpdatesPerDataFrame ?? floods.windowUpdatesPerData,
      // All frames we hold for a peer are no fewer than the control frames among them.
      queuedControl: Math.min(queuedControl, options.maxOutboundFrames ?? queuedControl),
      queuedFrames: options.maxOutboundFrames ?? floods.queuedFrames,
    },
  }
  made.set(options, result)
  return result
}
