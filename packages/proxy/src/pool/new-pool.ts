import type { Endpoint } from '@weft/engine'
import { Http1Pool } from './http1-pool.ts'
import { Http2Pool } from './http2-pool.ts'
import { PairPool } from './pair-pool.ts'
import type { Pool, PoolContext } from './pool.ts'

/** Connections to an endpoint, of the protocol that its cluster speaks. */
export function newPool(endpoint: Endpoint, context: PoolContext): Pool {
  switch (context.budget.cluster.http.protocol) {
    case 'http1':
      return new Http1Pool(endpoint, context)
    case 'http2':
      return new Http2Pool(endpoint, context)
    case 'auto':
      return new PairPool(endpoint, 'alpn', context)
    case 'downstream':
      return new PairPool(endpoint, 'request', context)
  }
}
