// The shares of the load that speak HTTP/2 (by prior knowledge) and gRPC, through clients of others: Node's http2 and grpc-js.
import { Client, credentials, type ServiceError } from '@grpc/grpc-js'
import { connect, type ClientHttp2Session } from 'node:http2'
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
  close(): void
}

const requestsPerSession = 200

/** Clients of the gateway at `shopUrl`. */
export function makeHttp2Load(shopUrl: string): Http2Load {
  const stock = new Client(new URL(shopUrl).host, credentials.createInsecure(), {
    'grpc.default_authority': stockAuthority,
  })
  let session: ClientHttp2Session | undefined
  let left = 0
  const current = (): ClientHttp2Session => {
    if (session !== undefined && left > 0 && !session.closed && !session.destroyed) {
      left -= 1
      return session
    }
    session?.close()
    session = connect(shopUrl)
    // What becomes of its requests is judged one by one.
    session.on('error', () => undefined)
    left = requestsPerSession
    return session
  }
  return {
    async get(path, timeoutMs) {
      const first = await get(current(), path, timeoutMs)
      if (typeof first !== 'string' || !first.includes('NGHTTP2_REFUSED_STREAM')) return first
      // Queued in the client when the server's GOAWAY came: it was never seen by anybody, and clients ask anew (RFC 9113 8.7).
      left = 0
      return get(current(), path, timeoutMs)
    },
    stockOf: (isbn, timeoutMs) => levelOf(stock, isbn, timeoutMs),
    close() {
      session?.close()
      stock.close()
    },
  }
}

function get(session: ClientHttp2Session, path: string, timeoutMs: number): Promise<LoadAnswer> {
  return new Promise((resolve) => {
    const stream = session.request({ ':path': path })
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
    stream.on('error', (error) => {
      complaint = String(error)
    })
    let whole = false
    stream.on('end', () => {
      whole = true
    })
    stream.on('close', () => {
      clearTimeout(timer)
      resolve(whole && status > 0 && stream.rstCode === 0 ? { status, body } : complaint)
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
