// One end of an HTTP/2 connection that sends the frames it is told to and remembers what came: no rules are kept but
// those that the other side needs to go on (the preface, acknowledged SETTINGS and PINGs, credit).
import type { Socket } from 'node:net'
import type { FieldList, FrameStep } from './h2-steps.ts'
import { encodeFields, FieldDecoder } from './test-hpack.ts'

/** What came on one stream. */
export interface SeenStream {
  readonly id: number
  /** Header lists in order: interim heads, head, trailers. */
  readonly heads: [string, string][][]
  data: string
  ended: boolean
  rst: number | undefined
}

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const [data, headers, rstStream, settings, ping, goaway, windowUpdate, continuation] = [0, 1, 3, 4, 6, 7, 8, 9] as const
const endStream = 1
const acknowledged = 1
const endHeaders = 4
const padded = 8
const hasPriority = 32

/** The end. */
export class H2End {
  readonly streams = new Map<number, SeenStream>()
  /** Code of the GOAWAY that came. */
  goaway: number | undefined = undefined
  /** SETTINGS the other side announced. */
  readonly settings = new Map<number, number>()
  pings: string[] = []
  readonly #socket: Socket
  readonly #decoder = new FieldDecoder()
  #buffer: Buffer = Buffer.alloc(0)
  #prefaceSeen: boolean
  #block: { stream: number; ends: boolean; parts: Buffer[] } | undefined = undefined
  #greeted = false
  #ownSettings = false

  constructor(socket: Socket, side: 'client' | 'upstream') {
    this.#socket = socket
    this.#prefaceSeen = side === 'client'
  }

  /** Says hello, unless SETTINGS of the script's own do: then only the preface. */
  greet(side: 'client' | 'upstream', own: boolean): void {
    if (this.#greeted) return
    this.#greeted = true
    this.#ownSettings = own
    if (side === 'client') this.#socket.write(preface, 'latin1')
    if (!this.#ownSettings) this.#write(settings, 0, 0, Buffer.alloc(0))
  }

  /** Text of everything that came, for steps that wait for text. */
  text(): string {
    return [...this.streams.values()]
      .map(
        ({ heads, data: body }) =>
          `${heads.map((list) => list.map((field) => field.join(': ')).join('\n')).join('\n')}\n${body}`,
      )
      .join('\n')
  }

  streamHas(id: number, what: 'head' | 'end' | 'reset'): boolean {
    const stream = this.streams.get(id)
    if (stream === undefined) return false
    if (what === 'head') return stream.heads.length > 0
    return what === 'end' ? stream.ended || stream.rst !== undefined : stream.rst !== undefined
  }

  send(step: FrameStep): void {
    if ('headers' in step) this.#sendHeaders(step)
    else if ('data' in step) this.#sendData(step)
    else if ('rst' in step) this.#write(rstStream, 0, step.stream ?? 1, uint32(step.rst))
    else if ('goaway' in step) this.#write(goaway, 0, 0, Buffer.concat([uint32(step.last), uint32(step.goaway)]))
    else if ('ping' in step) this.#write(ping, 0, 0, Buffer.from(step.ping.padEnd(8), 'latin1'))
    else if ('window' in step) this.#write(windowUpdate, 0, step.stream ?? 0, uint32(step.window))
    else if ('settings' in step) this.#write(settings, 0, 0, Buffer.concat(step.settings.map(setting)))
    else if ('frame' in step) {
      const { type, flags = 0, stream = 0, payload = '' } = step.frame
      this.#write(type, flags, stream, Buffer.from(payload, 'latin1'))
    }
  }

  #sendHeaders({ headers: fields, stream = 1, ends = false, split }: Extract<FrameStep, { headers: FieldList }>): void {
    const block = encodeFields(fields)
    const flags = ends ? endStream : 0
    if (split === undefined) return this.#write(headers, flags | endHeaders, stream, block)
    this.#write(headers, flags, stream, block.subarray(0, split))
    this.#write(continuation, endHeaders, stream, block.subarray(split))
  }

  #sendData({ data: text, stream = 1, ends = false, padding }: Extract<FrameStep, { data: string }>): void {
    const bytes = Buffer.from(text, 'latin1')
    const flags = ends ? endStream : 0
    if (padding === undefined) return this.#write(data, flags, stream, bytes)
    this.#write(data, flags | padded, stream, Buffer.concat([Buffer.from([padding]), bytes, Buffer.alloc(padding)]))
  }

