/** Events, as published and as shown. */

import { type Static, Type } from 'typebox'
import type { FieldError } from '../../../base/errors.ts'
import { DELIVERY_STATES, HELD_REASONS, NOT_MADE_REASONS } from '../../../base/model.ts'
import { Fault } from '../../http/problem-schema.ts'
import { IntegerOrNull, ref, strict, TextOrNull, Time, TimeOrNull, Word, WordOrNull } from '../../http/shapes.ts'
import { UNCHECKED } from '../../http/validation.ts'
import { DeliverySchema, LastAttempt } from '../deliveries.ts'

export const NotSentSchema = Type.Object(
  {
    type: Type.Optional(Type.Integer({ description: 'Endpoints that do not want the type.' })),
    filter: Type.Optional(Type.Integer({ description: 'Endpoints whose filter did not let it through.' })),
  },
  { $id: 'NotSent', description: 'How many endpoints of the tenant got no delivery, by reason.' },
)

const NotSentOrNull = Type.Unsafe<Static<typeof NotSentSchema> | null>({
  anyOf: [ref(NotSentSchema), { type: 'null' }],
  description: 'null: not known yet, its deliveries are being made.',
})

const RejectedOrNull = Type.Unsafe<readonly FieldError[] | null>({
  type: ['array', 'null'],
  items: Fault,
  description: 'Why it was not delivered, of an event published from SQL that the API would have refused; else null.',
})

const EVENT_MEMBERS = {
  id: Type.String(),
  type: Type.String(),
  key: TextOrNull({ description: 'The `id` that it was published with.' }),
  test: Type.Boolean(),
  createdAt: Time('When it was published.'),
  notSent: NotSentOrNull,
  rejected: RejectedOrNull,
  payload: Type.Unknown({
    description: 'Byte for byte as published; null where it was rejected for its size, or removed for its age.',
  }),
  payloadRemoved: Type.Boolean({
    description: 'Whether the payload was removed for its age: it can not be sent again.',
  }),
}

export const EventEndpointSchema = Type.Object(
  {
    endpoint: Type.String(),
    state: Word([...DELIVERY_STATES, 'being_made', 'not_made'] as const, {
      description:
        'That of its newest delivery; being_made: the event is in the inbox, and it is not known yet; not_made: it ' +
        'has none.',
    }),
    reason: WordOrNull(NOT_MADE_REASONS, {
      description:
        'Why it has none. type: it did not want the type; filter: its filter did not let it through; ' +
        'registered_later: it was not there yet; deleted: it was deleted before its delivery was made; rejected: ' +
        'the event was; test: it was the test of another; unknown: nothing is kept that would tell.',
    }),
    heldReason: WordOrNull(HELD_REASONS, { description: 'Why it is held.' }),
    delivery: TextOrNull({ description: 'Its newest delivery of the event.' }),
    deliveryCount: Type.Integer({ description: 'More than one where it was retried by hand, or replayed.' }),
    attemptCount: Type.Integer({ description: 'Of the newest.' }),
    lastAttempt: LastAttempt,
    nextAttemptAt: TimeOrNull('When the next attempt falls due; null unless pending.'),
    endedAt: TimeOrNull('When it was delivered, exhausted or cancelled.'),
  },
  { $id: 'EventEndpoint' },
)
export type EventEndpointView = Static<typeof EventEndpointSchema>

export const EventSchema = Type.Object(EVENT_MEMBERS, { $id: 'Event' })
/** Without the payload, which is put in as the bytes that it was published as. */
export type EventView = Omit<Static<typeof EventSchema>, 'payload'>

export const EventDetailSchema = Type.Object(
  {
    ...EVENT_MEMBERS,
    deliveries: Type.Array(ref(DeliverySchema), { description: 'The newest 1,000.' }),
    endpoints: Type.Array(ref(EventEndpointSchema), {
      description: 'What became of it at each endpoint of the tenant, and why; the newest 1,000 endpoints.',
    }),
    nextEndpoints: TextOrNull({
      description: 'There are more: the cursor that goes on in `…/events/{id}/endpoints`; null: these are all.',
    }),
  },
  { $id: 'EventDetail' },
)

export const RejectedEventSchema = Type.Object(
  { tenant: Type.String({ description: 'The tenant it was published for; there may be none.' }), ...EVENT_MEMBERS },
  { $id: 'RejectedEvent' },
)

export const PublishedSchema = Type.Object(
  {
    id: Type.String({ examples: ['evt_01jy4k8v3xf0c8wq2rn5s7t9ab'] }),
    deliveries: IntegerOrNull({
      description: 'How many deliveries were made of it; null where they are very many, and being made.',
    }),
    notSent: NotSentOrNull,
    duplicate: Type.Optional(Type.Boolean({ description: 'True if it was published before; then nothing was made.' })),
  },
  { $id: 'PublishedEvent' },
)

const NewEvent = strict({
  type: Type.String({ description: 'The name of an event type.' }),
  payload: Type.Unknown({ description: "Satisfies the type's schema; delivered byte for byte as it stands here." }),
  id: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description: 'A key of your own: published again with the same type and payload, it makes no second event.',
    }),
  ),
})

export const NewEvents = Type.Unsafe<unknown>({
  anyOf: [NewEvent, Type.Array(NewEvent, { minItems: 1 })],
  description: 'An event, or an array of events of which all are stored or none.',
  examples: [
    { type: 'COVER_REFERENCE', payload: { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' } },
    [{ id: 'order-7', type: 'COVER_REFERENCE', payload: { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' } }],
  ],
  [UNCHECKED]: true,
})
