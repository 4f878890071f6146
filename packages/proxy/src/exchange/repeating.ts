import { type AttemptOutcome, noRetries, type RetryPolicy, retryVerdict } from '@weft/engine'
import type { UpstreamCluster } from '../cluster/upstream-cluster.ts'
import type { ErrorEntry } from './error-table.ts'
import type { Exchange } from './exchange.ts'

/** What of forwarding an exchange concerns its repetition. */
export abstract class Repeating {
  protected readonly exchange: Exchange
  protected readonly cluster: UpstreamCluster
  protected readonly policy: RetryPolicy
  protected readonly declared: boolean
  protected retries = 0
  /** This attempt counts as a repetition. */
  protected retrying = false
  /** An interim answer came. */
  protected informed = false

  constructor(exchange: Exchange, cluster: UpstreamCluster, policy: RetryPolicy | undefined) {
    this.exchange = exchange
    this.cluster = cluster
    this.policy = policy ?? noRetries
    // A policy that reaches us by xDS is a declaration, as it is to Envoy; the control plane's default is written so
    // that it repeats nothing that may have been processed.
    this.declared = policy !== undefined
  }

  /** True while the request may have to be sent again. */
  get mayRepeat(): boolean {
    return this.declared && this.retries < this.policy.numRetries && this.exchange.body.replayable
  }

  /** Milliseconds to the next attempt; undefined: there is none. */
  protected retryAfterMs(outcome: AttemptOutcome): number | undefined {
    const exchange = this.exchange
    this.endRetry()
    if (!exchange.body.replayable) return undefined
    const state = { policy: this.policy, retries: this.retries, subject: exchange, declared: this.declared }
    const verdict = retryVerdict(state, outcome, exchange.context.random.float())
    if (verdict.kind === 'retry') {
      this.retrying = this.cluster.beginRetry()
      if (this.retrying) return verdict.afterMs
      exchange.flag('UO')
    } else if (verdict.reason === 'limit') exchange.flag('URX')
    return undefined
  }

  /** The repetition, if this was one, no longer counts against the limits. */
  protected endRetry(): void {
    if (this.retrying) this.cluster.endRetry()
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
