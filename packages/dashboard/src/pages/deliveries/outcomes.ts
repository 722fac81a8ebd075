import type { Retries } from '@posthorn/client'

/** What a retry did, or would do. */
export type Outcome = {
  /** Deliveries that are sent again: pending ones now, those that have ended as new deliveries. */
  readonly sent: number
  /** Those that were sent again since, and were left alone. */
  readonly superseded: number
  /** Those that can't be retried: how many, by the reason. */
  readonly refused: ReadonlyMap<string, number>
  /** Whether more match than were looked at. */
  readonly hasMore: boolean
}

export const NOTHING: Outcome = { sent: 0, superseded: 0, refused: new Map(), hasMore: false }

/** Adds what one call did. */
export function add(
  before: Outcome,
  { madeDue, created, superseded, refused }: Omit<Retries, 'searchedTo' | 'nextCursor'>,
): Outcome {
  const reasons = new Map(before.refused)
  for (const { detail } of refused) reasons.set(detail, (reasons.get(detail) ?? 0) + 1)
  return {
    sent: before.sent + madeDue + created,
    superseded: before.superseded + superseded,
    refused: reasons,
    hasMore: false,
  }
}
