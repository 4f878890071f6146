import type { Endpoint } from '@weft/engine'
import type { UpstreamStream } from '../codec/http-stream.ts'
import type { Dialed } from './dial.ts'
import { Http1Pool } from './http1-pool.ts'
import { Http2Pool } from './http2-pool.ts'
import type { Pool, PoolContext, PooledConnection, PoolWaiter } from './pool.ts'

const both: readonly string[] = ['h2', 'http/1.1']
const speaksHttp2 = ({ transport }: Dialed): boolean => transport.alpn === 'h2'

/**
 * An HTTP/1.1 and an HTTP/2 pool for one endpoint. `by` request: the client's protocol chooses. `by` ALPN: the server does, and its choice
 * is remembered until a new connection chooses otherwise; a server without ALPN gets HTTP/1.1.
 */
export class PairPool implements Pool {
  readonly endpoint: Endpoint
  readonly #by: 'alpn' | 'request'
  readonly #http1: Http1Pool
  readonly #http2: Http2Pool
  readonly #context: PoolContext
  /** By ALPN: what the server chose last. At first the one whose waiters share a dial. */
  #chose2 = true
  #emptied = 0

  constructor(endpoint: Endpoint, by: 'alpn' | 'request', context: PoolContext) {
    this.endpoint = endpoint
    this.#by = by
    this.#context = context
    const inner: PoolContext = {
      budget: context.budget,
      h2: context.h2,
      nowMs: () => context.nowMs(),
      dial: (at, offers, onOpen, onFail) => context.dial(at, offers, onOpen, onFail),
      onOpened: () => context.onOpened(),
      onClosed: () => context.onClosed(),
      onConnectFailed: () => context.onConnectFailed(),
      onEmpty: () => this.#onEmpty(),
    }
    const choice = (http2: boolean) =>
      by === 'request'
        ? undefined
        : {
            offers: both,
            accepts: (dialed: Dialed) => speaksHttp2(dialed) === http2,
            onOther: (dialed: Dialed) => this.#onOther(!http2, dialed),
          }
    this.#http1 = new Http1Pool(endpoint, inner, choice(false))
    this.#http2 = new Http2Pool(endpoint, inner, choice(true))
  }

  get vacant(): boolean {
    return this.#http1.vacant && this.#http2.vacant
  }

  take(http2: boolean): UpstreamStream | undefined {
    return this.#of(http2).take()
  }

  wait(waiter: PoolWaiter): void {
    this.#of(waiter.http2).wait(waiter)
  }

  cancel(waiter: PoolWaiter): void {
    this.#http1.cancel(waiter)
    this.#http2.cancel(waiter)
  }

  surrender(): readonly PoolWaiter[] {
    return [...this.#http1.surrender(), ...this.#http2.surrender()]
  }

  drain(stale: (connection: PooledConnection) => boolean): void {
    this.#http1.drain(stale)
    this.#http2.drain(stale)
  }

  sweep(nowMs: number): void {
    this.#http1.sweep(nowMs)
    this.#http2.sweep(nowMs)
  }

  close(): void {
    this.#http1.close()
    this.#http2.close()
  }

  #of(http2: boolean): Http1Pool | Http2Pool {
    return (this.#by === 'request' ? http2 : this.#chose2) ? this.#http2 : this.#http1
  }

  /** The server chose the other protocol: its connection and those who wait move over. */
  #onOther(http2: boolean, dialed: Dialed): void {
    const [from, to] = http2 ? [this.#http1, this.#http2] : [this.#http2, this.#http1]
    this.#chose2 = http2
    const waiters = from.surrender()
    from.drain(() => true)
    to.adopt(dialed)
    for (const waiter of waiters) {
      const stream = to.take()
      if (stream === undefined) to.wait(waiter)
      else waiter.onStream(stream)
    }
  }

  #onEmpty(): void {
    if (++this.#emptied === 2) this.#context.onEmpty(this)
  }
}
