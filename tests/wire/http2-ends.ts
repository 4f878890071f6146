// HTTP/2 clients and servers by node:http2, for tests of what lies between them.
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { once } from '@weft/testkit/once'
import { within } from '@weft/testkit/within'

/** A server without TLS. */
export interface H2Backend {
  readonly port: number
  readonly server: Http2Server
  /** Connections accepted so far. */
  connections: number
  readonly requests: IncomingHttpHeaders[]
}

/** Starts one; it ends with the test. */
export async function h2Backend(
  t: TestContext,
  onStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, index: number) => void,
  options: ServerOptions = {},
): Promise<H2Backend> {
  const server = createServer(options)
  const sessions = new Set<{ destroy(): void }>()
  const requests: IncomingHttpHeaders[] = []
  server.on('session', (session) => {
    backend.connections++
    sessions.add(session)
    session.on('error', () => {})
  })
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {})
    requests.push(headers)
    onStream(stream, headers, requests.length - 1)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  const backend: H2Backend = { port: (server.address() as AddressInfo).port, server, connections: 0, requests }
  return backend
}

/** A client that speaks HTTP/2 by prior knowledge; it ends with the test. */
export function h2Client(t: TestContext, port: number): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`)
  session.on('error', () => {})
  t.after(() => session.destroy())
  return session
}

/** All there is of an answer. */
export interface H2Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly trailers: IncomingHttpHeaders
  readonly informational: number[]
  /** RST_STREAM's code; 0: it ended as it should. */
  readonly reset: number
}

/** Sends a request; `body` undefined: none. */
export function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: string | Buffer,
  trailers?: OutgoingHttpHeaders,
): Promise<H2Answer> {
  const stream = session.request(headers, { endStream: body === undefined, waitForTrailers: trailers !== undefined })
  if (trailers !== undefined) stream.on('wantTrailers', () => stream.sendTrailers(trailers))
  if (body !== undefined) stream.end(body)
  return answerOf(stream)
}

/** Reads what comes on a stream to its end. */
export function answerOf(stream: ClientHttp2Stream): Promise<H2Answer> {
  const whole = new Promise<H2Answer>((resolve) => {
    let headers: IncomingHttpHeaders = {}
    let trailers: IncomingHttpHeaders = {}
    let text = ''
    const informational: number[] = []
    stream.on('headers', (one) => informational.push(Number(one[':status'])))
    stream.on('continue', () => informational.push(100))
    stream.on('response', (one) => void (headers = one))
    stream.on('trailers', (one) => void (trailers = one))
    stream.on('data', (chunk: Buffer) => void (text += chunk.toString('latin1')))
    stream.on('error', () => {})
    stream.on('close', () => {
      const status = Number(headers[':status'] ?? 0)
      resolve({ status, headers, body: text, trailers, informational, reset: stream.rstCode ?? 0 })
    })
  })
  return within('the end of an answer', whole)
}

/** How a cluster is told to speak HTTP/2. */
export const explicitHttp2 = { explicitHttpConfig: { http2ProtocolOptions: {} } }
