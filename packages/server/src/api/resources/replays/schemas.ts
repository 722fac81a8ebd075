/** Schemas of replays, of one tenant and across tenants, in responses and in the calls that create them. */
import { type Static, Type } from 'typebox'
import { REPLAY_STATES, REPLAYABLE_STATES, type Replay, type ReplayState } from '../../../base/replay.ts'
import {
  IntegerOrNull,
  strict,
  TextOrNull,
  Time,
  TimeInputOrNull,
  TimeOrNull,
  time,
  timeOrNull,
  Word,
} from '../../http/shapes.ts'

const States = Type.Array(Word(REPLAYABLE_STATES))

const TextsOrNull = (description: string) =>
  Type.Unsafe<readonly string[] | null>({ type: ['array', 'null'], items: { type: 'string' }, description })

export const COUNT =
  'Number of deliveries. Null if there are too many to count in advance; a replay reports it when it ends.'

/** What every selection can have. */
export const SELECTION_INPUT = {
  states: Type.Optional(
    Type.Unsafe<Static<typeof States> | null>({
      ...States,
      type: ['array', 'null'],
      description:
        'Only events with one of these outcomes at the endpoint. Defaults to `exhausted`, or to all three if ' +
        '`event` is given and `missing` is not. Pending and held deliveries are never replayed, because they will ' +
        'be sent anyway.',
    }),
  ),
  statuses: Type.Optional(
    TextsOrNull(
      'Only events whose delivery with this outcome got one of these statuses at its last attempt: a status (`503`), ' +
        'a class (`5xx`), or `none` for no response. Cannot be combined with `missing`.',
    ),
  ),
  missing: Type.Optional(
    Type.Boolean({
      default: false,
      description:
        'Whether to include events that an endpoint never got, because it was created later or did not want them. ' +
        'The endpoint must want them now: it wants the type, and its filter lets the event through. With ' +
        '`states: []`, only these events are replayed.',
    }),
  ),
}

export const KEY_INPUT = {
  key: Type.Optional(
    TextOrNull({
      description:
        'Your own name for the replay, 1 to 255 characters. Repeating the call with the same key and selection ' +
        'creates nothing.',
    }),
  ),
}

export const DRY_RUN_INPUT = {
  dryRun: Type.Optional(Type.Boolean({ default: false, description: 'Count the deliveries without creating them.' })),
}

export const ReplayInput = strict({
  ...KEY_INPUT,
  id: Type.Optional(
    Type.Unsafe<string | null>({ ...TextOrNull({ description: 'The former name of `key`.' }), deprecated: true }),
  ),
  endpoint: Type.Optional(
    TextOrNull({
      description: "Replay to this endpoint only: its id or uid. Defaults to all of the tenant's endpoints.",
    }),
  ),
  event: Type.Optional(TextOrNull({ description: 'Replay this event only.' })),
  types: Type.Optional(TextsOrNull('Replay only events of these types.')),
  ...SELECTION_INPUT,
  from: Type.Optional(TimeInputOrNull('Only events published at this time or later.')),
  to: Type.Optional(TimeInputOrNull('Only events published before this time.')),
  ...DRY_RUN_INPUT,
})

export const REPLAY_MEMBERS = {
  key: TextOrNull({ description: 'The `key` that the replay was created with. Null if it had none.' }),
  state: Word<ReplayState>(REPLAY_STATES, {
    description:
      '`done`: all deliveries were created, though some might still be pending or held. `cancelled`: no more are ' +
      'created, and those that were pending or held are cancelled.',
  }),
  states: States,
  statuses: Type.Unsafe<string[] | null>({
    type: ['array', 'null'],
    items: { type: 'string' },
    description: 'Only events whose delivery got one of these statuses at its last attempt. Null if it can be any.',
  }),
  missing: Type.Boolean(),
  deliveries: IntegerOrNull({ description: COUNT }),
  made: Type.Integer({ description: 'Number of deliveries created so far.' }),
  skipped: Type.Integer({
    description:
      'Number of deliveries not created after all, because the event was sent again in the meantime, the endpoint ' +
      'was deleted, or the event is no longer kept.',
  }),
  ended: Type.Integer({ description: 'Number of created deliveries that are delivered, exhausted or cancelled.' }),
  createdAt: Time('When the replay was created.'),
  endedAt: TimeOrNull('When all deliveries had been created, or the replay was cancelled. Null if it has not ended.'),
}

export const ReplaySchema = Type.Object(
  {
    id: Type.String({ examples: ['rpl_01jy4k8v3xf0c8wq2rn5s7t9ab'] }),
    tenant: Type.String(),
    ...REPLAY_MEMBERS,
    batch: TextOrNull({
      description: 'Id of the replay across tenants that this one is part of. Null if it is of none.',
    }),
    endpoint: TextOrNull(),
    event: TextOrNull(),
    types: Type.Unsafe<string[] | null>({ type: ['array', 'null'], items: { type: 'string' } }),
    from: TimeOrNull('Only events published at this time or later. Null if there is no lower bound.'),
    to: TimeOrNull('Only events published before this time. Null if there is no upper bound.'),
  },
  { $id: 'Replay' },
)

type ReplayView = Static<typeof ReplaySchema>

export const CreatedReplaySchema = Type.Object(
  {
    id: Type.String({ examples: ['rpl_01jy4k8v3xf0c8wq2rn5s7t9ab'] }),
    key: REPLAY_MEMBERS.key,
    deliveries: IntegerOrNull({ description: COUNT }),
    duplicate: Type.Optional(
      Type.Boolean({ description: 'True if the replay was created before. This call then created nothing.' }),
    ),
  },
  { $id: 'CreatedReplay' },
)

export function viewReplay(replay: Replay): ReplayView {
  const { id, tenant, key, batch, state, selection, deliveries, made, skipped, live } = replay
  const { endpoint, event, types, states, statuses, missing, fromMs, toMs } = selection
  return {
    id,
    tenant,
    key,
    batch,
    state,
    endpoint,
    event,
    types: types === null ? null : [...types],
    states: [...states],
    statuses: statuses === undefined ? null : [...statuses],
    missing,
    from: timeOrNull(fromMs),
    to: timeOrNull(toMs),
    deliveries,
    made,
    skipped,
    ended: made - live,
    createdAt: time(replay.createdAtMs),
    endedAt: timeOrNull(replay.endedAtMs),
  }
}
