/** C12: which retry schedule holds for a delivery, and how long it waits before a retry. Decided here and nowhere else. */
import type { RetrySchedule } from '../base/model.ts'

/** Each wait gets up to this part of itself on top, at random, and never less. */
const JITTER = 0.1

/** The endpoint's counts before the type's, and that before the setting. null: it has none of its own. */
export function scheduleInForce(
  ofEndpoint: RetrySchedule | null,
  ofType: RetrySchedule | null,
  setting: RetrySchedule,
): RetrySchedule {
  return ofEndpoint ?? ofType ?? setting
}

/**
 * How long a wait of a schedule takes, in milliseconds.
 *
 * @param random from 0, the shortest, to 1, the longest
 */
export function retryWaitMs(waitSeconds: number, random: number): number {
  return waitSeconds * 1_000 * (1 + JITTER * random)
}