  // The four parts of a frame's head, in their order.
  // oxlint-disable-next-line max-params
  #write(type: number, flags: number, stream: number, payload: Buffer): void {
    if (!this.#socket.writable) return
    const head = Buffer.alloc(9)
    head.writeUIntBE(payload.length, 0, 3)
    head[3] = type
    head[4] = flags
    head.writeUInt32BE(stream, 5)
    this.#socket.write(Buffer.concat([head, payload]))
  }

  onData(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk])
    if (!this.#prefaceSeen) {
      if (this.#buffer.length < preface.length) return
      this.#prefaceSeen = true
      this.#buffer = this.#buffer.subarray(preface.length)
    }
    while (this.#buffer.length >= 9) {
      const length = this.#buffer.readUIntBE(0, 3)
      if (this.#buffer.length < 9 + length) return
      const [type = 0, flags = 0] = [this.#buffer[3], this.#buffer[4]]
      const stream = this.#buffer.readUInt32BE(5) & 0x7fffffff
      const payload = this.#buffer.subarray(9, 9 + length)
      this.#buffer = this.#buffer.subarray(9 + length)
      this.#onFrame(type, flags, stream, payload)
    }
  }

  // As #write.
  // oxlint-disable-next-line max-params
  #onFrame(type: number, flags: number, stream: number, payload: Buffer): void {
    if (type === settings) this.#onSettings(flags, payload)
    else if (type === ping && (flags & acknowledged) === 0) this.#write(ping, acknowledged, 0, payload)
    else if (type === ping) this.pings.push(payload.toString('latin1'))
    else if (type === goaway) this.goaway ??= payload.readUInt32BE(4)
    else if (type === rstStream) this.#stream(stream).rst ??= payload.readUInt32BE(0)
    else if (type === headers) this.#onHeaders(flags, stream, payload)
    else if (type === continuation) this.#onBlock(payload, (flags & endHeaders) !== 0)
    else if (type === data) this.#onStreamData(flags, stream, payload)
  }

  #onSettings(flags: number, payload: Buffer): void {
    if ((flags & acknowledged) !== 0) return
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      this.settings.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2))
    }
    this.#write(settings, acknowledged, 0, Buffer.alloc(0))
  }

  #onHeaders(flags: number, stream: number, payload: Buffer): void {
    let block = payload
    if ((flags & padded) !== 0) block = block.subarray(1, block.length - (block[0] ?? 0))
    if ((flags & hasPriority) !== 0) block = block.subarray(5)
    this.#block = { stream, ends: (flags & endStream) !== 0, parts: [] }
    this.#onBlock(block, (flags & endHeaders) !== 0)
  }

  #onBlock(part: Buffer, last: boolean): void {
    const block = this.#block
    if (block === undefined) return
    block.parts.push(part)
    if (!last) return
    this.#block = undefined
    const stream = this.#stream(block.stream)
    stream.heads.push(this.#decoder.decode(Buffer.concat(block.parts)))
    if (block.ends) stream.ended = true
  }

  #onStreamData(flags: number, id: number, payload: Buffer): void {
    const stream = this.#stream(id)
    const body = (flags & padded) === 0 ? payload : payload.subarray(1, payload.length - (payload[0] ?? 0))
    stream.data += body.toString('latin1')
    if ((flags & endStream) !== 0) stream.ended = true
    if (payload.length > 0 && !this.#ownSettings) {
      this.#write(windowUpdate, 0, 0, uint32(payload.length))
      if (!stream.ended) this.#write(windowUpdate, 0, id, uint32(payload.length))
    }
  }

  #stream(id: number): SeenStream {
    let stream = this.streams.get(id)
    if (stream === undefined) {
      stream = { id, heads: [], data: '', ended: false, rst: undefined }
      this.streams.set(id, stream)
    }
    return stream
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function setting([id, value]: readonly [number, number]): Buffer {
  const bytes = Buffer.alloc(6)
  bytes.writeUInt16BE(id)
  bytes.writeUInt32BE(value, 2)
  return bytes
}
