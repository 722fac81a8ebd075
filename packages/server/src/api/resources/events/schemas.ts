/** Schemas of events, in publishing calls and in responses. */

import { type Static, Type } from 'typebox'
import type { FieldError } from '../../../base/errors.ts'
import { DELIVERY_STATES, HELD_REASONS, OUTCOME_REASONS } from '../../../base/model.ts'
import { Fault } from '../../http/problem-schema.ts'
import { IntegerOrNull, ref, strict, TextOrNull, Time, TimeOrNull, Word, WordOrNull } from '../../http/shapes.ts'
import { UNCHECKED } from '../../http/validation.ts'
import { DeliverySchema, LastAttempt } from '../deliveries/delivery.ts'

export const NotSentSchema = Type.Object(
  {
    type: Type.Optional(Type.Integer({ description: 'Number of endpoints that do not receive events of this type.' })),
    filter: Type.Optional(Type.Integer({ description: 'Number of endpoints whose filter excluded the event.' })),
  },
  { $id: 'NotSent', description: "Number of the tenant's endpoints that got no delivery, by reason." },
)

const NotSentOrNull = Type.Unsafe<Static<typeof NotSentSchema> | null>({
  anyOf: [ref(NotSentSchema), { type: 'null' }],
  description:
    "Number of the tenant's endpoints that got no delivery, by reason. Null while they are still being determined.",
})

const RejectedOrNull = Type.Unsafe<readonly FieldError[] | null>({
  type: ['array', 'null'],
  items: Fault,
  description:
    'Why the event was rejected, which happens only to events published from SQL. Null if it was not rejected. For an ' +
    'API key that cannot see payloads, what is wrong with the payload is left out.',
})

const EVENT_MEMBERS = {
  id: Type.String(),
  tenant: Type.String(),
  type: Type.String(),
  key: TextOrNull({ description: 'The key that the event was published with. Null if it had none.' }),
  test: Type.Boolean(),
  createdAt: Time('When the event was published.'),
  notSent: NotSentOrNull,
  rejected: RejectedOrNull,
  payload: Type.Unknown({
    description:
      'The payload, byte for byte as published. Null if the event was rejected for its size, if the retention ' +
      'period of the payload has ended, or if the API key cannot see payloads.',
  }),
  payloadRemoved: Type.Boolean({
    description:
      'True if the payload is not kept, because its retention period has ended or the event was rejected for its size. ' +
      'Such an event cannot be sent again.',
  }),
  payloadHidden: Type.Boolean({
    description: 'True if the API key lacks the permission `payloads`. `payload` is then null, whatever it is.',
  }),
}

export const EventEndpointSchema = Type.Object(
  {
    endpoint: Type.String(),
    endpointUid: TextOrNull({ description: "The endpoint's uid. Null if it has none." }),
    endpointUrl: TextOrNull({ description: "The endpoint's present URL. Null if it is a listener." }),
    state: Word([...DELIVERY_STATES, 'being_made', 'not_made'] as const, {
      description:
        'State of the newest delivery of the event to this endpoint. `being_made`: deliveries of the event are still ' +
        'being created. `not_made`: the endpoint got no delivery.',
    }),
    reason: WordOrNull(OUTCOME_REASONS, {
      description:
        'Why the event was not delivered to the endpoint (yet). For `state` `not_made`: `type`: it did not want events of this type. `filter`: its filter ' +
        'excluded the event. `registered_later`: it was registered after the event was published. `deleted`: it was ' +
        'deleted before its delivery was created. `rejected`: the event was rejected. `test`: the event was a test ' +
        'of another endpoint. `unknown`: the data needed to tell is no longer kept. For `pending`: `earlier_delivery`: ' +
        'the endpoint is ordered, and an earlier delivery has not ended (`behind`). `next_attempt`: the next attempt ' +
        'is in the future (`nextAttemptAt`). `paused`: the receiver asked for a pause (`Retry-After`). `failing`: the ' +
        'receiver is failing, so it gets requests slowly. `rate_limit`: none of these, but the endpoint has a rate ' +
        'limit. For `held`: `disabled`: the endpoint is disabled. `set_aside`: the delivery was in flight at three ' +
        'crashes. For `cancelled`: `deleted`: the endpoint was deleted. `cancelled`: someone cancelled the delivery. ' +
        'Null if the delivery is about to be sent, or was sent: `lastAttempt` then says what became of it.',
    }),
    behind: TextOrNull({
      description:
        'For `earlier_delivery`, the id of the first delivery in the queue of the endpoint: it must end before the ' +
        'others are sent. Null for all other reasons.',
    }),
    heldReason: WordOrNull(HELD_REASONS, { description: 'Why the delivery is held. Null if it is not held.' }),
    delivery: TextOrNull({
      description: 'Id of the newest delivery of the event to this endpoint. Null if there is none.',
    }),
    deliveryCount: Type.Integer({
      description:
        'Number of deliveries of the event to this endpoint. More than one if it was retried manually or replayed.',
    }),
    attemptCount: Type.Integer({ description: 'Number of attempts of the newest delivery.' }),
    lastAttempt: LastAttempt,
    nextAttemptAt: TimeOrNull('When the next attempt is due. Null unless the delivery is pending.'),
    endedAt: TimeOrNull(
      'When the delivery reached its final state (delivered, exhausted or cancelled). Null if it has not.',
    ),
  },
  { $id: 'EventEndpoint' },
)
export type EventEndpointView = Static<typeof EventEndpointSchema>

