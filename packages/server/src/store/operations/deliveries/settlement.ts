/** What an attempt came to, as it is settled, and what the store answers to that. */
import type { Attempt, DeliveryId, EndpointId, EventId, TenantId } from '../../../base/model.ts'
import type { EndpointMark, PlacedMark } from '../endpoints/marks.ts'

/** What an attempt makes of its delivery. */
export type NextStep =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'exhausted' }
  /** Another attempt follows. */
  | { readonly kind: 'retry'; readonly dueAtMs: number }

/** `headers`: as answer-headers.ts packs them. */
export type SettledAttempt = Omit<Attempt, 'responseHeaders'> & { readonly headers: Uint8Array }

/** One attempt's end: always recorded, and a step of its delivery where the fences let it. */
export type Settlement = {
  readonly tenant: TenantId
  readonly delivery: DeliveryId
  readonly endpoint: EndpointId
  readonly event: EventId
  /** The delivery repeats one that had ended: its event is an old one. */
  readonly replay: boolean
  readonly partition: number
  /** The epoch under which this node holds the partition. */
  readonly epoch: number
  readonly attempt: SettledAttempt
  readonly step: NextStep
  /** The receiver answered 410: the endpoint is to be disabled (C11). */
  readonly gone: boolean
  /** When the attempt fell due. */
  readonly dueAtMs: number
  readonly endedAtMs: number
  /** What it says of its endpoint; mostly nothing. */
  readonly marks?: readonly EndpointMark[]
}

/**
 * What became of the delivery: `ended`; when it falls due again, in milliseconds since 1970; or `unmoved`, because it
 * was not this attempt's to move.
 */
export type Moved = 'ended' | 'unmoved' | number

export type SettleResult = {
  /** Per settlement. */
  readonly moved: readonly Moved[]
  /** Endpoints that a 410 disabled just now. */
  readonly disabled: readonly { readonly tenant: TenantId; readonly endpoint: EndpointId }[]
}

/** A settlement as far as the store needs it. */
export type StoredSettlement = Omit<Settlement, 'attempt' | 'event' | 'replay' | 'marks'> & {
  readonly attempt: Omit<SettledAttempt, 'outcome'>
}

/** Given as whole outcomes; of these the store needs only so much. */
export type SettleArguments<Of extends StoredSettlement = Settlement> = {
  readonly settlements: readonly Of[]
  readonly marks: readonly PlacedMark[]
}

export const toSettleArguments = (settlements: readonly Settlement[]): SettleArguments => ({
  settlements,
  marks: settlements.flatMap(({ endpoint, epoch, marks = [] }) => marks.map(mark => ({ endpoint, epoch, mark }))),
})
