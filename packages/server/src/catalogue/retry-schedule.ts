/** C12: which retry schedule applies to a delivery, and how long it waits before a retry. Decided only here. */
import type { RetrySchedule } from '../base/model.ts'

/** Random jitter: a wait is extended by up to this fraction of itself, and never shortened. */
const JITTER = 0.1

/** The endpoint's schedule if it has one, else the event type's, else the setting. Null stands for none of its own. */
export function scheduleInForce(
  ofEndpoint: RetrySchedule | null,
  ofType: RetrySchedule | null,
  setting: RetrySchedule,
): RetrySchedule {
  return ofEndpoint ?? ofType ?? setting
}

/**
 * The actual length of one of a schedule's waits, in milliseconds.
 *
 * @param random from 0 for the shortest wait to 1 for the longest
 */
export function retryWaitMs(waitSeconds: number, random: number): number {
  return waitSeconds * 1_000 * (1 + JITTER * random)
}
