// HTTP/2 connections as tests drive them: over a transport in memory, with time and turns in the test's hands, and by frames.
import { Buffer } from 'node:buffer'
import type { Clock, Timers, Transport, TransportHandler } from '@weft/core'
import { FieldsHead } from '../fields-head.ts'
import type {
  BodyExtent,
  DownstreamStream,
  RequestReceiver,
  ResponseFailure,
  ResponseReceiver,
  UpstreamStream,
} from '../http-stream.ts'
import type { HeadFault, HeadLimits, MessageHead } from '../message-head.ts'
import { clientPreface, FrameFlag, FrameType } from './frame.ts'
import { defaultH2Options, type H2Options } from './h2-options.ts'
import { createH2Shared } from './h2-shared.ts'
import { encodeFields } from './hpack-under-test.ts'
import { HpackEncoder } from './hpack-encoder.ts'
import { type H2Server, H2ServerConnection } from './server-connection.ts'

const ignore: TransportHandler = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} }

/** A transport whose far end is the test. */
export class MemoryTransport implements Transport {
  handler: TransportHandler = ignore
  readonly localAddress = '127.0.0.1'
  readonly localPort = 1
  readonly remoteAddress = '127.0.0.2'
  readonly remotePort = 2
  readonly peer = undefined
  readonly alpn = undefined
  readonly sni = undefined
  queuedBytes = 0
  /** While true it takes bytes, but asks to wait. */
  full = false
  ended = false
  destroyed = false
  paused = true
  writes = 0
  #written: Buffer[] = []

  resume(): void {
    this.paused = false
  }
  pause(): void {
    this.paused = true
  }
  write(bytes: Buffer): boolean {
    this.#written.push(Buffer.from(bytes))
    this.writes++
    return !this.full
  }
  writeLatin1(text: string): boolean {
    return this.write(Buffer.from(text, 'latin1'))
  }
  end(): void {
    this.ended = true
  }
  destroy(): void {
    this.destroyed = true
  }
  /** What was written since the last call. */
  take(): Buffer {
    const all = Buffer.concat(this.#written)
    this.#written = []
    return all
  }
}

/** Time and turns that pass when the test says so. */
export class ManualTime implements Clock, Timers {
  now = 0
  #armed: { readonly atMs: number; readonly onFire: () => void; cancelled: boolean }[] = []
  #soon: (() => void)[] = []

  nowMs(): number {
    return this.now
  }
  wallMs(): number {
    return this.now
  }
  set(delayMs: number, onFire: () => void): { cancel(): void } {
    const armed = { atMs: this.now + delayMs, onFire, cancelled: false }
    this.#armed.push(armed)
    return { cancel: () => void (armed.cancelled = true) }
  }
  soon(onFire: () => void): void {
    this.#soon.push(onFire)
  }
  /** Ends the turn. */
  turn(): void {
    for (let run = this.#soon.shift(); run !== undefined; run = this.#soon.shift()) run()
  }
  advance(ms: number): void {
    const untilMs = this.now + ms
    for (;;) {
      const due = this.#armed.filter((timer) => !timer.cancelled && timer.atMs <= untilMs)
      const next = due.sort((a, b) => a.atMs - b.atMs)[0]
      if (next === undefined) break
      this.now = Math.max(this.now, next.atMs)
      next.cancelled = true
      next.onFire()
      this.turn()
    }
    this.#armed = this.#armed.filter((timer) => !timer.cancelled)
    this.now = untilMs
  }
}

/** A frame as it was on the wire. */
export interface WireFrame {
  readonly type: number
  readonly flags: number
  readonly id: number
  readonly payload: Buffer
}

/** The frames of a byte stream that holds whole ones. */
export function framesOf(bytes: Buffer): WireFrame[] {
  const frames: WireFrame[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUIntBE(at, 3)
    const payload = bytes.subarray(at + 9, at + 9 + length)
    frames.push({
      type: bytes[at + 3] as number,
      flags: bytes[at + 4] as number,
      id: bytes.readUInt32BE(at + 5),
      payload,
    })
    at += 9 + length
  }
  return frames
}

/** One frame. */
export function frame(type: number, flags = 0, id = 0, payload: Buffer | string = ''): Buffer {
  const body = Buffer.from(payload)
  const head = Buffer.alloc(9)
  head.writeUIntBE(body.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(id, 5)
  return Buffer.concat([head, body])
}

/** A payload of 32-bit numbers. */
export function numbers(...values: readonly number[]): Buffer {
  const payload = Buffer.alloc(values.length * 4)
  for (const [index, value] of values.entries()) payload.writeUInt32BE(value, index * 4)
  return payload
}

/** SETTINGS of identifier and value pairs. */
export function settings(...pairs: readonly (readonly [number, number])[]): Buffer {
  const payload = Buffer.alloc(pairs.length * 6)
  for (const [index, [setting, value]] of pairs.entries()) {
    payload.writeUInt16BE(setting, index * 6)
    payload.writeUInt32BE(value, index * 6 + 2)
  }
  return frame(FrameType.SETTINGS, 0, 0, payload)
}

/** What a client begins with. */
export const greeting: Buffer = Buffer.concat([Buffer.from(clientPreface), settings()])

/** Fields of a plain request; those given replace or follow. */
export function requestFields(changed: Readonly<Record<string, string | undefined>> = {}): [string, string][] {
  const all: Record<string, string | undefined> = {
    ...{ ':method': 'GET', ':scheme': 'http', ':path': '/', ':authority': 'a.example' },
    ...changed,
  }
  return Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined)
}

/** A head in one frame, as a peer without memory writes it. */
export function headFrame(id: number, fields: readonly (readonly [string, string])[], endStream = true): Buffer {
  const block = encodeFields(
    new HpackEncoder(),
    fields.map(([name, value]) => ({ name, value })),
  )
  return frame(FrameType.HEADERS, FrameFlag.END_HEADERS | (endStream ? FrameFlag.END_STREAM : 0), id, block)
}

/** An answer's head, or trailers. */
export function answerHead(status: number, fields: readonly (readonly [string, string])[] = []): FieldsHead {
  const head = new FieldsHead()
  head.status = status
  for (const [name, value] of fields) head.push(name, value)
  return head
}

/** The lines of a head, as `name: value`. */
export function linesOf(head: MessageHead): string[] {
  return head.lines().split('\r\n').slice(0, -1)
}

/** One request as a server sees it, and what became of it. */
export class SeenRequest implements RequestReceiver {
  readonly stream: DownstreamStream
  body = ''
  ended = false
  trailers: string[] | undefined = undefined
  gone: string | undefined = undefined
  how: string | undefined = undefined
  flushes = 0
  writables = 0
  onEach: ((request: SeenRequest) => void) | undefined = undefined
  onWhole: ((request: SeenRequest) => void) | undefined = undefined

