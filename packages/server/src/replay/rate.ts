import type { PartLook } from '../store/operations/replays/parts.ts'

export type ReplayRate = {
  /** Maximum number of deliveries that are created but not yet attempted. */
  readonly allowed: number
  /** Deliveries created but not yet attempted: as of the last look, plus those created since. */
  readonly untried: number
  /** An attempt failed, and none made since has succeeded. */
  readonly isFailing: boolean
}

/** Half of a lane's usual window: all can be in flight at the same time, and leave room for other deliveries. */
const FIRST_ALLOWED = 16

export const FIRST_RATE: ReplayRate = { allowed: 0, untried: 0, isFailing: false }

/**
 * Allows as many as were attempted since the last look, or twice as many as before if all were. An endpoint where one
 * delivery can block others (`isNarrow`) starts with one; a failing endpoint stays at one.
 *
 * @param most upper bound of what is allowed
 */
export function rateAfter(before: ReplayRate, look: PartLook, most: number): ReplayRate {
  const { untried, isNarrow } = look
  const isFailing = look.isFailing || (before.isFailing && untried > 0)
  if (isFailing) return { allowed: 1, untried, isFailing }
  const taken = Math.max(0, before.untried - untried)
  const allowed = Math.max(isNarrow ? 1 : FIRST_ALLOWED, untried === 0 ? before.allowed * 2 : taken)
  return { allowed: Math.min(allowed, Math.max(1, most)), untried, isFailing }
}

/** How many deliveries can be created now. */
export const roomOf = ({ allowed, untried }: ReplayRate): number => Math.max(0, allowed - untried)
