// A token bucket: `(state, wanted, now) -> state`.

/** How a bucket fills. */
export interface TokenBucketSpec {
  readonly tokensMax: number
  readonly tokensPerFill: number
  readonly fillIntervalMs: number
}

/** Tokens left, and when the last filling happened (monotonic milliseconds). */
export interface TokenBucket {
  readonly tokens: number
  readonly filledAtMs: number
}

/** A full bucket. */
export function fullBucket(spec: TokenBucketSpec, nowMs: number): TokenBucket {
  return { tokens: spec.tokensMax, filledAtMs: nowMs }
}

/** Takes `wanted` tokens, all or none; whole intervals that have passed fill the bucket first. */
export function takeTokens(
  spec: TokenBucketSpec,
  bucket: TokenBucket,
  wanted: number,
  nowMs: number,
): { readonly taken: boolean; readonly bucket: TokenBucket } {
  const fills = Math.max(0, Math.floor((nowMs - bucket.filledAtMs) / spec.fillIntervalMs))
  const tokens = Math.min(spec.tokensMax, bucket.tokens + fills * spec.tokensPerFill)
  const filledAtMs = bucket.filledAtMs + fills * spec.fillIntervalMs
  if (wanted > tokens) return { taken: false, bucket: { tokens, filledAtMs } }
  return { taken: true, bucket: { tokens: tokens - wanted, filledAtMs } }
}
