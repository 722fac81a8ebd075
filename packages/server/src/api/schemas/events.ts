/** Events, as published and as shown. */
import { type Static, Type } from 'typebox'
import type { FieldError } from '../../errors.ts'
import type { DeliveryView } from './deliveries.ts'
import { Fault } from './problems.ts'
import { IntegerOrNull, ref, TextOrNull, Time } from './shapes.ts'

export const NotSentSchema = Type.Object(
  { type: Type.Optional(Type.Integer({ description: 'Endpoints that do not want the type.' })) },
  { $id: 'NotSent', description: 'How many endpoints of the tenant got no delivery, by reason.' },
)

const NotSentOrNull = Type.Unsafe<Static<typeof NotSentSchema> | null>({
  anyOf: [{ $ref: 'NotSent#' }, { type: 'null' }],
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

export const EventSchema = Type.Object(EVENT_MEMBERS, { $id: 'Event' })
/** Without the payload, which is put in as the bytes that it was published as. */
export type EventView = Omit<Static<typeof EventSchema>, 'payload'>

export const EventDetailSchema = Type.Object(
  { ...EVENT_MEMBERS, deliveries: Type.Array(ref<DeliveryView>('Delivery')) },
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
