// One HTTP/2 connection of the load, by prior knowledge, on a bare socket: what is sent was prepared as bytes, and of what comes only that is read which
// tells whether the answer is right. Without tables (SETTINGS_HEADER_TABLE_SIZE 0) each header block stands for itself.
import { connect, type Socket } from 'node:net'
import { FieldDecoder } from '../interop/protocol/test-hpack.ts'

export interface Http2Request {
  /** Header block, see `encodeFields`. */
  readonly head: Buffer
  readonly body?: Buffer
}

/** What came back; a string says what came instead of an answer. */
export type Http2Answer = Http2Reply | string

export interface Http2Reply {
  readonly status: number
  readonly body: Buffer
  /** Header block of the trailers. */
  readonly trailers: Buffer | undefined
}

/** A GOAWAY said that the server did not and will not serve the request, so it may be asked anew (RFC 9113 6.8). */
export const unserved = 'the server went away before it served this'

interface Stream {
  /** 0 while it waits for its turn. */
  id: number
  readonly leftAt: number
  readonly done: (answer: Http2Answer) => void
  status: number
  trailers: Buffer | undefined
  readonly parts: Buffer[]
  bytes: number
}

const types = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, window: 8, continuation: 9 } as const
const flags = { endStream: 1, acknowledged: 1, endHeaders: 4, padded: 8, priority: 32 } as const
const cancelled = 8
const maxConcurrentStreams = 3
const frameMax = 16_384
const bodyMax = 1_000_000
const blockMax = 100_000
const creditBytes = 1 << 24
/** SETTINGS: no header table, no pushes, room for any body; then the same room for the whole connection. */
const greeting = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame(types.settings, 0, 0, Buffer.from([0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0])),
  frame(types.window, 0, 0, uint32(creditBytes)),
])
const settingsTaken = frame(types.settings, flags.acknowledged, 0, Buffer.alloc(0))

/** How many at most before it said so: what servers should at least take (RFC 9113 6.5.2). */
const mostStreamsUnasked = 100

/** A connection that is opened at once. */
export class Http2Connection {
  readonly #socket: Socket
  readonly #timeoutMs: number
  // In the order in which they were asked, which is that of their deadlines.
  readonly #streams = new Map<number, Stream>()
  #rest: Buffer | undefined = undefined
  #block: { readonly id: number; readonly ends: boolean; readonly parts: Buffer[]; bytes: number } | undefined
  /** Those that have to wait: the server takes so many streams at a time (RFC 9113 5.1.2). */
  readonly #waiting: { readonly stream: Stream; readonly request: Http2Request }[] = []
  #mostStreams = mostStreamsUnasked
  #nextId = 1
  #sendWindow = 65_535
  #owed = 0
  #ended = false
  #retired = false
  #lastServed = 2 ** 31 - 1

  constructor(host: string, port: number, timeoutMs: number, shared: Buffer) {
    this.#timeoutMs = timeoutMs
    const callback = (length: number): boolean => {
      this.#read(shared.subarray(0, length))
      return true
    }
    this.#socket = connect({ host, port, noDelay: true, onread: { buffer: shared, callback } })
    this.#socket.on('error', (error) => this.#end(String(error)))
    this.#socket.on('end', () => this.#end('the connection ended before the answer did'))
    this.#socket.on('close', () => this.#end('the connection ended before the answer did'))
    this.#socket.write(greeting)
  }

  /** Whether it takes requests. */
  get usable(): boolean {
    return !this.#ended && !this.#retired
  }

  /** False once the last answer came after `retire`, or the other side ended it. */
  get open(): boolean {
    return !this.#ended
  }

