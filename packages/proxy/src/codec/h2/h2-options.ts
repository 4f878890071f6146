// What one side of a connection offers and tolerates. Defaults are Envoy's where it has some, nghttp2's otherwise.
import { defaultTableBytes } from './decoded-table.ts'
import { defaultWindowBytes } from './frame.ts'

/** How much of what costs us more than the peer is taken; beyond it the connection ends with ENHANCE_YOUR_CALM. */
export interface FloodLimits {
  /** Streams the peer makes us reset, or resets within a second and unanswered; at once, and those forgiven each second. An answer forgives one. */
  readonly resets: number
  readonly resetsPerSecond: number
  /** SETTINGS and PING at once, and those forgiven each second; DATA and HEADERS forgive one each. */
  readonly control: number
  readonly controlPerSecond: number
  /** HEADERS, CONTINUATION and DATA that hold nothing and end nothing, in a row. */
  readonly emptyInRow: number
  /** PRIORITY frames per stream opened, plus as many. */
  readonly priorityPerStream: number
  /** WINDOW_UPDATE frames per DATA frame sent; two more per stream and five to begin with. */
  readonly windowUpdatesPerData: number
  /** CONTINUATION frames of one head, plus one for every frame its size limit would fill. */
  readonly continuations: number
  /** Frames we owe a peer that does not read. */
  readonly queuedControl: number
  /** The same, and the heads of answers, which no window holds back. */
  readonly queuedFrames: number
}

/** Options of one side of a connection. */
export interface H2Options {
  /** Streams the peer may have open. */
  readonly maxConcurrentStreams: number
  /** What a stream may receive before somebody took it: at first, and at most once its reader has proved fast. */
  readonly streamWindowBytes: number
  readonly largestStreamWindowBytes: number
  readonly connectionWindowBytes: number
  /** What all streams together may hold for slow readers before they slow the others down. */
  readonly heldBytes: number
  /** What the peer's encoder may remember. */
  readonly headerTableBytes: number
  /** Server: extended CONNECT is offered (RFC 8441). */
  readonly allowConnect: boolean
  /**
   * A malformed head, or another fault that only a broken peer has, resets its stream; false: it ends the connection, which is what
   * Envoy does unless told otherwise. A body that is not as long as it says is an error of its stream in either case.
   */
  readonly streamErrorOnMalformed: boolean
  /** After so long without a frame a PING is sent, and its answer awaited; 0: never. */
  readonly pingIntervalMs: number
  /** After so long without a frame a PING is sent in front of the next request; 0: never. */
  readonly pingIdleMs: number
  readonly pingTimeoutMs: number
  /** How long a stream may wait for the peer to take its data; 0: for ever. */
  readonly stallMs: number
  /** How long a closed connection may take to read our last bytes. */
  readonly lingerMs: number
  readonly floods: FloodLimits
}

/** Options nobody has changed. */
export const defaultH2Options: H2Options = {
  maxConcurrentStreams: 1024,
  streamWindowBytes: defaultWindowBytes,
  largestStreamWindowBytes: 1024 * 1024,
  connectionWindowBytes: 1024 * 1024,
  heldBytes: 8 * 1024 * 1024,
  headerTableBytes: defaultTableBytes,
  allowConnect: false,
  streamErrorOnMalformed: true,
  pingIntervalMs: 0,
  pingIdleMs: 0,
  pingTimeoutMs: 10_000,
  stallMs: 300_000,
  lingerMs: 1_000,
  floods: {
    resets: 1_000,
    resetsPerSecond: 33,
    control: 1_000,
    controlPerSecond: 100,
    emptyInRow: 1,
    priorityPerStream: 100,
    windowUpdatesPerData: 10,
    continuations: 8,
    queuedControl: 1_000,
    queuedFrames: 10_000,
  },
}
