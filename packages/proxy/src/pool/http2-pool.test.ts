import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TransportClose } from '@weft/core'
import type { Cluster, Endpoint } from '@weft/engine'
import { FrameType } from '../codec/h2/frame.ts'
import { createH2Shared } from '../codec/h2/h2-shared.ts'
import {
  answerHead,
  frame,
  headFrame,
  ManualTime,
  MemoryTransport,
  SeenAnswer,
  settings,
} from '../codec/h2/h2-under-test.ts'
import type { UpstreamStream } from '../codec/http-stream.ts'
import type { Dialed } from './dial.ts'
import { Http2Pool } from './http2-pool.ts'
import { PairPool } from './pair-pool.ts'
import type { Pool, PoolContext, PoolFailure, PoolWaiter } from './pool.ts'

interface Dial {
  readonly offers: readonly string[]
  open(made?: Partial<Dialed> & { readonly alpn?: string }): MemoryTransport
  fail(): void
}

/** A pool whose dials the test completes. */
function poolUnderTest(
  make: (endpoint: Endpoint, context: PoolContext) => Pool,
  http: object = {},
  limits: object = {},
) {
  const time = new ManualTime()
  const dials: Dial[] = []
  const counts = { opened: 0, closed: 0, failed: 0, empty: 0 }
  const cluster = {
    breakers: { default: { maxConnections: 4, maxPendingRequests: 100, maxRequests: 100, ...limits } },
    http: {
      ...{ idleTimeoutMs: 0, maxRequestsPerConnection: 0, maxConnectionDurationMs: 0, http1Trailers: false },
      http2: { allowConnect: false },
      ...http,
    },
  } as unknown as Cluster
  const context: PoolContext = {
    budget: { cluster, connections: 0, pending: 0 },
    h2: createH2Shared({ clock: time, timers: time }),
    nowMs: () => time.nowMs(),
    dial: (_endpoint, offers, onOpen, onFail) => {
      dials.push({
        offers,
        open: ({ alpn, ...made } = {}) => {
          const transport = Object.assign(new MemoryTransport(), alpn === undefined ? {} : { alpn })
          onOpen({ transport, own: undefined, retireMs: Infinity, ...made })
          return transport
        },
        fail: () => onFail({ reason: 'refused', detail: 'refused' } satisfies TransportClose, false),
      })
      return () => {}
    },
    onOpened: () => void counts.opened++,
    onClosed: () => void counts.closed++,
    onConnectFailed: () => void counts.failed++,
    onEmpty: () => void counts.empty++,
  }
  const pool = make({ key: 'a:1' } as Endpoint, context)
  return { pool, dials, counts, context, time }
}

const http2 = (endpoint: Endpoint, context: PoolContext): Pool => new Http2Pool(endpoint, context)

class Waiting implements PoolWaiter {
  readonly http2 = true
  stream: UpstreamStream | undefined
  failure: PoolFailure | undefined
  onStream(stream: UpstreamStream): void {
    this.stream = stream
    begin(stream)
  }
  onPoolFailure(failure: PoolFailure): void {
    this.failure = failure
  }
}

function begin(stream: UpstreamStream): SeenAnswer {
  const seen = new SeenAnswer(stream as ConstructorParameters<typeof SeenAnswer>[0])
  const request = { method: 'GET', path: '/', authority: 'a', scheme: 'http', upgrade: undefined }
  stream.begin(seen, { ...request, head: answerHead(0), extra: [], body: 'none' })
  return seen
}

const wait = (pool: Pool): Waiting => {
  const waiter = new Waiting()
  pool.wait(waiter)
  return waiter
}
const answer = (id: number): Buffer => headFrame(id, [[':status', '204']], true)

test('those who wait share one dial, and one failure', () => {
  const { pool, dials, context, counts } = poolUnderTest(http2)
  const first = [wait(pool), wait(pool), wait(pool)]
  assert.deepEqual([dials.length, dials[0]?.offers, context.budget.pending], [1, ['h2'], 3])
  dials[0]?.fail()
  assert.deepEqual(
    first.map(({ failure }) => failure?.kind),
    ['connect', 'connect', 'connect'],
  )
  assert.deepEqual([context.budget.connections, context.budget.pending, counts.failed], [0, 0, 1])
  const second = [wait(pool), wait(pool)]
  dials[1]?.open()
  assert.ok(second.every(({ stream }) => stream !== undefined))
  assert.deepEqual([dials.length, counts.opened, context.budget.pending], [2, 1, 0])
})

