import type { EffectiveTimeouts } from '@weft/engine'
import { Deadline, type DeadlineLists, type DeadlineOwner } from './deadline-lists.ts'

/** `whole`: from the end of the request to the end of the answer; the others concern one attempt. */
export type AttemptLimit = 'whole' | 'try' | 'try idle' | 'stream'

/** Told when a limit has passed. */
export interface AttemptLimitOwner {
  onLimit(limit: AttemptLimit): void
}

/** The time limits of a request that is forwarded. Made only where there are any, and each only where it is one. */
export class AttemptLimits implements DeadlineOwner {
  readonly #owner: AttemptLimitOwner
  readonly #deadlines: DeadlineLists
  readonly #times: EffectiveTimeouts
  readonly #streamMs: number
  #whole: Deadline | undefined = undefined
  #try: Deadline | undefined = undefined
  #idle: Deadline | undefined = undefined
  #stream: Deadline | undefined = undefined

  constructor(owner: AttemptLimitOwner, deadlines: DeadlineLists, times: EffectiveTimeouts, streamMs: number) {
    this.#owner = owner
    this.#deadlines = deadlines
    this.#times = times
    this.#streamMs = streamMs
  }

  /** The request is here as a whole. */
  onRequest(): void {
    if (this.#times.requestMs > 0) this.#deadlines.arm((this.#whole ??= new Deadline(this)), this.#times.requestMs)
  }

  /** An attempt has a stream, since a while. */
  onStream(sinceMs = 0): void {
    if (this.#streamMs <= 0) return
    this.#deadlines.arm((this.#stream ??= new Deadline(this)), Math.max(1, this.#streamMs - sinceMs))
  }

  /** The present attempt was sent as a whole. */
  onSent(): void {
    if (this.#times.perTryMs > 0) this.#deadlines.arm((this.#try ??= new Deadline(this)), this.#times.perTryMs)
    if (this.#times.perTryIdleMs > 0) this.#idle ??= new Deadline(this)
    this.onByte()
  }

  /** Something of the answer came. As by Envoy, nobody is idle while the request is on its way. */
  onByte(): void {
    if (this.#idle !== undefined) this.#deadlines.arm(this.#idle, this.#times.perTryIdleMs)
  }

  /** The answer has begun. */
  onHead(): void {
    this.#disarm(this.#try)
    this.onByte()
  }

  /** The stream carries a tunnel: it may be silent, and last as long as a stream may. */
  onTunnel(): void {
    this.#disarm(this.#whole)
    this.#disarm(this.#try)
    this.#endIdle()
  }

  /** The present attempt is over. */
  onAttemptOver(): void {
    this.#disarm(this.#try)
    this.#endIdle()
    this.#disarm(this.#stream)
  }

  /** The last attempt is over. */
  onOver(): void {
    this.#disarm(this.#whole)
    this.onAttemptOver()
  }

  #endIdle(): void {
    this.#disarm(this.#idle)
    this.#idle = undefined
  }

  #disarm(deadline: Deadline | undefined): void {
    if (deadline !== undefined) this.#deadlines.disarm(deadline)
  }

  onDeadline(deadline: Deadline): void {
    if (deadline === this.#whole) this.#owner.onLimit('whole')
    else if (deadline === this.#try) this.#owner.onLimit('try')
    else this.#owner.onLimit(deadline === this.#idle ? 'try idle' : 'stream')
  }
}

/** The limits of a request, if it has any; `streamMs`: of the upstream's stream from its beginning to its end, 0: none. */
export function attemptLimits(
  owner: AttemptLimitOwner,
  deadlines: DeadlineLists,
  times: EffectiveTimeouts,
  streamMs: number,
): AttemptLimits | undefined {
  const { requestMs, perTryMs, perTryIdleMs } = times
  const limited = requestMs > 0 || perTryMs > 0 || perTryIdleMs > 0 || streamMs > 0
  return limited ? new AttemptLimits(owner, deadlines, times, streamMs) : undefined
}
