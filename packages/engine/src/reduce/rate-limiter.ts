// The buckets of one rate limit filter: one for each limit and each value that is counted apart, of which the ones not used for the
// longest are forgotten, so that nobody can fill the memory with values.
import { countedUnder, descriptorValues } from '../decide/rate-limit.ts'
import type { DescriptorRecipe, HttpRateLimit } from '../model-rate-limits.ts'
import type { Subject } from '../request-head.ts'
import { fullBucket, takeTokens, type TokenBucket, type TokenBucketSpec } from './token-bucket.ts'

const mostBuckets = 10_000

/** Counts the requests of one filter. */
export class RateLimiter {
  readonly #limit: HttpRateLimit
  /** The least recently used first. */
  readonly #buckets = new Map<string, TokenBucket>()

  constructor(limit: HttpRateLimit) {
    this.#limit = limit
  }

  /** Whether a request may pass; one that may not takes no tokens of the limits behind the one it fails. */
  admits(recipes: readonly DescriptorRecipe[], subject: Subject, nowMs: number): boolean {
    for (const recipe of recipes) {
      const values = descriptorValues(recipe, subject)
      if (values === undefined) continue
      for (const [index, counted] of this.#limit.limits.entries()) {
        const apart = countedUnder(counted, recipe, values)
        if (apart !== undefined && !this.#take(`${index} ${apart}`, counted.bucket, nowMs)) return false
      }
    }
    return this.#limit.all === undefined || this.#take('', this.#limit.all, nowMs)
  }

  #take(key: string, spec: TokenBucketSpec, nowMs: number): boolean {
    const known = this.#buckets.get(key)
    const { taken, bucket } = takeTokens(spec, known ?? fullBucket(spec, nowMs), 1, nowMs)
    if (known !== undefined) this.#buckets.delete(key)
    else if (this.#buckets.size >= mostBuckets) {
      const [oldest] = this.#buckets.keys()
      if (oldest !== undefined) this.#buckets.delete(oldest)
    }
    this.#buckets.set(key, bucket)
    return taken
  }
}
