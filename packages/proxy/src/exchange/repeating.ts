import {
  type AttemptOutcome,
  hedgeVerdict,
  type InternalRedirects,
  isRepeated,
  noRetries,
  type RetryPolicy,
  type RetryState,
  type RetryVerdict,
  retryVerdict,
} from '@weft/engine'
import type { UpstreamCluster } from '../cluster/upstream-cluster.ts'
import type { MessageHead } from '../codec/message-head.ts'
import type { ErrorEntry } from './error-table.ts'
import type { Exchange } from './exchange.ts'
import { mayBeRetriable } from './may-be-retriable.ts'

/** What of forwarding an exchange concerns its repetition. */
export abstract class Repeating {
  protected readonly exchange: Exchange
  protected readonly living: UpstreamCluster
  protected readonly policy: RetryPolicy
  protected readonly declared: boolean
  /** Answers that are followed; undefined: none. */
  protected readonly redirects: InternalRedirects | undefined
  protected retries = 0
  /** This attempt counts as a repetition. */
  protected retrying = false
  /** The present try was repeated already. */
  protected spent = false
  /** An interim answer came. */
  protected informed = false

  constructor(
    exchange: Exchange,
    living: UpstreamCluster,
    policy: RetryPolicy | undefined,
    redirects: InternalRedirects | undefined,
  ) {
    this.exchange = exchange
    this.redirects = redirects
    this.living = living
    this.policy = policy ?? noRetries
    // A policy that reaches us by xDS is a declaration, as it is to Envoy; the control plane's default is written so
    // that it repeats nothing that may have been processed.
    this.declared = policy !== undefined
  }

  /** True while the request may have to be sent again. */
  get mayRepeat(): boolean {
    return this.declared && !this.spent && this.retries < this.policy.numRetries && this.exchange.body.replayable
  }

  /** True while the request's body may be needed again, here or elsewhere: not once an answer is passed on. */
  get keepsBody(): boolean {
    if (this.exchange.responseStarted) return false
    return this.mayRepeat || (this.redirects !== undefined && this.exchange.body.replayable)
  }

  /** Milliseconds to the next attempt; undefined: there is none. */
  protected retryAfterMs(outcome: AttemptOutcome): number | undefined {
    this.endRetry()
    if (this.spent || this.exchange.body.outgrown) return undefined
    return this.#granted(retryVerdict(this.#state, outcome, this.exchange.context.random.float()))
  }

  /** Milliseconds until another try is sent beside one that takes too long; undefined: there is none. */
  protected hedgeAfterMs(): number | undefined {
    this.endRetry()
    if (this.spent || this.informed || this.exchange.body.outgrown) return undefined
    return this.#granted(hedgeVerdict(this.#state, this.exchange.context.random.float()))
  }

  /** An answer that would be repeated if it could be. */
  isBad(head: MessageHead): boolean {
    return mayBeRetriable(this.policy, head) && isRepeated(this.#state, outcomeOf(head))
  }

  /** A body that was let go because nothing is left to repeat it with is no obstacle of its own: the limit is (as in Envoy, URX). */
  #granted(verdict: RetryVerdict): number | undefined {
    if (verdict.kind === 'retry') {
      if (!this.exchange.body.replayable) return undefined
      this.retrying = this.living.beginRetry()
      if (this.retrying) return verdict.afterMs
      this.exchange.flag('UO')
    } else if (verdict.reason === 'limit') this.exchange.flag('URX')
    return undefined
  }

  get #state(): RetryState {
    return { policy: this.policy, retries: this.retries, subject: this.exchange, declared: this.declared }
  }

  /** The repetition, if this was one, no longer counts against the limits. */
  protected endRetry(): void {
    if (this.retrying) this.living.endRetry()
    this.retrying = false
  }

  /** An error in view of what came before it. */
  protected inDetail(error: ErrorEntry): ErrorEntry {
    const { body, details } = error
    return {
      ...error,
      body: this.retries > 0 ? body.replace('reset reason:', 'retried and the latest reset reason:') : body,
      details: this.informed ? details.replace('before_response', 'after_response') : details,
    }
  }
}

/** An answer as an outcome. */
export function outcomeOf(head: MessageHead): AttemptOutcome {
  return { kind: 'response', status: head.status, header: (name) => head.value(name) }
}