  constructor(stream: DownstreamStream) {
    this.stream = stream
    stream.attach(this)
    this.ended = stream.requestBody === 'none'
  }
  onData(bytes: Buffer, start: number, end: number): void {
    this.body += bytes.latin1Slice(start, end)
    this.onEach?.(this)
  }
  onEnd(trailers: MessageHead | undefined): void {
    this.ended = true
    this.trailers = trailers === undefined ? undefined : linesOf(trailers)
    this.onWhole?.(this)
  }
  onFlush(): void {
    this.flushes++
    this.stream.flush()
  }
  onWritable(): void {
    this.writables++
  }
  onAhead(): void {}
  onBodyFault(details: string): void {
    this.gone = details
  }
  onGone(detail: string, how?: string): void {
    this.gone = detail
    this.how = how
  }
  /** Answers with a body, as a whole. */
  answer(body = '', status = 200): void {
    const bytes = Buffer.from(body)
    this.stream.respond(answerHead(status, [['content-length', String(bytes.length)]]), 'length', true)
    this.stream.sendBytes(bytes, 0, bytes.length)
    this.stream.end()
  }
}

/** What a server under test saw. */
export class ServerUnderTest implements H2Server {
  readonly requests: SeenRequest[] = []
  readonly malformed: string[] = []
  readonly faults: HeadFault[] = []
  closed: string | undefined = undefined
  headLimits: HeadLimits = { maxBytes: 4_000, maxHeaders: 20 }
  onRequest: ((request: SeenRequest) => void) | undefined = undefined

  limits(): HeadLimits {
    return this.headLimits
  }
  idleMs(): number {
    return 60_000
  }
  headMs(): number {
    return 10_000
  }
  drainMs(): number {
    return 5_000
  }
  onStream(stream: DownstreamStream): void {
    const request = new SeenRequest(stream)
    this.requests.push(request)
    this.onRequest?.(request)
  }
  onHeadFault(stream: DownstreamStream, fault: HeadFault): void {
    this.faults.push(fault)
    stream.respond(answerHead(fault.status), 'none', true)
    stream.end()
  }
  onMalformed(details: string): void {
    this.malformed.push(details)
  }
  onClosed({ reason }: { readonly reason: string }): void {
    this.closed = reason
  }
}

/** A server connection whose client is the test. */
export function serverUnderTest(options: Partial<H2Options> = {}): {
  readonly time: ManualTime
  readonly transport: MemoryTransport
  readonly server: ServerUnderTest
  readonly connection: H2ServerConnection
  /** What the server began with. */
  readonly hello: Buffer
  /** Bytes of the client, then the end of the turn; the frames that came back. */
  readonly send: (...bytes: readonly Buffer[]) => WireFrame[]
} {
  const time = new ManualTime()
  const transport = new MemoryTransport()
  const server = new ServerUnderTest()
  const shared = createH2Shared({ clock: time, timers: time })
  const connection = new H2ServerConnection(transport, server, shared, { ...defaultH2Options, ...options })
  connection.start(undefined)
  time.turn()
  const hello = transport.take()
  const send = (...bytes: readonly Buffer[]): WireFrame[] => {
    transport.handler.onData(Buffer.concat(bytes))
    time.turn()
    return framesOf(transport.take())
  }
  return { time, transport, server, connection, hello, send }
}

/** One answer as a client sees it. */
export class SeenAnswer implements ResponseReceiver {
  readonly stream: UpstreamStream
  readonly events: string[] = []
  failure: ResponseFailure | undefined = undefined

  constructor(stream: UpstreamStream) {
    this.stream = stream
  }
  onInformational(head: MessageHead): void {
    this.events.push(String(head.status))
  }
  onHead(head: MessageHead, body: BodyExtent): void {
    this.events.push(`${head.status} ${body}`)
  }
  onData(bytes: Buffer, start: number, end: number): void {
    this.events.push(bytes.latin1Slice(start, end))
  }
  onEnd(trailers: MessageHead | undefined): void {
    this.events.push(trailers === undefined ? 'end' : `end ${linesOf(trailers).join()}`)
  }
  onFlush(): void {
    this.events.push('flush')
  }
  onWritable(): void {
    this.events.push('writable')
  }
  onFailure(failure: ResponseFailure): void {
    this.failure = failure
  }
}
