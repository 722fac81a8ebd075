import { type Static, Type } from 'typebox'
import { REPLAY_STATES, REPLAYABLE_STATES, type Replay, type ReplayState } from '../../base/model.ts'
import type { Replays } from '../../services/replays.ts'
import { decodeCursor, isIdOf, PageQuery, parseTimeOrRefuse, toPage } from '../http/lists.ts'
import type { Routes } from '../http/routes.ts'
import {
  IntegerOrNull,
  ItemParams,
  Location,
  NoBody,
  NoQuery,
  pageOf,
  ref,
  strict,
  TenantParams,
  TextOrNull,
  Time,
  TimeOrNull,
  time,
  timeOrNull,
  Word,
} from '../http/shapes.ts'
import { type Public, resource } from '../resource.ts'

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

const ReplaySchema = Type.Object(
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

type ReplayView = Static<typeof ReplaySchema>

const CreatedReplaySchema = Type.Object(
  {
    id: Type.String(),
    deliveries: IntegerOrNull({ description: COUNT }),
    duplicate: Type.Optional(Type.Boolean({ description: 'True if it was made before; then nothing is.' })),
  },
  { $id: 'CreatedReplay' },
)

const ReplayCount = Type.Object(
  { deliveries: IntegerOrNull({ description: COUNT }) },
  { description: 'A dry run: so many would be made.' },
)

const Shown = (description: string) => ({ ...ref(ReplaySchema), description })

const ALL = '/v1/tenants/:tenant/replays'

const ONE = `${ALL}/:id`

type Needs = { readonly replays: Public<Replays> }

export const replaysResource = resource({
  tag: 'Replays',
  components: [ReplaySchema, CreatedReplaySchema],
  add(routes, services: Needs) {
    addCreating(routes, services)
    addReading(routes, services)
    addActions(routes, services)
  },
})

function addCreating(routes: Routes, { replays }: Needs): void {
  routes.post(
    ALL,
    {
      access: 'write',
      operationId: 'createReplay',
      summary: 'Send events again',
      description:
        'Makes new deliveries of events that were published before, one for each event and endpoint, a few at a time, ' +
        'so that live events go first. Without members: all that is exhausted, of the whole tenant.',
      params: TenantParams,
      querystring: NoQuery,
      body: ReplayInput,
      response: {
        200: ReplayCount,
        202: { ...ref(CreatedReplaySchema), description: 'It runs.', ...Location },
      },
      refusals: ['not_found', 'conflict', 'idempotency_conflict'],
    },
    async ({ params: { tenant }, body: { dryRun, from = null, to = null, ...rest } }, reply) => {
      const { id = null, endpoint = null, event = null, types = null, states = null, missing = false } = rest
      const range = { fromMs: parseTimeOrRefuse('/from', from), toMs: parseTimeOrRefuse('/to', to) }
      const input = { id, endpoint, event, types, states, missing, ...range }
      if (dryRun === true) return reply.code(200).send({ deliveries: await replays.count(tenant, input) })
      const { replay, isDuplicate } = await replays.create(tenant, input)
      return reply
        .code(202)
        .header('location', pathOf(replay))
        .send({ id: replay.key, deliveries: replay.deliveries, ...(isDuplicate ? { duplicate: true } : {}) })
    },
  )
}

const pathOf = ({ tenant, key }: Replay): string =>
  `/v1/tenants/${encodeURIComponent(tenant)}/replays/${encodeURIComponent(key)}`

function addReading(routes: Routes, { replays }: Needs): void {
  routes.get(
    ALL,
    {
      access: 'read',
      operationId: 'listReplays',
      summary: "List a tenant's replays, newest first",
      params: TenantParams,
      querystring: strict({
        state: Type.Optional(Word<ReplayState>(REPLAY_STATES, { description: 'Only replays in this state.' })),
        ...PageQuery,
      }),
      response: { 200: pageOf(ReplaySchema, 'A page of replays.') },
      refusals: ['not_found'],
    },
    async ({ params: { tenant }, query: { state = null, cursor, limit } }) => {
      const before = decodeCursor(cursor, isIdOf('rpl'))
      return toPage(await replays.list(tenant, { state, before }, limit + 1), limit, ({ id }) => id, viewReplay)
    },
  )

  routes.get(
    ONE,
    {
      access: 'read',
      operationId: 'getReplay',
      summary: 'Get a replay, with how far it has come',
      params: ItemParams,
      querystring: NoQuery,
      response: { 200: Shown('The replay.') },
      refusals: ['not_found'],
    },
    async ({ params: { tenant, id } }) => viewReplay(await replays.get(tenant, id)),
  )
}

const ACTIONS = {
  pause: ['pauseReplay', 'Pause a replay', 'Nothing more is made until it is resumed. What was made is sent.'],
  resume: ['resumeReplay', 'Go on with a paused replay', 'It goes on where it was.'],
  cancel: [
    'cancelReplay',
    'Cancel a replay for good',
    'Nothing more is made, and what it made and is pending or held is cancelled; so it can be of one that is done.',
  ],
} as const

function addActions(routes: Routes, { replays }: Needs): void {
  for (const action of ['pause', 'resume', 'cancel'] as const) {
    const [operationId, summary, description] = ACTIONS[action]
    routes.post(
      `${ONE}/${action}`,
      {
        access: 'write',
        operationId,
        summary,
        description,
        params: ItemParams,
        querystring: NoQuery,
        body: NoBody,
        response: { 200: Shown('The replay as it is now.') },
        refusals: ['not_found', 'conflict'],
      },
      async ({ params: { tenant, id } }) => viewReplay(await replays[action](tenant, id)),
    )
  }
}

function viewReplay({ key, state, selection, deliveries, made, skipped, live, ...times }: Replay): ReplayView {
  const { endpoint, event, types, states, missing, fromMs, toMs } = selection
  return {
    id: key,
    state,
    endpoint,
    event,
    types: types === null ? null : [...types],
    states: [...states],
    missing,
    from: timeOrNull(fromMs),
    to: timeOrNull(toMs),
    deliveries,
    made,
    skipped,
    ended: made - live,
    createdAt: time(times.createdAtMs),
    endedAt: timeOrNull(times.endedAtMs),
  }
}
