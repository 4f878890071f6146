// Client connections as tests drive them: the server is the test.
import { Buffer } from 'node:buffer'
import type { OutgoingRequest } from '../http-stream.ts'
import { H2ClientConnection } from './client-connection.ts'
import type { H2ClientStream } from './client-stream.ts'
import { FrameType } from './frame.ts'
import { defaultH2Options, type H2Options } from './h2-options.ts'
import { createH2Shared } from './h2-shared.ts'
import {
  answerHead,
  frame,
  framesOf,
  headFrame,
  ManualTime,
  MemoryTransport,
  numbers,
  SeenAnswer,
  settings,
  type WireFrame,
} from './h2-under-test.ts'

/** A GOAWAY frame. */
export const goaway = (lastId: number, code = 0): Buffer => frame(FrameType.GOAWAY, 0, 0, numbers(lastId, code))

/** The head of an answer. */
export const answer = (id: number, status: number, fields: [string, string][] = [], endStream = false): Buffer =>
  headFrame(id, [[':status', String(status)], ...fields], endStream)

/** A connection that has said its greeting, what it sends, and what its owner is told. */
export function clientUnderTest(options: Partial<H2Options> = {}) {
  const time = new ManualTime()
  const transport = new MemoryTransport()
  const events: string[] = []
  const owner = {
    idleMs: () => 60_000,
    onRoom: () => void events.push('room'),
    onDraining: () => void events.push('draining'),
    onClosed: ({ reason }: { readonly reason: string }) => void events.push(reason),
  }
  const shared = createH2Shared({ clock: time, timers: time })
  const connection = new H2ClientConnection(transport, owner, shared, { ...defaultH2Options, ...options })
  connection.start()
  const send = (...bytes: readonly Buffer[]): WireFrame[] => {
    transport.handler.onData(Buffer.concat(bytes))
    return sent()
  }
  const sent = (): WireFrame[] => {
    time.turn()
    return framesOf(transport.take())
  }
  const ask = (request: Partial<OutgoingRequest> = {}): SeenAnswer & { readonly stream: H2ClientStream } => {
    const stream = connection.open()
    const seen = new SeenAnswer(stream)
    stream.begin(seen, {
      ...{ method: 'GET', path: '/', authority: 'a.example', scheme: 'http', upgrade: undefined },
      ...{ head: answerHead(0), extra: [], body: 'none' as const },
      ...request,
    })
    return Object.assign(seen, { stream })
  }
  return { time, transport, connection, events, send, sent, ask }
}

/** The same once the server has greeted, too. */
export function begun(options: Partial<H2Options> = {}) {
  const client = clientUnderTest(options)
  client.time.turn()
  client.transport.take()
  client.send(settings())
  client.events.length = 0
  return client
}
