/** A delivery as the API shows it. */
import { type Static, Type } from 'typebox'
import {
  ATTEMPT_ERRORS,
  type AttemptResult,
  DELIVERY_STATES,
  type DeliveryState,
  type DescribedDelivery,
  HELD_REASONS,
} from '../../../base/model.ts'
import {
  IntegerOrNull,
  objectOrNull,
  TextOrNull,
  Time,
  TimeOrNull,
  time,
  timeOrNull,
  Word,
  WordOrNull,
} from '../../http/shapes.ts'

/** Also shown with the outcome of an event at an endpoint. */
export const LastAttempt = objectOrNull(
  {
    at: Time('When the attempt started.'),
    durationMs: Type.Integer({ description: 'How long the attempt took, in milliseconds.' }),
    status: IntegerOrNull({ description: 'HTTP status of the response. Null if there was no response.' }),
    error: WordOrNull(ATTEMPT_ERRORS, { description: 'Why the attempt failed. Null if it succeeded.' }),
  },
  'The last attempt of the delivery. Null before the first one, and for deliveries that ended before Posthorn kept it.',
)

export const DELIVERY_MEMBERS = {
  tenant: Type.String(),
  id: Type.String(),
  event: Type.String({ description: 'Id of the event.' }),
  key: TextOrNull({ description: "The event's key, which its publisher chose. Null if it has none." }),
  endpoint: Type.String({ description: 'Id of the endpoint.' }),
  endpointUid: TextOrNull({ description: "The endpoint's uid. Null if it has none." }),
  endpointUrl: TextOrNull({
    description: 'The URL that the endpoint has now. Null if it is no longer kept, or a listener.',
  }),
  type: Type.String({ description: 'The event type.' }),
  state: Word<DeliveryState>(DELIVERY_STATES),
  heldReason: WordOrNull(HELD_REASONS, {
    description:
      'Why the delivery is held. `disabled`: its endpoint is disabled. `set_aside`: it was in flight during repeated ' +
      'crashes. Null if it is not held.',
  }),
  attemptCount: Type.Integer(),
  lastAttempt: LastAttempt,
  nextAttemptAt: TimeOrNull('When the next attempt is due. Null unless the delivery is pending.'),
  replayOf: TextOrNull({ description: 'Id of the delivery that this one repeats. Null if there is none.' }),
  test: Type.Boolean(),
  createdAt: Time('When the delivery was created.'),
  endedAt: TimeOrNull(
    'When the delivery reached its final state (delivered, exhausted or cancelled). Null if it has not.',
  ),
}

export const DeliverySchema = Type.Object(DELIVERY_MEMBERS, { $id: 'Delivery' })

const DELIVERY = Type.Object(DELIVERY_MEMBERS)
export type DeliveryView = Static<typeof DELIVERY>

export function viewDelivery(delivery: DescribedDelivery): DeliveryView {
  const { tenant, id, event, key, endpoint, endpointUid, endpointUrl, type, state, heldReason, ...rest } = delivery
  const { attempts, lastAttempt, dueAtMs, replayOf, test } = rest
  return {
    tenant,
    id,
    event,
    key,
    endpoint,
    endpointUid,
    endpointUrl,
    type,
    state,
    heldReason,
    attemptCount: attempts,
    lastAttempt: viewResult(lastAttempt),
    nextAttemptAt: timeOrNull(dueAtMs),
    replayOf,
    test,
    createdAt: time(delivery.createdAtMs),
    endedAt: timeOrNull(delivery.endedAtMs),
  }
}

export function viewResult(result: AttemptResult | null): DeliveryView['lastAttempt'] {
  if (result === null) return null
  const { startedAtMs, durationMs, status, error } = result
  return { at: time(startedAtMs), durationMs, status, error }
}
