// The gRPC service `bookstore.inventory.v1.Stock` as `stock.proto` describes it, for its server and its clients.
import { join } from 'node:path'
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

export interface LevelRequest {
  readonly isbn: string
}

export interface WatchRequest {
  readonly isbns: readonly string[]
}

export interface StockLevel {
  readonly isbn: string
  readonly copies: number
}

export interface StockService extends ServiceDefinition {
  readonly Level: MethodDefinition<LevelRequest, StockLevel>
  readonly Watch: MethodDefinition<WatchRequest, StockLevel>
}

const definitions = loadSync(join(import.meta.dirname, 'stock.proto'), { defaults: true })

export const stockService = definitions['bookstore.inventory.v1.Stock'] as unknown as StockService
