import type { PartLook } from '../store/operations/replays/parts.ts'

export type ReplayRate = {
  /** Made and not tried, at most. */
  readonly allowed: number
  /** Made and not tried, as of the last look and with what was made after it. */
  readonly untried: number
  /** Something failed, and nothing has been tried since that did not. */
  readonly isFailing: boolean
}

/** Half of a lane's usual window: they are all in flight at once, and leave room beside them. */
const FIRST_ALLOWED = 16

export const FIRST_RATE: ReplayRate = { allowed: 0, untried: 0, isFailing: false }

/**
 * What the endpoint has taken since the last look it may be given again, and twice as many if it took them all. Where
 * one can stand in the way of others, it begins with one; while it fails, it stays at one.
 *
 * @param most never more than these
 */
export function rateAfter(before: ReplayRate, look: PartLook, most: number): ReplayRate {
  const { untried, isNarrow } = look
  const isFailing = look.isFailing || (before.isFailing && untried > 0)
  if (isFailing) return { allowed: 1, untried, isFailing }
  const taken = Math.max(0, before.untried - untried)
  const allowed = Math.max(isNarrow ? 1 : FIRST_ALLOWED, untried === 0 ? before.allowed * 2 : taken)
  return { allowed: Math.min(allowed, Math.max(1, most)), untried, isFailing }
}

/** What may be made now. */
export const roomOf = ({ allowed, untried }: ReplayRate): number => Math.max(0, allowed - untried)
