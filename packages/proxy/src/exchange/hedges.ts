// Tries of one request that are under way beside each other: each that took too long, and the present one.
import type { Buffer } from 'node:buffer'
import type { Transport } from '@weft/core'
import type { Endpoint } from '@weft/engine'
import type { ActiveRequests, UpstreamCluster } from '../cluster/upstream-cluster.ts'
import type { BodyExtent, ResponseFailure, ResponseReceiver, UpstreamStream } from '../codec/http-stream.ts'
import type { MessageHead } from '../codec/message-head.ts'
import type { ProxyContext } from '../context.ts'
import type { AttemptLimitOwner } from './attempt-limits.ts'
import { Deadline, type DeadlineOwner } from './deadline-lists.ts'

/** What a try holds while it is under way. */
export interface HeldTry {
  readonly endpoint: Endpoint
  readonly stream: UpstreamStream
  readonly transport: Transport | undefined
  readonly active: ActiveRequests | undefined
  readonly sentMs: number
}

/** The forwarding whose tries they are. */
export interface Hedging extends ResponseReceiver, AttemptLimitOwner {
  /** A try is under way that was not set aside, or will be. */
  readonly trying: boolean
  /** An answer that would be repeated if it could be. */
  isBad(head: MessageHead): boolean
  /** Makes a try that was set aside the present and last one. */
  takeBack(held: HeldTry): void
}

/**
 * The tries of a request that is hedged. The present one is the forwarding's, as without hedging; one that takes too long is set aside
 * with all that it holds, and taken back when it has the answer.
 */
export class Hedges {
  readonly #forwarding: Hedging
  readonly #cluster: UpstreamCluster
  readonly #context: ProxyContext
  #present: HedgedTry | undefined = undefined
  readonly #aside = new Set<HedgedTry>()

  constructor(forwarding: Hedging, cluster: UpstreamCluster, context: ProxyContext) {
    this.#forwarding = forwarding
    this.#cluster = cluster
    this.#context = context
  }

  /** Some that were set aside may still answer. */
  get waiting(): boolean {
    return this.#aside.size > 0
  }

  /** The present try has a stream and is not known to be slow. */
  get inTime(): boolean {
    return this.#present?.slow === false
  }

  /** Begins the stream of the present try; returns who is told of its answer. */
  receiver(): ResponseReceiver {
    return (this.#present = new HedgedTry(this, this.#forwarding))
  }

  /** The present try took too long. */
  tooSlow(): void {
    if (this.#present !== undefined) this.#present.slow = true
  }

  /** The present try goes on without the forwarding. */
  setAside(held: HeldTry): void {
    const present = this.#present as HedgedTry
    this.#present = undefined
    present.held = held
    this.#aside.add(present)
    const { deadlines, runtime } = this.#context
    const mostMs = this.#cluster.cluster.http.maxStreamDurationMs
    if (mostMs > 0) deadlines.arm(present.limit, Math.max(1, mostMs - (runtime.clock.nowMs() - held.sentMs)))
  }

  /** Lets go of all that were set aside: another has the answer, or nobody waits for one. */
  end(): void {
    for (const one of [...this.#aside]) this.#drop(one)
  }

  /** An answer of one that was set aside. True: it is passed over, since another may have a better one. */
  passesOver(one: HedgedTry, head: MessageHead): boolean {
    if (!this.#isLast(one) && this.#forwarding.isBad(head)) {
      this.#cluster.observe((one.held as HeldTry).endpoint, head)
      this.#drop(one)
      return true
    }
    this.takeBack(one)
    return false
  }

  /** One that was set aside is over without an answer. True: another may have one. */
  lost(one: HedgedTry): boolean {
    if (this.#isLast(one)) {
      this.takeBack(one)
      return false
    }
    this.#cluster.observe((one.held as HeldTry).endpoint, 'local-failure')
    this.#drop(one)
    return true
  }

  /** Gives one that was set aside to the forwarding; the others are let go. */
  takeBack(one: HedgedTry): void {
    const held = one.held as HeldTry
    this.#aside.delete(one)
    this.#context.deadlines.disarm(one.limit)
    one.held = undefined
    this.end()
    this.#forwarding.takeBack(held)
  }

  #isLast(one: HedgedTry): boolean {
    return !this.#forwarding.trying && this.#aside.size === 1 && this.#aside.has(one)
  }

  #drop(one: HedgedTry): void {
    const { stream, active } = one.held as HeldTry
    this.#aside.delete(one)
    this.#context.deadlines.disarm(one.limit)
    one.over = true
    stream.abandon()
    if (active !== undefined) this.#cluster.endRequest(active)
  }
}

/** One try: what its stream tells goes to the forwarding while it is the present one, or once it has the answer. */
class HedgedTry implements ResponseReceiver, DeadlineOwner {
  /** Set while it is set aside. */
  held: HeldTry | undefined = undefined
  slow = false
  /** What is still told of this read is nobody's. */
  over = false
  /** Of the stream, while it is set aside. */
  readonly limit: Deadline = new Deadline(this)
  readonly #hedges: Hedges
  readonly #forwarding: Hedging

  constructor(hedges: Hedges, forwarding: Hedging) {
    this.#hedges = hedges
    this.#forwarding = forwarding
  }

  onInformational(head: MessageHead): void {
    if (this.over) return
    // As to Envoy: with it the answer has begun.
    if (this.held !== undefined) this.#hedges.takeBack(this)
    this.#forwarding.onInformational(head)
  }

  onHead(head: MessageHead, body: BodyExtent): void {
    if (this.over || (this.held !== undefined && this.#hedges.passesOver(this, head))) return
    this.#forwarding.onHead(head, body)
  }

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.#isPresent) this.#forwarding.onData(bytes, start, end)
  }

  onEnd(trailers: MessageHead | undefined): void {
    if (this.#isPresent) this.#forwarding.onEnd(trailers)
  }

  onFlush(): void {
    if (this.#isPresent) this.#forwarding.onFlush()
  }

  onWritable(): void {
    if (this.#isPresent) this.#forwarding.onWritable()
  }

  onFailure(failure: ResponseFailure): void {
    if (this.over || (this.held !== undefined && this.#hedges.lost(this))) return
    this.#forwarding.onFailure(failure)
  }

  /** Its stream lasted as long as one may. */
  onDeadline(): void {
    if (this.held !== undefined && !this.#hedges.lost(this)) this.#forwarding.onLimit('stream')
  }

  get #isPresent(): boolean {
    return !this.over && this.held === undefined
  }
}
