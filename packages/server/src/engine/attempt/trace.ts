import type { LaneItem } from '../../store/operations/lanes/lanes.ts'
import type { Destination } from './destinations.ts'
import type { Exchange } from './outcome.ts'

export type AttemptTrace = {
  /** The `traceparent` header that the receiver gets; null: none. */
  readonly traceparent: string | null
  /** @param exchange what was had; null: the request was not begun */
  end(exchange: Exchange | null): void
}

/** null: the attempt is part of none. */
export type BeginTrace = (destination: Destination, item: LaneItem) => AttemptTrace | null

/** Receivers get the publisher's own, as it came. */
export const forwardTrace: BeginTrace = (_destination, { traceparent = null }) =>
  traceparent === null ? null : { traceparent, end: () => {} }
