import type { PeerIdentity, Timer, Transport } from '@weft/core'
import type { Cluster, Endpoint } from '@weft/engine'
import type { ActiveRequests } from '../cluster/upstream-cluster.ts'
import type { UpstreamStream } from '../codec/http-stream.ts'
import type { UpstreamFacts } from '../telemetry/exchange-record.ts'
import type { AttemptLimits } from './attempt-limits.ts'
import type { Hedges, HeldTry } from './hedges.ts'
import { Repeating } from './repeating.ts'

/** What forwarding an exchange holds of its present attempt, and how that comes and goes; telemetry is told of the last one. */
export abstract class Attempts extends Repeating implements UpstreamFacts {
  protected abstract readonly limits: AttemptLimits | undefined
  /** Undefined: it does not hedge. */
  protected abstract readonly hedges: Hedges | undefined
  endpoint: Endpoint | undefined = undefined
  /** Of the present attempt. */
  protected stream: UpstreamStream | undefined = undefined
  /** Of the last stream. */
  protected transport: Transport | undefined = undefined
  /** Counts it while it is under way. */
  protected active: ActiveRequests | undefined = undefined
  protected cancelWait: (() => void) | undefined = undefined
  protected backOff: Timer | undefined = undefined
  protected sentMs = 0
  protected discarding = -1
  transportFailure: string | undefined = undefined
  protected over = false
  /** Attempts that got a connection. */
  streams = 0

  /** Begins the next attempt. */
  abstract attempt(): void

  /** Gives everything up: the exchange is answered otherwise, or gone. */
  abandon(): void {
    if (this.over) return
    this.over = true
    this.endAttempt()
    this.endRetry()
    this.hedges?.end()
    this.limits?.onOver()
    this.backOff?.cancel()
  }

  /** One is under way that was not set aside, or will be. */
  get trying(): boolean {
    return this.active !== undefined || this.backOff !== undefined
  }

  /** The try takes too long: the next is sent beside it, if there may be one. */
  protected hedge(hedges: Hedges): void {
    this.missed()
    hedges.tooSlow()
    const afterMs = this.hedgeAfterMs()
    if (afterMs === undefined) return
    const [endpoint, stream] = [this.endpoint as Endpoint, this.stream as UpstreamStream]
    hedges.setAside({ endpoint, stream, transport: this.transport, active: this.active, sentMs: this.sentMs })
    this.stream = undefined
    this.active = undefined
    this.limits?.onAttemptOver()
    this.scheduleRetry(afterMs)
  }

  /** An attempt that was set aside is the present one again, and the last. */
  takeBack({ endpoint, stream, transport, active, sentMs }: HeldTry): void {
    this.backOff?.cancel()
    this.backOff = undefined
    this.endAttempt()
    this.discarding = -1
    this.spent = true
    this.endpoint = endpoint
    this.stream = stream
    this.transport = transport
    this.active = active
    this.sentMs = sentMs
    this.limits?.onStream(this.exchange.context.runtime.clock.nowMs() - sentMs)
  }

  get cluster(): Cluster {
    return this.living.cluster
  }
  get attempts(): number {
    return this.exchange.attempts
  }
  get peer(): PeerIdentity | undefined {
    return this.transport?.peer
  }
  get localAddress(): string | undefined {
    return this.transport === undefined ? undefined : `${this.transport.localAddress}:${this.transport.localPort}`
  }

  /** Begins the next attempt after a while. */
  protected scheduleRetry(afterMs: number): void {
    this.retries++
    this.backOff = this.exchange.context.runtime.timers.set(afterMs, () => {
      this.backOff = undefined
      if (!this.over) this.attempt()
    })
  }

  /** The endpoint did not say what it should have said. */
  protected missed(): void {
    if (this.endpoint !== undefined) this.living.observe(this.endpoint, 'local-failure')
  }

  /** Ends the present attempt, whatever its state; its connection, if any, cannot be used again. */
  protected endAttempt(): void {
    this.cancelWait?.()
    this.cancelWait = undefined
    const stream = this.stream
    this.stream = undefined
    stream?.abandon()
    this.#uncount()
  }

  /** The answer is complete and the connection is back in its pool. */
  protected settle(): void {
    this.over = true
    this.stream = undefined
    this.endRetry()
    this.limits?.onOver()
    this.#uncount()
  }

  #uncount(): void {
    this.limits?.onAttemptOver()
    if (this.active === undefined) return
    this.living.endRequest(this.active)
    this.active = undefined
  }
}
