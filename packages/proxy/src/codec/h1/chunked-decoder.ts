import { charClass, HEX, TOKEN, VALUE } from './char-table.ts'

/** Receives the body's bytes: `bytes[start, end)`, valid during the call. */
export type BodySink = (bytes: Buffer, start: number, end: number) => void

/** Chunk extensions are dropped, trailers unless asked for, and both bounded: all of a message's together. */
const maxOverheadBytes = 16 * 1024
/** One chunk's extensions (nobody uses any; long ones are attacks, e.g. CVE-2023-39326). */
const maxExtensionBytes = 1024

const SIZE = 0
const EXTENSION = 1
const SIZE_LF = 2
const DATA = 3
const DATA_CR = 4
const DATA_LF = 5
const TRAILER_START = 6
const TRAILER_NAME = 7
const TRAILER_VALUE = 8
const TRAILER_LF = 9
const END_LF = 10
const DONE = 11
const EXTENSION_START = 12

const CR = 13
const LF = 10

/**
 * Reads a chunked body (RFC 9112 7.1) strictly: CRLF only, no space behind a size, sizes up to 2^52, extensions bounded
 * and well-formed.
 * A byte machine, so that the outcome cannot depend on how the bytes were cut.
 */
export class ChunkedDecoder {
  /** Why decoding failed; then nothing more is read. */
  fault: string | undefined = undefined
  /** The trailer lines, each with its CRLF, when they were asked for. */
  trailers = ''
  readonly #keepTrailers: boolean
  #state = SIZE
  #size = 0
  #digits = 0
  #extension = 0
  #quoted = false
  #escaped = false
  #overhead = 0

  constructor(keepTrailers = false) {
    this.#keepTrailers = keepTrailers
  }

  /** True once the last CRLF was read. */
  get done(): boolean {
    return this.#state === DONE
  }

  /** Makes it ready for the next body. */
  reset(): void {
    this.fault = undefined
    this.#state = SIZE
    this.#size = 0
    this.#digits = 0
    this.#extension = 0
    this.#overhead = 0
    this.trailers = ''
  }

  /** Reads from `start` on; returns where it stopped: `end`, or behind the body when `done`, or at the fault. */
  decode(bytes: Buffer, start: number, end: number, sink: BodySink): number {
    let at = start
    while (at < end && this.#state !== DONE) {
      if (this.#state === DATA) {
        const stop = Math.min(end, at + this.#size)
        this.#size -= stop - at
        if (this.#size === 0) this.#state = DATA_CR
        sink(bytes, at, stop)
        at = stop
        continue
      }
      const fault =
        this.#state <= DATA_LF || this.#state === EXTENSION_START
          ? this.#chunkByte(bytes[at] as number)
          : this.#trailerByte(bytes[at] as number)
      if (fault !== undefined) {
        this.fault = fault
        return at
      }
      at++
    }
    return at
  }

  #chunkByte(byte: number): string | undefined {
    switch (this.#state) {
      case SIZE:
        if (((charClass[byte] as number) & HEX) !== 0) return this.#digit(byte)
        if (this.#digits === 0) return 'invalid_chunk_size'
        this.#extension = 0
        if (byte === CR) this.#state = SIZE_LF
        else if (byte === 59) this.#state = EXTENSION_START
        else return 'invalid_chunk_size'
        return undefined
      case EXTENSION_START:
        if (((charClass[byte] as number) & TOKEN) === 0) return 'invalid_chunk_extension'
        this.#state = EXTENSION
        this.#quoted = false
        this.#escaped = false
        return this.#count()
      case EXTENSION:
        if (this.#escaped) this.#escaped = false
        else if (byte === 34) this.#quoted = !this.#quoted
        else if (byte === 92) this.#escaped = this.#quoted
        if (byte === CR && !this.#quoted) this.#state = SIZE_LF
        else if (((charClass[byte] as number) & VALUE) === 0) return 'invalid_chunk_extension'
        else if (++this.#extension > maxExtensionBytes) return 'chunk_extension_too_large'
        return this.#count()
      case SIZE_LF:
        if (byte !== LF) return 'invalid_chunk_size'
        this.#state = this.#size === 0 ? TRAILER_START : DATA
        this.#digits = 0
        return undefined
      case DATA_CR:
        this.#state = DATA_LF
        return byte === CR ? undefined : 'invalid_chunk_end'
      default:
        this.#state = SIZE
        return byte === LF ? undefined : 'invalid_chunk_end'
    }
  }

  #digit(byte: number): string | undefined {
    if (++this.#digits > 13) return 'chunk_size_overflow'
    this.#size = this.#size * 16 + (byte <= 57 ? byte - 48 : (byte | 0x20) - 87)
    return undefined
  }

  #trailerByte(byte: number): string | undefined {
    if (this.#keepTrailers) this.trailers += String.fromCharCode(byte)
    switch (this.#state) {
      case TRAILER_START:
        if (byte === CR) this.#state = END_LF
        else if (((charClass[byte] as number) & TOKEN) !== 0) this.#state = TRAILER_NAME
        else return 'invalid_trailer'
        return this.#count()
      case TRAILER_NAME:
        if (byte === 58) this.#state = TRAILER_VALUE
        else if (((charClass[byte] as number) & TOKEN) === 0) return 'invalid_trailer'
        return this.#count()
      case TRAILER_VALUE:
        if (byte === CR) this.#state = TRAILER_LF
        else if (((charClass[byte] as number) & VALUE) === 0) return 'invalid_trailer'
        return this.#count()
      case TRAILER_LF:
        this.#state = TRAILER_START
        return byte === LF ? undefined : 'invalid_trailer'
      default:
        this.#state = DONE
        return byte === LF ? undefined : 'invalid_trailer'
    }
  }

  #count(): string | undefined {
    return ++this.#overhead > maxOverheadBytes ? 'trailers_too_large' : undefined
  }
}