  /** Sends a request; `done` is told once, maybe at once. */
  ask(request: Http2Request, done: (answer: Http2Answer) => void): void {
    if (!this.usable) return done('the connection takes no more requests')
    const stream = { id: 0, leftAt: performance.now(), done, status: 0, trailers: undefined, parts: [], bytes: 0 }
    if (this.#streams.size >= this.#mostStreams) this.#waiting.push({ stream, request })
    else this.#send(stream, request)
  }

  #send(stream: Stream, { head, body }: Http2Request): void {
    if (body !== undefined && body.length > this.#sendWindow) {
      return stream.done('the server gives no credit for the request')
    }
    const id = this.#nextId
    this.#nextId += 2
    stream.id = id
    this.#streams.set(id, stream)
    const ends = body === undefined ? flags.endStream : 0
    const headers = frame(types.headers, flags.endHeaders | ends, id, head)
    if (body === undefined) return void this.#socket.write(headers)
    this.#sendWindow -= body.length
    this.#socket.write(Buffer.concat([headers, frame(types.data, flags.endStream, id, body)]))
  }

  /** Takes no more requests, and ends once all are answered. */
  retire(): void {
    this.#retired = true
    this.#endIfDone()
  }

  #endIfDone(): void {
    if (this.#retired && this.#streams.size === 0 && this.#waiting.length === 0) this.#end('')
  }

  /** Gives up what takes too long. */
  sweep(nowMs: number): void {
    for (const stream of this.#streams.values()) {
      if (nowMs - stream.leftAt <= this.#timeoutMs) return
      this.#socket.write(frame(types.reset, 0, stream.id, uint32(cancelled)))
      this.#finish(stream, 'no answer in time (HTTP/2)')
    }
    while (nowMs - (this.#waiting[0]?.stream.leftAt ?? nowMs) > this.#timeoutMs) {
      this.#waiting.shift()?.stream.done('no answer in time (HTTP/2)')
    }
  }

  close(): void {
    this.#end('closed by the client')
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    while (bytes.length - at >= 9 && !this.#ended) {
      const length = bytes.readUIntBE(at, 3)
      if (length > frameMax) return this.#end(`a frame of ${length} bytes`)
      const end = at + 9 + length
      if (end > bytes.length) break
      const id = bytes.readUInt32BE(at + 5) & 0x7fff_ffff
      this.#take(bytes[at + 3] as number, bytes[at + 4] as number, id, bytes.subarray(at + 9, end))
      at = end
    }
    // The place that was read into is read into again.
    this.#rest = at === bytes.length ? undefined : Buffer.from(bytes.subarray(at))
  }

  #take(type: number, flag: number, id: number, payload: Buffer): void {
    if ((this.#block !== undefined) !== (type === types.continuation)) return this.#end('a header block is interrupted')
    switch (type) {
      case types.data:
        return this.#onData(this.#streams.get(id), unpadded(payload, flag), (flag & flags.endStream) !== 0)
      case types.headers: {
        const fields = unpadded(payload, flag).subarray((flag & flags.priority) === 0 ? 0 : 5)
        this.#block = { id, ends: (flag & flags.endStream) !== 0, parts: [], bytes: 0 }
        return this.#onBlock(fields, flag)
      }
      case types.continuation:
        return this.#onBlock(payload, flag)
      case types.reset:
        return this.#onReset(this.#streams.get(id), payload.readUInt32BE(0))
      case types.settings:
        return this.#onSettings(payload, flag)
      case types.ping:
        if ((flag & flags.acknowledged) === 0) this.#socket.write(frame(types.ping, flags.acknowledged, 0, payload))
        return
      case types.goaway:
        return this.#onGoaway(payload.readUInt32BE(0) & 0x7fff_ffff)
      case types.window:
        if (id === 0) this.#sendWindow += payload.readUInt32BE(0)
        return
    }
  }

  #onSettings(payload: Buffer, flag: number): void {
    if ((flag & flags.acknowledged) !== 0) return
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      if (payload.readUInt16BE(at) === maxConcurrentStreams) this.#mostStreams = payload.readUInt32BE(at + 2)
    }
    this.#socket.write(settingsTaken)
    this.#sendWaiting()
  }

  #sendWaiting(): void {
    while (this.#streams.size < this.#mostStreams && !this.#ended) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#send(next.stream, next.request)
    }
  }

