import type { Buffer } from 'node:buffer'
import { defaultTableBytes } from './decoded-table.ts'
import { defaultFrameBytes, defaultWindowBytes, ErrorCode, largestWindowBytes } from './frame.ts'

/** Identifiers of settings (RFC 9113 6.5.2, RFC 8441 3). */
export const Setting = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
  ENABLE_CONNECT_PROTOCOL: 8,
} as const

/** What is wrong with a frame: the error code, and words for people. */
export interface FrameFault {
  readonly code: number
  readonly detail: string
}

/** A client assumes so many until the server has said how many streams it takes. */
const streamsAtFirst = 100

/** What the peer has said it takes. */
export class PeerSettings {
  /** SETTINGS came. */
  known = false
  headerTableBytes = defaultTableBytes
  maxConcurrentStreams = streamsAtFirst
  windowBytes = defaultWindowBytes
  extendedConnect = false

  /** Reads the payload of SETTINGS, whose length is a multiple of six. `fromServer`: a client reads it. */
  read(bytes: Buffer, start: number, end: number, fromServer: boolean): FrameFault | undefined {
    if (!this.known) this.maxConcurrentStreams = 0xffffffff
    this.known = true
    for (let at = start; at < end; at += 6) {
      const fault = this.#readOne(bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2), fromServer)
      if (fault !== undefined) return fault
    }
    return undefined
  }

  #readOne(setting: number, value: number, fromServer: boolean): FrameFault | undefined {
    switch (setting) {
      case Setting.HEADER_TABLE_SIZE:
        this.headerTableBytes = value
        return undefined
      case Setting.ENABLE_PUSH:
        if (value > 1 || (value === 1 && fromServer)) return fault(`ENABLE_PUSH ${value}`)
        return undefined
      case Setting.MAX_CONCURRENT_STREAMS:
        this.maxConcurrentStreams = value
        return undefined
      case Setting.INITIAL_WINDOW_SIZE:
        if (value > largestWindowBytes) {
          return { code: ErrorCode.FLOW_CONTROL_ERROR, detail: `INITIAL_WINDOW_SIZE ${value}` }
        }
        this.windowBytes = value
        return undefined
      case Setting.MAX_FRAME_SIZE:
        // We never send larger frames than everybody takes.
        if (value < defaultFrameBytes || value > 0xffffff) return fault(`MAX_FRAME_SIZE ${value}`)
        return undefined
      case Setting.ENABLE_CONNECT_PROTOCOL:
        if (value > 1 || (value === 0 && this.extendedConnect)) return fault(`ENABLE_CONNECT_PROTOCOL ${value}`)
        this.extendedConnect = value === 1
        return undefined
      default:
        return undefined
    }
  }
}

function fault(detail: string): FrameFault {
  return { code: ErrorCode.PROTOCOL_ERROR, detail }
}
