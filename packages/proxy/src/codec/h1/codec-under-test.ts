// Both sides of the codec without sockets: bytes in, cut as a test likes, and all that may depend on them out.
import { Buffer } from 'node:buffer'
import type { Transport, TransportHandler } from '@weft/core'
import type { Endpoint } from '@weft/engine'
import { DeadlineLists } from '../../exchange/deadline-lists.ts'
import { UpstreamConnection } from '../../pool/upstream-connection.ts'
import { FieldsHead } from '../fields-head.ts'
import type { DownstreamStream, RequestReceiver, ResponseReceiver } from '../http-stream.ts'
import type { HeadLimits, MessageHead } from '../message-head.ts'
import { H1Head } from './h1-head.ts'
import type { RequestServer } from './request-server.ts'
import { H1ServerConnection } from './server-connection.ts'

/** One message as the codec understood it; texts are latin1. */
export interface ReadMessage {
  readonly startLine: string
  readonly headers: readonly (readonly [string, string])[]
  body: string
  /** Its last byte was read. */
  whole: boolean
}

/** What a server made of its input. */
export interface ServerOutcome {
  readonly messages: ReadMessage[]
  /** Why reading stopped. */
  fault: string | undefined
  /** The connection can serve another request. */
  open: boolean
}

/** What a client made of its input. */
export interface ClientOutcome {
  readonly informational: number[]
  response: ReadMessage | undefined
  /** Where the body ends. */
  framing: string | undefined
  fault: string | undefined
  /** The connection can be lent again. */
  reusable: boolean
}

const ignore: TransportHandler = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} }

/** A transport that goes nowhere. */
class NullTransport implements Transport {
  handler: TransportHandler = ignore
  readonly localAddress = '127.0.0.1'
  readonly localPort = 1
  readonly remoteAddress = '127.0.0.1'
  readonly remotePort = 2
  readonly peer = undefined
  readonly alpn = undefined
  readonly sni = undefined
  readonly queuedBytes = 0
  /** No more is delivered. */
  over = false
  resume(): void {}
  pause(): void {}
  write(): boolean {
    return true
  }
  writeLatin1(): boolean {
    return true
  }
  end(): void {}
  destroy(): void {
    this.over = true
  }
}

function messageOf(head: MessageHead): ReadMessage {
  if (!(head instanceof H1Head)) throw new TypeError('a head of this codec')
  const headers = Array.from({ length: head.count }, (_, at): [string, string] => [head.nameAt(at), head.valueAt(at)])
  return { startLine: head.text.slice(0, head.firstLine), headers, body: '', whole: false }
}

/** Answers every request: when it is whole, or (`late`) when all pieces have been read, as a slow upstream would. */
class RecordingServer implements RequestServer {
  readonly outcome: ServerOutcome = { messages: [], fault: undefined, open: true }
  readonly #limits: HeadLimits
  readonly #late: boolean
  #finish: (() => void) | undefined

  constructor(limits: HeadLimits, late: boolean) {
    this.#limits = limits
    this.#late = late
  }

  limits(): HeadLimits {
    return this.#limits
  }
  idleMs(): number {
    return 0
  }
  headMs(): number {
    return 0
  }
  lingerMs(): number {
    return 1
  }

  keepsTrailers(): boolean {
    return false
  }

  onRequest(stream: DownstreamStream): void {
    const message = messageOf(stream.head)
    this.outcome.messages.push(message)
    const keepAlive = !stream.closing
    const onEnd = (): void => {
      message.whole = true
      const finish = (): void => {
        this.outcome.open = keepAlive
        finishStream(stream)
      }
      if (this.#late) this.#finish = finish
      else finish()
    }
    const receiver: RequestReceiver = {
      onData(bytes, start, end) {
        message.body += bytes.latin1Slice(start, end)
      },
      onEnd,
      onFlush() {},
      onWritable() {},
      onAhead() {},
      onBodyFault: (details) => {
        this.#fail(details)
        finishStream(stream)
      },
      onGone() {},
    }
    stream.attach(receiver)
    if (stream.requestBody === 'none') onEnd()
  }

  /** Gives the answer that is owed; false: none is. */
  answer(): boolean {
    const finish = this.#finish
    this.#finish = undefined
    finish?.()
    return finish !== undefined
  }

  onHeadFault(stream: DownstreamStream, fault: { readonly status: number; readonly details: string }): void {
    this.#fail(`${fault.status} ${fault.details}`)
    finishStream(stream)
  }
  onHeadTimeout(): void {}
  onHeadCutOff(): void {}
  drainMs(): number {
    return 0
  }
  onClosed(): void {}

  #fail(reason: string): void {
    this.outcome.fault = reason
    this.outcome.open = false
  }
}

