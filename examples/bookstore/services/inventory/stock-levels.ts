// Serves `stock.proto`: levels on request, and streams that follow them.
import { EventEmitter } from 'node:events'
import {
  Metadata,
  Server,
  ServerCredentials,
  status,
  type handleServerStreamingCall,
  type handleUnaryCall,
} from '@grpc/grpc-js'
import { log } from '../platform/log.ts'
import type { Stock } from './stock.ts'
import { stockService, type LevelRequest, type StockLevel, type WatchRequest } from './stock-service.ts'

const isbnsMax = 20
const watchersMax = 100

export interface LevelServer {
  /** `host:port` it listens on. */
  readonly address: string
  /** Tells those who watch a title. */
  changed(isbn: string): void
  /** Ends streams with UNAVAILABLE, so that callers come back to another instance, and waits for running calls. */
  close(): Promise<void>
}

/** Starts the service; rejects if it cannot listen. */
export async function startLevelServer(stock: Stock, host: string, port: number): Promise<LevelServer> {
  const changes = new EventEmitter<Record<string, [string]>>().setMaxListeners(watchersMax)
  const streams = new Set<() => void>()
  const level: handleUnaryCall<LevelRequest, StockLevel> = (call, answer) => {
    const { isbn } = call.request
    if (!isIsbn(isbn)) return answer({ code: status.INVALID_ARGUMENT, details: `${JSON.stringify(isbn)} is no ISBN` })
    answer(null, { isbn, copies: stock.left(isbn) }, whoAsked(call.metadata))
  }
  const watch: handleServerStreamingCall<WatchRequest, StockLevel> = (call) => {
    const isbns = new Set(call.request.isbns)
    const fault = watchFault(isbns, streams.size)
    if (fault !== undefined) return void call.emit('error', fault)
    // What a slow caller has not taken yet is told once, as it is when he takes it.
    const waiting = new Set(isbns)
    let full = false
    const send = (): void => {
      for (const isbn of waiting) {
        if (full) return
        waiting.delete(isbn)
        full = !call.write({ isbn, copies: stock.left(isbn) })
      }
    }
    const onChange = (isbn: string): void => {
      if (!isbns.has(isbn)) return
      waiting.add(isbn)
      send()
    }
    const stop = (): void => {
      changes.off('change', onChange)
      streams.delete(end)
    }
    const end = (): void => {
      stop()
      call.emit('error', { code: status.UNAVAILABLE, details: 'inventory is ending' })
    }
    call.on('drain', () => {
      full = false
      send()
    })
    call.on('cancelled', stop)
    call.on('error', stop)
    changes.on('change', onChange)
    streams.add(end)
    send()
  }
  const server = new Server()
  server.addService(stockService, { Level: level, Watch: watch })
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, boundPort) =>
      error === null ? resolve(boundPort) : reject(error),
    )
  })
  return {
    address: `${host}:${bound}`,
    changed: (isbn) => void changes.emit('change', isbn),
    close: () =>
      new Promise((resolve) => {
        for (const end of streams) end()
        server.tryShutdown((error) => {
          if (error !== undefined) log('inventory', `gRPC did not end: ${error.message}`)
          resolve()
        })
      }),
  }
}

function watchFault(isbns: ReadonlySet<string>, watchers: number): { code: status; details: string } | undefined {
  if (isbns.size === 0 || isbns.size > isbnsMax || ![...isbns].every(isIsbn)) {
    return { code: status.INVALID_ARGUMENT, details: `1 to ${isbnsMax} ISBNs are needed` }
  }
  if (watchers >= watchersMax) return { code: status.RESOURCE_EXHAUSTED, details: 'too many are watching' }
  return undefined
}

function isIsbn(text: string): boolean {
  return /^\d{13}$/.test(text)
}

/** The request's id comes back in the trailers, for whoever looks for it in logs. */
function whoAsked(metadata: Metadata): Metadata {
  const trailers = new Metadata()
  for (const id of metadata.get('x-request-id')) trailers.set('x-request-id', id)
  return trailers
}
