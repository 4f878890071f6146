// The shares of the load that speak HTTP/2 (by prior knowledge) and gRPC, through clients of others: Node's http2 and grpc-js.
import { Client, credentials, type ServiceError } from '@grpc/grpc-js'
import { type ClientHttp2Session, connect, constants } from 'node:http2'
import { stockService, type StockLevel } from '../../examples/bookstore/services/inventory/stock-service.ts'
import type { LoadAnswer } from './load-client.ts'

/** The name under which the gateway hands calls on to inventory. */
export const stockAuthority = 'stock.bookstore.example'

/** What the mesh of a test needs so that the gateway leads `stockAuthority` to inventory. */
export const stockRoute = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: stock, namespace: bookstore }
spec:
  hosts: [${stockAuthority}]
  gateways: [shop]
  http:
    - name: stock
      route:
        - destination: { host: inventory, port: { number: 9000 } }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: stock, namespace: bookstore }
spec:
  selector: { matchLabels: { app: inventory } }
  action: ALLOW
  rules:
    - from: [{ source: { principals: [cluster.local/ns/bookstore/sa/gateway] } }]
      to: [{ operation: { ports: ["9000"] } }]
`

export interface Http2Load {
  /** GET over a connection that is shared, and replaced after every 200 requests. Never rejects. */
  get(path: string, timeoutMs: number): Promise<LoadAnswer>
  /** A unary call; '' if it was answered, else what came instead. Never rejects. */
  stockOf(isbn: string, timeoutMs: number): Promise<string>
  /** How many requests never left the client, since a GOAWAY came while they waited in it, and were asked anew. */
  readonly askedAnew: number
  close(): void
}

const requestsPerSession = 200

/** Clients of the gateway at `shopUrl`. */
export function makeHttp2Load(shopUrl: string): Http2Load {
  const stock = new Client(new URL(shopUrl).host, credentials.createInsecure(), {
    'grpc.default_authority': stockAuthority,
  })
  let session: LoadSession | undefined
  let askedAnew = 0
  const current = (): LoadSession => {
    if (session === undefined || session.left === 0 || session.http2.closed || session.http2.destroyed) {
      session?.http2.close()
      session = openSession(shopUrl)
    }
    session.left -= 1
    return session
  }
  return {
    async get(path, timeoutMs) {
      const used = current()
      const first = await get(used, path, timeoutMs)
      if (first !== unsent) return first
      askedAnew += 1
      used.left = 0
      const second = await get(current(), path, timeoutMs)
      return second === unsent ? 'refused twice before it was sent' : second
    },
    stockOf: (isbn, timeoutMs) => levelOf(stock, isbn, timeoutMs),
    get askedAnew() {
      return askedAnew
    },
    close() {
      session?.http2.close()
      stock.close()
    },
  }
}

interface LoadSession {
  readonly http2: ClientHttp2Session
  /** Requests it may still be given. */
  left: number
  /** The last stream that the server said it serves; undefined: it said no GOAWAY. */
  lastServed: number | undefined
}

function openSession(shopUrl: string): LoadSession {
  const session: LoadSession = { http2: connect(shopUrl), left: requestsPerSession, lastServed: undefined }
  // What becomes of its requests is judged one by one.
  session.http2.on('error', () => undefined)
  session.http2.on('goaway', (_code, lastStreamId) => {
    session.lastServed = lastStreamId
  })
  return session
}

/**
 * A request that waited in the client when the first of two GOAWAYs came, or was made before node had told of it: node gives it up without having sent it
 * (tests/wire/http2-drain.test.ts watches the wire), and clients ask anew (RFC 9113 8.7).
 */
const unsent = 'refused before it was sent'
/** Of the GOAWAY that warns: all streams are still served. */
const everyStream = 2 ** 31 - 1

function isUnsent({ lastServed }: LoadSession, id: number | undefined): boolean {
  if (lastServed === undefined) return false
  // Of what it said it would serve, the server itself may refuse nothing.
  return lastServed === everyStream || id === undefined || id > lastServed
}

function get(session: LoadSession, path: string, timeoutMs: number): Promise<LoadAnswer> {
  return new Promise((resolve) => {
    const stream = session.http2.request({ ':path': path })
    const { id } = stream
    let status = 0
    let body = ''
    let complaint = 'the stream was closed without an answer'
    const timer = setTimeout(() => {
      complaint = 'no answer in time (HTTP/2)'
      stream.close()
    }, timeoutMs)
    stream.setEncoding('utf8')
    stream.on('response', (headers) => {
      status = headers[':status'] ?? 0
    })
    stream.on('data', (part: string) => {
      body += part
    })
    let gone = false
    stream.on('error', (error: NodeJS.ErrnoException) => {
      complaint = String(error)
      gone = error.code === 'ERR_HTTP2_GOAWAY_SESSION'
    })
    let whole = false
    stream.on('end', () => {
      whole = true
    })
    stream.on('close', () => {
      clearTimeout(timer)
      const refused = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM
      if (gone || (refused && isUnsent(session, id))) resolve(unsent)
      else resolve(whole && status > 0 && stream.rstCode === 0 ? { status, body } : complaint)
    })
    stream.end()
  })
}

function levelOf(client: Client, isbn: string, timeoutMs: number): Promise<string> {
  const { path, requestSerialize, responseDeserialize } = stockService.Level
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      { isbn },
      { deadline: Date.now() + timeoutMs },
      (error: ServiceError | null, level?: StockLevel) =>
        resolve(error === null && level?.isbn === isbn ? '' : String(error ?? 'an answer about another book')),
    )
  })
}