export const EventSchema = Type.Object(EVENT_MEMBERS, { $id: 'Event' })

/** Without the payload, which is copied in as the bytes that it was published as. */
export type EventView = Omit<Static<typeof EventSchema>, 'payload'>

export const EventDetailSchema = Type.Object(
  {
    ...EVENT_MEMBERS,
    deliveries: Type.Array(ref(DeliverySchema), { description: 'The newest 1,000 deliveries of the event.' }),
    endpoints: Type.Array(ref(EventEndpointSchema), {
      description: "The outcome at each of the tenant's newest 1,000 endpoints, with the reason.",
    }),
    nextEndpoints: TextOrNull({
      description: 'Cursor for the next endpoints, to pass to `…/events/{id}/endpoints`. Null if there are no more.',
    }),
  },
  { $id: 'EventDetail' },
)

export const RejectedEventSchema = Type.Object(
  {
    ...EVENT_MEMBERS,
    tenant: Type.String({ description: 'The tenant that the event was published for. It might not exist.' }),
  },
  { $id: 'RejectedEvent' },
)

export const PublishedSchema = Type.Object(
  {
    id: Type.String({ examples: ['evt_01jy4k8v3xf0c8wq2rn5s7t9ab'] }),
    key: TextOrNull({ description: 'The key that the event was published with. Null if it had none.' }),
    deliveries: IntegerOrNull({
      description:
        'Number of deliveries created for the event. Null if they are still being created, because it goes to very many ' +
        'endpoints (from 5,001 deliveries in a call, or from 257 while several tenants are busy), or because filters ' +
        'or the payload take long.',
    }),
    notSent: NotSentOrNull,
    duplicate: Type.Optional(
      Type.Boolean({ description: 'True if the event was published before. This call then created nothing.' }),
    ),
  },
  { $id: 'PublishedEvent' },
)

const NewEvent = strict({
  type: Type.String({ description: 'The name of an event type.' }),
  payload: Type.Unknown({ description: "Must satisfy the type's schema. Delivered byte for byte as given here." }),
  key: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description:
        'Your own key of the event, such as `order-7-shipped`. Publishing the same key, type and payload again creates ' +
        'no second event. `GET /v1/tenants/{tenant}/events?key=` finds the event.',
    }),
  ),
  id: Type.Optional(
    Type.Unsafe<string>({
      type: 'string',
      minLength: 1,
      maxLength: 255,
      deprecated: true,
      description: 'The former name of `key`. If both are given, they must be equal.',
    }),
  ),
})

export const NewEvents = Type.Unsafe<unknown>({
  anyOf: [NewEvent, Type.Array(NewEvent, { minItems: 1 })],
  description: 'An event, or an array of events. Either all events in an array are stored, or none.',
  [UNCHECKED]: true,
})
