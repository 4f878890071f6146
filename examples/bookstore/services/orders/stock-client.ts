// Asks inventory for stock levels over gRPC. grpc-js goes through the HTTP proxy of its environment by CONNECT, as `fetch` does.
import { Client, credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js'
import { stockService, type StockLevel } from '../inventory/stock-service.ts'
import { HttpError } from '../platform/http-service.ts'

type PassOn = Readonly<Record<string, string>>

/** How a call ended, whatever its status. */
export interface GrpcOutcome {
  readonly code: string
  readonly details: string
  readonly levels: readonly StockLevel[]
  readonly trailers: Readonly<Record<string, unknown>>
}

export interface StockClient {
  /** Copies left. Rejects with an `HttpError`: 422 no ISBN, 504 too slow, 503 otherwise. */
  level(isbn: string, passOn: PassOn): Promise<number>
  /** The same, with everything gRPC tells about it. */
  levelCall(isbn: string, passOn: PassOn): Promise<GrpcOutcome>
  /** The first `count` levels of a stream; the call ends then. */
  watchCall(isbns: readonly string[], count: number, passOn: PassOn): Promise<GrpcOutcome>
  close(): void
}

const levelTimeoutMs = 3_000
const watchTimeoutMs = 15_000

/** A client for `host:port`; it connects at the first call. */
export function makeStockClient(target: string): StockClient {
  const client = new Client(target, credentials.createInsecure())
  const levelCall = (isbn: string, passOn: PassOn): Promise<GrpcOutcome> =>
    new Promise((resolve) => {
      const { path, requestSerialize, responseDeserialize } = stockService.Level
      const levels: StockLevel[] = []
      const call = client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        { isbn },
        metadataOf(passOn),
        { deadline: Date.now() + levelTimeoutMs },
        (_error: ServiceError | null, level?: StockLevel) => void (level === undefined || levels.push(level)),
      )
      call.on('status', (end) => resolve(outcome(end, levels)))
    })
  const watchCall = (isbns: readonly string[], count: number, passOn: PassOn): Promise<GrpcOutcome> =>
    new Promise((resolve) => {
      const { path, requestSerialize, responseDeserialize } = stockService.Watch
      const options = { deadline: Date.now() + watchTimeoutMs }
      const call = client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        { isbns },
        metadataOf(passOn),
        options,
      )
      const levels: StockLevel[] = []
      call.on('data', (level: StockLevel) => {
        levels.push(level)
        if (levels.length === count) call.cancel()
      })
      call.on('error', () => undefined)
      call.on('status', (end) => resolve(outcome(end, levels)))
    })
  return {
    levelCall,
    watchCall,
    async level(isbn, passOn) {
      const { code, details, levels } = await levelCall(isbn, passOn)
      const [level] = levels
      if (level !== undefined) return level.copies
      const httpStatus = code === 'INVALID_ARGUMENT' ? 422 : code === 'DEADLINE_EXCEEDED' ? 504 : 503
      throw new HttpError(httpStatus, `inventory answered ${code}: ${details}`)
    },
    close: () => client.close(),
  }
}

function metadataOf(passOn: PassOn): Metadata {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(passOn)) metadata.set(name, value)
  return metadata
}

function outcome(
  end: { readonly code: status; readonly details: string; readonly metadata: Metadata },
  levels: readonly StockLevel[],
): GrpcOutcome {
  return { code: status[end.code], details: end.details, levels, trailers: end.metadata.getMap() }
}
