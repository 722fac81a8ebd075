import { type Static, Type } from 'typebox'
import { REPLAY_STATES, REPLAYABLE_STATES, type Replay, type ReplayState } from '../../base/model.ts'
import type { CreatedReplay, Replays } from '../../services/replays.ts'
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

const COUNT = 'Number of deliveries. Null if there are too many to count in advance; a replay reports it when it ends.'

export const ReplayInput = strict({
  id: Type.Optional(
    TextOrNull({
      description: 'Your own id, up to 255 characters. Repeating the call with the same id creates nothing.',
    }),
  ),
  endpoint: Type.Optional(
    TextOrNull({ description: "Replay to this endpoint only. Defaults to all of the tenant's endpoints." }),
  ),
  event: Type.Optional(TextOrNull({ description: 'Replay this event only.' })),
  types: Type.Optional(
    Type.Unsafe<readonly string[] | null>({
      type: ['array', 'null'],
      items: { type: 'string' },
      description: 'Replay only events of these types.',
    }),
  ),
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
  missing: Type.Optional(
    Type.Boolean({
      default: false,
      description:
        'Whether to include events that an endpoint never got, because it was created later or did not want ' +
        'the type. The endpoint must want the type now, unless the call gives the endpoint and either types or ' +
        'an event. With `states: []`, only these events are replayed.',
    }),
  ),
  from: Type.Optional(TimeOrNull('Only events published at this time or later (RFC 3339).')),
  to: Type.Optional(TimeOrNull('Only events published before this time (RFC 3339).')),
  dryRun: Type.Optional(Type.Boolean({ default: false, description: 'Count the deliveries without creating them.' })),
})

const ReplaySchema = Type.Object(
  {
    id: Type.String({ examples: ['outage-of-may-3', 'rpl_01jy4k8v3xf0c8wq2rn5s7t9ab'] }),
    state: Word<ReplayState>(REPLAY_STATES, {
      description:
        '`done`: all deliveries were created, though some might still be pending or held. `cancelled`: no more are ' +
        'created, and those that were pending or held are cancelled.',
    }),
    endpoint: TextOrNull(),
    event: TextOrNull(),
    types: Type.Unsafe<string[] | null>({ type: ['array', 'null'], items: { type: 'string' } }),
    states: States,
    missing: Type.Boolean(),
    from: TimeOrNull('Only events published at this time or later. Null if there is no lower bound.'),
    to: TimeOrNull('Only events published before this time. Null if there is no upper bound.'),
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
  },
  { $id: 'Replay' },
)

type ReplayView = Static<typeof ReplaySchema>

const CreatedReplaySchema = Type.Object(
  {
    id: Type.String(),
    deliveries: IntegerOrNull({ description: COUNT }),
    duplicate: Type.Optional(
      Type.Boolean({ description: 'True if the replay was created before. This call then created nothing.' }),
    ),
  },
  { $id: 'CreatedReplay' },
)

const ReplayCount = Type.Object(
  { deliveries: IntegerOrNull({ description: COUNT }) },
  { description: 'The result of a dry run: how many deliveries the replay would create.' },
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
      makes: true,
      isCostly: true,
      operationId: 'createReplay',
      summary: 'Replay earlier events',
      description:
        'Creates new deliveries of events that were published before, one for each event and endpoint, a few at a ' +
        "time, so that live events go first. An empty object replays all of the tenant's exhausted deliveries.",
      params: TenantParams,
      querystring: NoQuery,
      body: ReplayInput,
      response: {
        200: ReplayCount,
        202: { ...ref(CreatedReplaySchema), description: 'The replay was created and is running.', ...Location },
      },
      refusals: ['not_found', 'conflict', 'idempotency_conflict'],
    },
    async ({ params: { tenant }, body: { dryRun, from = null, to = null, ...rest }, once }, reply) => {
      const { id = null, endpoint = null, event = null, types = null, states = null, missing = false } = rest
      const range = { fromMs: parseTimeOrRefuse('/from', from), toMs: parseTimeOrRefuse('/to', to) }
      const input = { id, endpoint, event, types, states, missing, ...range }
      if (dryRun === true) {
        const counted = { deliveries: await replays.count(tenant, input) }
        await once?.keepNothing({ status: 200, body: counted })
        return reply.code(200).send(counted)
      }
      const { headers, body } = created(await replays.create(tenant, input, once?.keeping(created)))
      return reply.code(202).headers(headers).send(body)
    },
  )
}

const created = ({ replay, isDuplicate }: CreatedReplay) => ({
  status: 202,
  headers: { location: pathOf(replay) },
  body: { id: replay.key, deliveries: replay.deliveries, ...(isDuplicate ? { duplicate: true } : {}) },
  madeId: replay.key,
})

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
      summary: 'Get a replay and its progress',
      params: ItemParams,
      querystring: NoQuery,
      response: { 200: Shown('The replay.') },
      refusals: ['not_found'],
    },
    async ({ params: { tenant, id } }) => viewReplay(await replays.get(tenant, id)),
  )
}

const ACTIONS = {
  pause: [
    'pauseReplay',
    'Pause a replay',
    'No more deliveries are created until the replay is resumed. Those already created are sent.',
  ],
  resume: ['resumeReplay', 'Resume a paused replay', 'The replay continues where it was paused.'],
  cancel: [
    'cancelReplay',
    'Cancel a replay',
    'No more deliveries are created, and those of the replay that are pending or held are cancelled. This cannot be ' +
      'undone. A replay that is done can be cancelled too.',
  ],
} as const

function addActions(routes: Routes, { replays }: Needs): void {
  for (const action of ['pause', 'resume', 'cancel'] as const) {
    const [operationId, summary, description] = ACTIONS[action]
    routes.post(
      `${ONE}/${action}`,
      {
        access: 'write',
        isCostly: true,
        operationId,
        summary,
        description,
        params: ItemParams,
        querystring: NoQuery,
        body: NoBody,
        response: { 200: Shown('The updated replay.') },
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
