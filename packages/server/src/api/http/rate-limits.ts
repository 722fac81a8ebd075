import type { ApiKey } from '../../base/callers.ts'
import type { Clock } from '../../base/clock.ts'
import type { RateLimit } from '../../base/model.ts'

export type Rate = {
  readonly isAllowed: boolean
  /** Whole seconds until the next call is allowed; 0 if this one is. */
  readonly retryAfterSeconds: number
  /** The header fields of draft-ietf-httpapi-ratelimit-headers. */
  readonly headers: Readonly<Record<string, string>>
}

type Bucket = { tokens: number; atMs: number }

/** Limits the calls of each key with a token bucket per node: a burst up to the limit, then as fast as it refills. */
export class RateLimits {
  readonly #clock: Clock
  /** A bucket lives as long as its key is in the cache. */
  readonly #buckets = new WeakMap<ApiKey, Bucket>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Counts a call of the key. Undefined for a key without a limit. */
  take(key: ApiKey): Rate | undefined {
    const { rateLimit } = key
    if (rateLimit === null) return undefined
    const bucket = this.#refilled(key, rateLimit)
    const isAllowed = bucket.tokens >= 1
    if (isAllowed) bucket.tokens--
    const { requests, perSeconds } = rateLimit
    const secondsUntil = (tokens: number) => Math.max(0, Math.ceil(((tokens - bucket.tokens) * perSeconds) / requests))
    return {
      isAllowed,
      retryAfterSeconds: isAllowed ? 0 : Math.max(1, secondsUntil(1)),
      headers: {
        'ratelimit-policy': `"key";q=${requests};w=${perSeconds}`,
        ratelimit: `"key";r=${Math.floor(bucket.tokens)};t=${secondsUntil(requests)}`,
      },
    }
  }

  #refilled(key: ApiKey, { requests, perSeconds }: RateLimit): Bucket {
    const nowMs = this.#clock.monotonicMs()
    let bucket = this.#buckets.get(key)
    if (bucket === undefined) {
      bucket = { tokens: requests, atMs: nowMs }
      this.#buckets.set(key, bucket)
    }
    const refill = ((nowMs - bucket.atMs) * requests) / (perSeconds * 1000)
    bucket.tokens = Math.min(requests, bucket.tokens + refill)
    bucket.atMs = nowMs
    return bucket
  }
}
