/** Replays. */
import { type Static, Type } from 'typebox'
import { REPLAY_STATES, REPLAYABLE_STATES, type ReplayState } from '../../base/model.ts'
import { IntegerOrNull, strict, TextOrNull, Time, TimeOrNull, Word } from './shapes.ts'

const States = Type.Array(Word(REPLAYABLE_STATES))

const COUNT = 'How many deliveries; null: there are too many to count, so it is known at the end.'

export const ReplayInput = strict({
  id: Type.Optional(
    TextOrNull({ description: 'An id of your own, up to 255 characters: sent again with the same, nothing is made.' }),
  ),
  endpoint: Type.Optional(TextOrNull({ description: 'Only to this endpoint; by default to all of the tenant.' })),
  event: Type.Optional(TextOrNull({ description: 'Only this event.' })),
  types: Type.Optional(
    Type.Unsafe<readonly string[] | null>({
      type: ['array', 'null'],
      items: { type: 'string' },
      description: 'Only of these event types.',
    }),
  ),
  states: Type.Optional(
    Type.Unsafe<Static<typeof States> | null>({
      ...States,
      type: ['array', 'null'],
      description:
        'What the events have come to at the endpoint. By default `exhausted`; for one event, unless `missing` is set, ' +
        'all three. What is pending or held will be sent anyhow.',
    }),
  ),
  missing: Type.Optional(
    Type.Boolean({
      default: false,
      description:
        'Also events that an endpoint never got, since it was registered later or did not want the type, if it wants ' +
        'the type now, or if the endpoint and types or an event are named here. With `states: []` these alone.',
    }),
  ),
  from: Type.Optional(TimeOrNull('Only events published at this time or later (RFC 3339).')),
  to: Type.Optional(TimeOrNull('Only events published before this time (RFC 3339).')),
  dryRun: Type.Optional(Type.Boolean({ default: false, description: 'Only count.' })),
})

export const ReplaySchema = Type.Object(
  {
    id: Type.String({ examples: ['outage-of-may-3', 'rpl_01jy4k8v3xf0c8wq2rn5s7t9ab'] }),
    state: Word<ReplayState>(REPLAY_STATES, {
      description: 'done: all of it was made, and may still be on its way; cancelled: none of it is any more.',
    }),
    endpoint: TextOrNull(),
    event: TextOrNull(),
    types: Type.Unsafe<string[] | null>({ type: ['array', 'null'], items: { type: 'string' } }),
    states: States,
    missing: Type.Boolean(),
    from: TimeOrNull('Of events published at this time or later.'),
    to: TimeOrNull('Of events published before this time.'),
    deliveries: IntegerOrNull({ description: COUNT }),
    made: Type.Integer({ description: 'How many of them were made.' }),
    skipped: Type.Integer({
      description: 'How many are not made after all: sent again meanwhile, or their endpoint or event is gone.',
    }),
    ended: Type.Integer({ description: 'Of those made, how many are delivered, exhausted or cancelled.' }),
    createdAt: Time('When it was made.'),
    endedAt: TimeOrNull('When all was made, or cancelled.'),
  },
  { $id: 'Replay' },
)
export type ReplayView = Static<typeof ReplaySchema>

export const CreatedReplaySchema = Type.Object(
  {
    id: Type.String(),
    deliveries: IntegerOrNull({ description: COUNT }),
    duplicate: Type.Optional(Type.Boolean({ description: 'True if it was made before; then nothing is.' })),
  },
  { $id: 'CreatedReplay' },
)

export const ReplayCount = Type.Object(
  { deliveries: IntegerOrNull({ description: COUNT }) },
  { description: 'A dry run: so many would be made.' },
)
