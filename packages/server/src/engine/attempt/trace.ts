import type { LaneItem } from '../../store/operations/lanes/lanes.ts'
import type { Destination } from './destinations.ts'
import type { Exchange } from './outcome.ts'

export type AttemptTrace = {
  /** The `traceparent` header sent to the receiver. Null for none. */
  readonly traceparent: string | null
  /** @param exchange the result of the request; null if it was not begun */
  end(exchange: Exchange | null): void
}

/** Begins a trace for an attempt. Null if the attempt is not traced. */
export type BeginTrace = (destination: Destination, item: LaneItem) => AttemptTrace | null

/** Passes the publisher's own `traceparent` to receivers unchanged. */
export const forwardTrace: BeginTrace = (_destination, { traceparent = null }) =>
  traceparent === null ? null : { traceparent, end: () => {} }
