import { Buffer } from 'node:buffer'
import { GatheredOutput, type Transport } from '@weft/core'
import type { LineSink } from '../message-head.ts'
import { LineTexts } from './line-texts.ts'

const memoryBytes = 64 * 1024
/** Body pieces up to this size are joined with what is already waiting. */
const joinLimitBytes = 16 * 1024
/** Shorter texts and ranges are copied byte by byte: a call into node costs more. */
const loopChars = 10
const loopValue = 32
const loopBytes = 40

/**
 * Memory that all HTTP/1.1 connections gather output in, one at a time: heads are copied into it in ranges, and it leaves in one write.
 * Whatever the kernel does not take at once keeps the memory, and other memory takes its place.
 */
class SharedOutput extends GatheredOutput {
  /** Who gathers at present. */
  owner: H1Output | undefined = undefined
}

const shared = new SharedOutput(Buffer.allocUnsafeSlow(memoryBytes))
const lineTexts = new LineTexts()

/** The output of one connection, gathered until it is flushed. */
export class H1Output implements LineSink {
  /** Something was handed to the transport since this was last set to false. */
  wrote = false
  readonly #transport: Transport
  /** Gathered before another connection needed the memory. */
  #kept: Buffer | undefined = undefined

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** Bytes gathered. */
  get length(): number {
    return shared.owner === this ? shared.end - shared.start : (this.#kept?.length ?? 0)
  }

  /** Gathers a latin1 text. */
  text(text: string): void {
    const { length } = text
    if (!this.#room(length)) return void this.#transport.writeLatin1(text)
    const { bytes } = shared
    let at = shared.end
    shared.end = at + length
    if (length > loopChars) bytes.latin1Write(text, at, length)
    else for (let index = 0; index < length; index++) bytes[at++] = text.charCodeAt(index)
  }

  /** Gathers a header line whose name and value are a stranger's: nothing of them is kept. */
  field(name: string, value: string): void {
    const length = name.length + value.length + 4
    if (!this.#room(length)) return void this.#transport.writeLatin1(`${name}: ${value}\r\n`)
    const { bytes } = shared
    let at = shared.end
    shared.end = at + length
    for (let index = 0; index < name.length; index++) bytes[at++] = name.charCodeAt(index)
    bytes[at++] = 58
    bytes[at++] = 32
    if (value.length > loopValue) at += bytes.latin1Write(value, at, value.length)
    else for (let index = 0; index < value.length; index++) bytes[at++] = value.charCodeAt(index)
    bytes[at++] = 13
    bytes[at] = 10
  }

  /** Gathers a header line. */
  line(name: string, value: string): void {
    const texts = lineTexts.of(name)
    const known = texts.lineOf(value)
    if (known !== undefined) return this.range(known, 0, known.length)
    this.range(texts.prefix, 0, texts.prefix.length)
    this.text(value)
    this.text('\r\n')
  }

  /** Gathers `bytes[start, end)`. */
  range(bytes: Buffer, start: number, end: number): void {
    if (!this.#room(end - start)) return void this.#transport.write(bytes.subarray(start, end))
    let to = shared.end
    shared.end = to + end - start
    const target = shared.bytes
    if (end - start > loopBytes) bytes.copy(target, to, start, end)
    else for (let at = start; at < end; at++) target[to++] = bytes[at] as number
  }

  /** A piece of a body, joined with what is gathered if it is small, so that head and body leave in one write. False: as of `flush`. */
  body(bytes: Buffer, start: number, end: number): boolean {
    if (end - start <= joinLimitBytes) {
      this.range(bytes, start, end)
      return this.length <= joinLimitBytes || this.flush()
    }
    this.flush()
    return this.#transport.write(bytes.subarray(start, end))
  }

  /** The same as one chunk of a chunked body. */
  chunk(bytes: Buffer, start: number, end: number): boolean {
    this.text(`${(end - start).toString(16)}\r\n`)
    const more = this.body(bytes, start, end)
    this.text('\r\n')
    return more
  }

  /** Hands over what was gathered. False: wait for the transport's `onDrain`. */
  flush(): boolean {
    if (this.length === 0) return true
    this.wrote = true
    const kept = this.#kept
    if (kept !== undefined) {
      this.#kept = undefined
      return this.#transport.write(kept)
    }
    if (this.#transport.writeGathered !== undefined) return this.#transport.writeGathered(shared)
    const bytes = shared.bytes.subarray(shared.start, shared.end)
    shared.drop()
    return this.#transport.write(bytes)
  }

  /** Forgets what was gathered. */
  clear(): void {
    this.#kept = undefined
    if (shared.owner === this) shared.drop()
  }

  /** Makes the memory this connection's, with so much room in it. False: so much does not fit; what was before it has left. */
  #room(bytes: number): boolean {
    if (shared.owner !== this) this.#own()
    if (shared.makeRoom(bytes)) return true
    this.flush()
    return shared.makeRoom(bytes)
  }

  #own(): void {
    const { owner } = shared
    if (owner !== undefined) owner.#stepAside()
    shared.owner = this
    const kept = this.#kept
    this.#kept = undefined
    if (kept === undefined) return
    shared.makeRoom(kept.length)
    shared.add(kept, kept.length)
  }

  #stepAside(): void {
    if (this.length === 0) return
    this.#kept = Buffer.from(shared.bytes.subarray(shared.start, shared.end))
    shared.drop()
  }
}

declare global {
  // Node's own method behind `write(text, 'latin1')`, without the dispatch; there since Node 0.x, not in the typings.
  interface Buffer {
    latin1Write(text: string, offset: number, length: number): number
  }
}