function finishStream(stream: DownstreamStream): void {
  const head = new FieldsHead('HTTP/1.1')
  head.status = 200
  stream.respond(head, 'none', !stream.closing)
  stream.end()
}

const timers = { set: () => ({ cancel() {} }) }
const clock = { nowMs: () => 0, wallMs: () => 0 }

/** Reads requests with the server side. */
export function readRequests(
  pieces: readonly Buffer[],
  { limits = { maxBytes: 60 * 1024, maxHeaders: 100 }, late = false } = {},
): ServerOutcome {
  const transport = new NullTransport()
  const server = new RecordingServer(limits, late)
  new H1ServerConnection(transport, server, new DeadlineLists(clock, timers)).start(undefined)
  for (const piece of pieces) if (!transport.over) transport.handler.onData(piece)
  while (server.answer()) {
    // Each answer lets the next request be read from what was kept.
  }
  return server.outcome
}

/** Reads the response to a request of this method with the client side; `ends`: the upstream closes behind it. */
export function readResponse(pieces: readonly Buffer[], { method = 'GET', ends = false } = {}): ClientOutcome {
  const transport = new NullTransport()
  const outcome: ClientOutcome = {
    informational: [],
    response: undefined,
    framing: undefined,
    fault: undefined,
    reusable: false,
  }
  const owner = {
    released: () => {
      outcome.reusable = true
    },
    gone: () => {
      outcome.reusable = false
    },
  }
  const endpoint = {} as Endpoint
  const pooled = new UpstreamConnection(owner, {
    dialed: { transport, own: undefined, retireMs: Infinity },
    endpoint,
    keepsTrailers: false,
  })
  pooled.lent = true
  const { codec } = pooled
  codec.begin(recorder(outcome), {
    method,
    path: '/',
    authority: 'a',
    scheme: 'http',
    upgrade: undefined,
    head: new FieldsHead('HTTP/1.1'),
    extra: [],
    body: 'none',
  })
  codec.flush()
  codec.end()
  for (const piece of pieces) if (!transport.over) transport.handler.onData(piece)
  if (ends && !transport.over) transport.handler.onEnd()
  return outcome
}

function recorder(outcome: ClientOutcome): ResponseReceiver {
  return {
    onInformational: (head) => void outcome.informational.push(head.status),
    onHead: (head, body) => {
      outcome.response = messageOf(head)
      outcome.framing = body
    },
    onData: (bytes, start, end) => {
      if (outcome.response !== undefined) outcome.response.body += bytes.latin1Slice(start, end)
    },
    onEnd: () => {
      if (outcome.response !== undefined) outcome.response.whole = true
    },
    onFlush() {},
    onWritable() {},
    onFailure: ({ kind, detail }) => {
      outcome.fault = `${kind} ${detail}`
    },
  }
}

/** Cuts bytes behind the given offsets. */
export function cutAt(bytes: Buffer, offsets: readonly number[]): Buffer[] {
  const sorted = [...new Set(offsets)].filter((at) => at > 0 && at < bytes.length).sort((a, b) => a - b)
  return [0, ...sorted].map((from, index) => bytes.subarray(from, sorted[index] ?? bytes.length))
}

/** One piece per byte. */
export function byteWise(bytes: Buffer): Buffer[] {
  return cutAt(
    bytes,
    Array.from(bytes, (_, at) => at),
  )
}
