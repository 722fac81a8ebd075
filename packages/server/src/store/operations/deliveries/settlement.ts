/** What is settled about an attempt, and what the store returns. */
import type { Attempt, DeliveryId, EndpointId, EventId, TenantId } from '../../../base/model.ts'
import type { EndpointMark, PlacedMark } from '../endpoints/marks.ts'

/** What an attempt does to its delivery. */
export type NextStep =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'exhausted' }
  /** Another attempt follows. */
  | { readonly kind: 'retry'; readonly dueAtMs: number }

/** `headers` are packed as in answer-headers.ts, behind what else there is to say (attempt-notes.ts). */
export type SettledAttempt = Omit<Attempt, 'responseHeaders' | 'request' | 'detail' | 'reconnected'> & {
  readonly headers: Uint8Array
  /** The version of the endpoint's template that was sent. Null if nothing was. */
  readonly requestVersion: number | null
  /** The sender's id. Null if nothing was sent. */
  readonly sender: number | null
}

/** The end of an attempt. It is always recorded, and moves its delivery if the fences allow that. */
export type Settlement = {
  readonly tenant: TenantId
  readonly delivery: DeliveryId
  readonly endpoint: EndpointId
  readonly event: EventId
  /** The delivery repeats one that had ended, so its event is an earlier one. */
  readonly replay: boolean
  readonly partition: number
  /** The epoch with which this node holds the partition. */
  readonly epoch: number
  readonly attempt: SettledAttempt
  readonly step: NextStep
  /** The receiver responded with 410: the endpoint is to be disabled (C11). */
  readonly gone: boolean
  /** When the attempt fell due. */
  readonly dueAtMs: number
  readonly endedAtMs: number
  /** What the attempt shows about its endpoint; usually nothing. */
  readonly marks?: readonly EndpointMark[]
}

/**
 * What happened to the delivery: `ended`; the time when it falls due again, in milliseconds since 1970; or `unmoved`,
 * because this attempt was not allowed to move it.
 */
export type Moved = 'ended' | 'unmoved' | number

/** An outcome that is handed in to be stored. One of the functions is called, once. */
export type Settling = {
  readonly settlement: Settlement
  /** It is stored. */
  settled(moved: Moved): void
  /** It can't be stored, because of its own data. */
  failed(error: Error): void
}

export type SettleResult = {
  /** One for each settlement, in order. */
  readonly moved: readonly Moved[]
  /** Endpoints that were disabled just now because of a 410. */
  readonly disabled: readonly { readonly tenant: TenantId; readonly endpoint: EndpointId }[]
}

/** The part of a settlement that the store needs. */
export type StoredSettlement = Omit<Settlement, 'attempt' | 'event' | 'replay' | 'marks'> & {
  readonly attempt: Omit<SettledAttempt, 'outcome'>
}

/** Callers pass whole settlements; the store needs only a part of each. */
export type SettleArguments<Of extends StoredSettlement = Settlement> = {
  readonly settlements: readonly Of[]
  readonly marks: readonly PlacedMark[]
}

export const toSettleArguments = (settlements: readonly Settlement[]): SettleArguments => ({
  settlements,
  marks: settlements.flatMap(({ endpoint, epoch, marks = [] }) => marks.map(mark => ({ endpoint, epoch, mark }))),
})