  #onData(stream: Stream | undefined, payload: Buffer, ends: boolean): void {
    this.#owed += payload.length
    if (this.#owed > creditBytes / 2) {
      this.#socket.write(frame(types.window, 0, 0, uint32(this.#owed)))
      this.#owed = 0
    }
    if (stream === undefined) return
    stream.bytes += payload.length
    if (stream.status === 0) return this.#finish(stream, 'a body without a head')
    if (stream.bytes > bodyMax) return this.#finish(stream, 'an endless answer')
    if (payload.length > 0) stream.parts.push(Buffer.from(payload))
    if (ends) this.#answered(stream)
  }

  #onBlock(part: Buffer, flag: number): void {
    const block = this.#block
    if (block === undefined) return
    block.bytes += part.length
    if (block.bytes > blockMax) return this.#end('an endless header block')
    block.parts.push(Buffer.from(part))
    if ((flag & flags.endHeaders) === 0) return
    this.#block = undefined
    const stream = this.#streams.get(block.id)
    if (stream === undefined) return
    const whole = Buffer.concat(block.parts)
    // After an interim answer there is still no status.
    if (stream.status === 0) {
      const status = statusOf(whole)
      if (status === undefined) return this.#finish(stream, 'a head without a status')
      if (status >= 200) stream.status = status
    } else stream.trailers = whole
    if (block.ends) this.#answered(stream)
  }

  #onReset(stream: Stream | undefined, code: number): void {
    if (stream === undefined) return
    this.#finish(stream, stream.id > this.#lastServed ? unserved : `the stream was reset with code ${code}`)
  }

  #onGoaway(lastServed: number): void {
    this.#lastServed = Math.min(this.#lastServed, lastServed)
    for (const { stream } of this.#waiting.splice(0)) stream.done(unserved)
    for (const stream of this.#streams.values()) if (stream.id > this.#lastServed) this.#finish(stream, unserved)
    this.retire()
  }

  #answered(stream: Stream): void {
    const { status, trailers, parts } = stream
    if (status === 0) return this.#finish(stream, 'the stream ended without an answer')
    this.#finish(stream, { status, trailers, body: parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts) })
  }

  #finish(stream: Stream, answer: Http2Answer): void {
    if (!this.#streams.delete(stream.id)) return
    const late = performance.now() - stream.leftAt > this.#timeoutMs
    stream.done(late ? 'no answer in time (HTTP/2)' : answer)
    this.#sendWaiting()
    this.#endIfDone()
  }

  #end(why: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#socket.destroy()
    for (const { stream } of this.#waiting.splice(0)) stream.done(why)
    for (const stream of this.#streams.values()) this.#finish(stream, why)
  }
}

/** The fields of a header block that stands for itself; undefined if it cannot be read. */
export function fieldsOf(block: Buffer): readonly (readonly [string, string])[] | undefined {
  try {
    return new FieldDecoder().decode(block)
  } catch {
    return undefined
  }
}

/** Statuses that have an entry in HPACK's static table, from its eighth on. */
const staticStatuses = [200, 204, 206, 304, 400, 404, 500]

// The status comes first; the other fields of an answer are nothing to the load.
function statusOf(block: Buffer): number | undefined {
  let at = 0
  while (((block[at] ?? 0) & 0xe0) === 0x20) at++
  const known = staticStatuses[(block[at] ?? 0) - 0x88]
  if (known !== undefined) return known
  const status = Number(fieldsOf(block)?.find(([name]) => name === ':status')?.[1])
  return status >= 100 && status < 600 ? status : undefined
}

function unpadded(payload: Buffer, flag: number): Buffer {
  return (flag & flags.padded) === 0 ? payload : payload.subarray(1, payload.length - (payload[0] ?? 0))
}

function frame(type: number, flag: number, id: number, payload: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(9 + payload.length)
  bytes.writeUIntBE(payload.length, 0, 3)
  bytes[3] = type
  bytes[4] = flag
  bytes.writeUInt32BE(id, 5)
  payload.copy(bytes, 9)
  return bytes
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