test('more may not wait than the limit says, and one who gave up is forgotten', () => {
  const { pool, dials, context } = poolUnderTest(http2, {}, { maxPendingRequests: 2 })
  const [gone, kept] = [wait(pool), wait(pool)]
  assert.equal(wait(pool).failure?.kind, 'overflow')
  pool.cancel(gone as Waiting)
  assert.equal(context.budget.pending, 1)
  dials[0]?.open()
  assert.deepEqual([gone?.stream, kept?.stream === undefined], [undefined, false])
})

test('streams that are used up lead to another connection; freed ones serve those who wait first', () => {
  const { pool, dials } = poolUnderTest(http2, {}, { maxConnections: 2 })
  wait(pool)
  const transport = dials[0]?.open() as MemoryTransport
  transport.handler.onData(settings([3, 1]))
  const second = wait(pool)
  assert.deepEqual([dials.length, second.stream], [2, undefined])
  dials[1]?.open().handler.onData(settings([3, 1]))
  assert.ok(second.stream !== undefined)
  const third = wait(pool)
  assert.deepEqual([dials.length, third.stream], [2, undefined], 'no more connections than the cluster allows')
  transport.handler.onData(answer(1))
  assert.ok(third.stream !== undefined)
})

const facts = (serial: string) => ({ serial, spiffeId: undefined, notBeforeMs: 0, notAfterMs: 60_000 })

test('a rotated certificate: the connection finishes what it carries, the next request opens a new one', () => {
  const { pool, dials, counts, time } = poolUnderTest(http2)
  const before = wait(pool)
  const old = dials[0]?.open({ own: facts('old') }) as MemoryTransport
  old.handler.onData(settings())
  pool.drain(({ own }) => own?.serial !== 'new')
  assert.equal(pool.take(true), undefined)
  const after = wait(pool)
  dials[1]?.open({ own: facts('new') })
  assert.ok(after.stream !== undefined && before.stream !== undefined)
  assert.equal(old.ended, false)
  old.handler.onData(answer(1))
  time.turn()
  assert.equal(old.ended, true)
  old.handler.onClose({ reason: 'closed', detail: '' })
  assert.deepEqual([counts.closed, dials.length], [1, 2])
})

test('a connection whose certificate runs out is not used for new requests', () => {
  const { pool, dials, time } = poolUnderTest(http2)
  wait(pool)
  dials[0]?.open({ retireMs: 1_000 })
  assert.ok(pool.take(true) !== undefined)
  time.advance(1_000)
  assert.equal(pool.take(true), undefined)
})

test('GOAWAY sends those who wait to a new connection; a removed endpoint finishes and is empty then', () => {
  const { pool, dials, counts, context } = poolUnderTest(http2)
  wait(pool)
  const transport = dials[0]?.open() as MemoryTransport
  transport.handler.onData(settings([3, 1]))
  wait(pool)
  assert.equal(dials.length, 2)
  transport.handler.onData(frame(FrameType.GOAWAY, 0, 0, Buffer.from([0, 0, 0, 1, 0, 0, 0, 0])))
  const more = dials[1]?.open() as MemoryTransport
  more.handler.onData(settings())
  pool.close()
  assert.equal(counts.empty, 0)
  transport.handler.onClose({ reason: 'closed', detail: '' })
  more.handler.onData(frame(FrameType.RST_STREAM, 0, 1, Buffer.from([0, 0, 0, 8])))
  more.handler.onClose({ reason: 'closed', detail: '' })
  assert.deepEqual([counts.empty, context.budget.connections], [1, 0])
})

test('by ALPN: one dial offers both, the choice is remembered, and another choice moves those who wait', () => {
  const { pool, dials, context } = poolUnderTest((endpoint, given) => new PairPool(endpoint, 'alpn', given))
  const waiting = [wait(pool), wait(pool)]
  assert.deepEqual([dials.length, dials[0]?.offers], [1, ['h2', 'http/1.1']])
  dials[0]?.open({ alpn: 'http/1.1' })
  assert.deepEqual(
    waiting.map(({ stream }) => stream !== undefined),
    [true, false],
  )
  assert.deepEqual([dials.length, context.budget.pending, context.budget.connections], [2, 1, 2])
  dials[1]?.open({ alpn: 'h2' })
  assert.ok(waiting[1]?.stream !== undefined)
  assert.deepEqual([context.budget.pending, context.budget.connections], [0, 2])
  assert.ok(pool.take(false) !== undefined, 'HTTP/2 has room')
})
