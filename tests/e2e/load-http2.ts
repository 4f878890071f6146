// The shares of the load that speak HTTP/2 (by prior knowledge) and gRPC.
import { stockService } from '../../examples/bookstore/services/inventory/stock-service.ts'
import { encodeFields } from '../interop/protocol/test-hpack.ts'
import type { LoadAnswer } from './load-client.ts'
import { fieldsOf, Http2Connection, type Http2Answer, type Http2Request, unserved } from './load-http2-connection.ts'

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
  /** GET over a connection that is shared, and replaced after every 200 requests. Tells `done` once. */
  get(path: string, done: (answer: LoadAnswer) => void): void
  /** A unary call over a connection for all calls; tells undefined if it was answered, else what came instead. */
  stockOf(isbn: string, done: (complaint: string | undefined) => void): void
  /** How many requests the server refused with a GOAWAY that crossed them on their way, and were asked anew. */
  readonly askedAnew: number
  close(): void
}

const requestsPerConnection = 200
const sweepEveryMs = 50

/** A client of the gateway at `shopUrl`; an answer that takes longer than `timeoutMs` is none. */
export function makeHttp2Load(shopUrl: string, timeoutMs: number): Http2Load {
  const { hostname, host, port } = new URL(shopUrl)
  // What is read is looked at before anything else is read, so all may use the same place.
  const shared = Buffer.allocUnsafeSlow(65_536)
  const open = new Set<Http2Connection>()
  const dial = (): Http2Connection => {
    const connection = new Http2Connection(hostname, Number(port || 80), timeoutMs, shared)
    open.add(connection)
    return connection
  }
  let askedAnew = 0
  // A request that was not served may be asked anew, once.
  const ask = (connection: () => Http2Connection, request: Http2Request, done: (answer: Http2Answer) => void): void =>
    connection().ask(request, (first) => {
      if (first !== unserved) return done(first)
      askedAnew += 1
      connection().ask(request, done)
    })

  let pages: Http2Connection | undefined
  let left = 0
  const forPages = (): Http2Connection => {
    if (left === 0 || pages?.usable !== true) {
      pages?.retire()
      pages = dial()
      left = requestsPerConnection
    }
    left -= 1
    return pages
  }
  let calls: Http2Connection | undefined
  const forCalls = (): Http2Connection => (calls?.usable === true ? calls : (calls = dial()))

  const getHead = remembering((path) => pageHead(host, path))
  const callOf = remembering(stockCall)
  const sweeper = setInterval(() => {
    const nowMs = performance.now()
    for (const connection of open) {
      connection.sweep(nowMs)
      if (!connection.open) open.delete(connection)
    }
  }, sweepEveryMs)
  return {
    get: (path, done) =>
      ask(forPages, getHead(path), (answer) =>
        done(typeof answer === 'string' ? answer : { status: answer.status, body: answer.body.toString('utf8') }),
      ),
    stockOf: (isbn, done) => ask(forCalls, callOf(isbn), (answer) => done(complaintOf(answer, isbn))),
    get askedAnew() {
      return askedAnew
    },
    close() {
      clearInterval(sweeper)
      for (const connection of open) connection.close()
    },
  }
}

function remembering<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>()
  return (key) => {
    let value = made.get(key)
    if (value === undefined) made.set(key, (value = make(key)))
    return value
  }
}

function pageHead(authority: string, path: string): Http2Request {
  return {
    head: encodeFields([
      [':method', 'GET'],
      [':scheme', 'http'],
      [':authority', authority],
      [':path', path],
    ]),
  }
}

function stockCall(isbn: string): Http2Request {
  const { path, requestSerialize } = stockService.Level
  const head = encodeFields([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':authority', stockAuthority],
    [':path', path],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
  ])
  const message = requestSerialize({ isbn })
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(message.length, 1)
  return { head, body: Buffer.concat([prefix, message]) }
}

const statusZero = 'grpc-status: 0'
/** What trailers said, by their bytes: mostly the same ones. */
const trailersRead = new Map<string, string>()
const trailersKept = 100

// What came, unless it is the level of the right book.
function complaintOf(answer: Http2Answer, isbn: string): string | undefined {
  if (typeof answer === 'string') return answer
  const { status, body, trailers } = answer
  if (status !== 200) return `${status} ${body.toString('utf8', 0, 150).trim()}`
  const ended = trailers === undefined ? 'no trailers' : grpcStatusOf(trailers)
  if (ended !== statusZero) return ended
  if (body.length < 5 || body.readUInt32BE(1) !== body.length - 5) return 'not one whole message'
  try {
    const level = stockService.Level.responseDeserialize(body.subarray(5))
    return level.isbn === isbn ? undefined : 'an answer about another book'
  } catch (error) {
    return `a message that cannot be read: ${String(error)}`
  }
}

function grpcStatusOf(trailers: Buffer): string {
  const key = trailers.toString('latin1')
  const known = trailersRead.get(key)
  if (known !== undefined) return known
  const fields = fieldsOf(trailers) ?? [['trailers', 'cannot be read']]
  const code = fields.find(([name]) => name === 'grpc-status')?.[1]
  const said = code === '0' ? statusZero : fields.map((field) => field.join(': ')).join(', ')
  if (trailersRead.size < trailersKept) trailersRead.set(key, said)
  return said
}
