/** Deliveries and their attempts. */
import { type Static, Type } from 'typebox'
import { ATTEMPT_ERRORS, DELIVERY_STATES, type DeliveryState, HELD_REASONS, type HeldReason } from '../../base/model.ts'
import { IntegerOrNull, ref, TextOrNull, Time, TimeOrNull, Word, WordOrNull } from './shapes.ts'

export const StateQuery = Word<DeliveryState>(DELIVERY_STATES, { description: 'Only deliveries in this state.' })
export const HeldReasonQuery = Word<HeldReason>(HELD_REASONS, { description: 'Only deliveries that are held for it.' })

const DELIVERY_MEMBERS = {
  id: Type.String(),
  event: Type.String(),
  endpoint: Type.String(),
  type: Type.String(),
  state: Word<DeliveryState>(DELIVERY_STATES),
  heldReason: WordOrNull(HELD_REASONS, {
    description: 'disabled: its endpoint is; set_aside: it was in flight at repeated crashes.',
  }),
  attemptCount: Type.Integer(),
  nextAttemptAt: TimeOrNull('When the next attempt falls due; null unless pending.'),
  replayOf: TextOrNull({ description: 'The delivery that this one repeats.' }),
  test: Type.Boolean(),
  createdAt: Time('When it was made.'),
  endedAt: TimeOrNull('When it was delivered, exhausted or cancelled.'),
}

export const DeliverySchema = Type.Object(DELIVERY_MEMBERS, { $id: 'Delivery' })
export type DeliveryView = Static<typeof DeliverySchema>

export const SetAsideDeliverySchema = Type.Object(
  { tenant: Type.String(), ...DELIVERY_MEMBERS },
  { $id: 'SetAsideDelivery', description: 'A delivery that is not sent until a person says so, with its tenant.' },
)
export type SetAsideDeliveryView = Static<typeof SetAsideDeliverySchema>

export const AttemptSchema = Type.Object(
  {
    number: Type.Integer(),
    startedAt: Time('When it began.'),
    durationMs: Type.Integer(),
    outcome: Word(['success', 'failure'] as const),
    status: IntegerOrNull({ description: "The answer's status; null if there was no answer." }),
    error: WordOrNull(ATTEMPT_ERRORS, { description: 'Why it failed.' }),
    address: TextOrNull({ description: 'The address connected to.' }),
    responseHeaders: Type.Array(Type.Array(Type.String(), { minItems: 2, maxItems: 2 }), {
      description: 'Name and value of each, as received, secrets blanked.',
    }),
    responseBody: Type.String({ description: 'The first 16 KiB as text, secrets blanked.' }),
    responseTruncated: Type.Boolean({ description: 'Whether there was more of it.' }),
    responseRemoved: Type.Boolean({ description: 'Headers and body were removed for their age.' }),
  },
  { $id: 'Attempt' },
)
export type AttemptView = Static<typeof AttemptSchema>

export const DeliveryDetailSchema = Type.Object(
  { ...DELIVERY_MEMBERS, attempts: Type.Array(ref<AttemptView>('Attempt')) },
  { $id: 'DeliveryDetail' },
)
export type DeliveryDetail = Static<typeof DeliveryDetailSchema>
