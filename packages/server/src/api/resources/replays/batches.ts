/** Replays across tenants. */
import { type Static, Type } from 'typebox'
import { REPLAY_STATES, type ReplayBatch, type ReplayState } from '../../../base/replay.ts'
import type { CreatedBatch, ReplayBatches } from '../../../services/replay-batches.ts'
import { newestFirst, PageQuery, parseTimeOrRefuse } from '../../http/lists.ts'
import type { Routes } from '../../http/routes.ts'
import {
  IntegerOrNull,
  Location,
  NoBody,
  NoQuery,
  pageOf,
  ref,
  strict,
  Time,
  TimeInput,
  time,
  timeOrNull,
  Word,
} from '../../http/shapes.ts'
import type { Public } from '../../resource.ts'
import { DRY_RUN_INPUT, KEY_INPUT, REPLAY_MEMBERS, SELECTION_INPUT } from './schemas.ts'

const ReplayBatchInput = strict({
  ...KEY_INPUT,
  types: Type.Array(Type.String(), { description: 'Replay only events of these types. At least one.' }),
  from: TimeInput('Only events published at this time or later.'),
  to: TimeInput('Only events published before this time.'),
  ...SELECTION_INPUT,
  ...DRY_RUN_INPUT,
})

export const ReplayBatchSchema = Type.Object(
  {
    id: Type.String({ examples: ['rpb_01jy4k8v3xf0c8wq2rn5s7t9ab'] }),
    ...REPLAY_MEMBERS,
    types: Type.Array(Type.String()),
    from: Time('Only events published at this time or later.'),
    to: Time('Only events published before this time.'),
    searching: Type.Boolean({
      description: 'Whether tenants are still being searched for events, so that the numbers can grow.',
    }),
    tenants: Type.Integer({ description: 'Number of tenants that have a replay of their own for this, so far.' }),
    deliveries: IntegerOrNull({
      description:
        'Number of deliveries in all tenants. Null while it is not known, or if there are too many to count.',
    }),
    duplicate: Type.Optional(
      Type.Boolean({ description: 'True if the replay was created before. This call then created nothing.' }),
    ),
  },
  { $id: 'ReplayBatch', description: 'A replay across tenants. Its numbers are the sums over the tenants.' },
)

type ReplayBatchView = Static<typeof ReplayBatchSchema>

const ReplayBatchCount = Type.Object(
  {
    tenants: IntegerOrNull({ description: 'Number of tenants. Null if there are too many deliveries to count.' }),
    deliveries: IntegerOrNull({ description: 'Number of deliveries. Null if there are too many to count.' }),
  },
  { description: 'The result of a dry run: how many deliveries the replay would create.' },
)

const Shown = (description: string) => ({ ...ref(ReplayBatchSchema), description })

const ALL = '/v1/replays'

const ONE = `${ALL}/:id`

const BatchParams = Type.Object({ id: Type.String({ description: "The replay's id or its key." }) })

export type BatchNeeds = { readonly replayBatches: Public<ReplayBatches> }

export function addBatches(routes: Routes, services: BatchNeeds): void {
  addCreating(routes, services)
  addReading(routes, services)
  addActions(routes, services)
}

function addCreating(routes: Routes, { replayBatches }: BatchNeeds): void {
  routes.post(
    ALL,
    {
      access: 'operator',
      makes: true,
      isCostly: true,
      operationId: 'createReplayBatch',
      summary: 'Replay earlier events of all tenants',
      description:
        'Creates a replay in each tenant that has events of these types and this period to send again. Tenants are ' +
        'searched in the background.',
      querystring: NoQuery,
      body: ReplayBatchInput,
      response: {
        200: ReplayBatchCount,
        202: { ...Shown('The replay was created and is running.'), ...Location },
      },
      refusals: ['conflict', 'idempotency_conflict'],
    },
    async ({ body: { dryRun, from, to, ...rest }, actor, once }, reply) => {
      const { key = null, types, states = null, statuses = null, missing = false } = rest
      const range = { fromMs: timeOf('/from', from), toMs: timeOf('/to', to) }
      const input = { key, types, states, statuses, missing, ...range }
      if (dryRun === true) {
        const counted = await replayBatches.count(input)
        await once?.keepNothing({ status: 200, body: counted })
        return reply.code(200).send(counted)
      }
      const { headers, body } = created(await replayBatches.create(input, actor, once?.keeping(created)))
      return reply.code(202).headers(headers).send(body)
    },
  )
}

const created = ({ batch, isDuplicate }: CreatedBatch) => ({
  status: 202,
  headers: { location: `${ALL}/${batch.id}` },
  body: { ...viewBatch(batch), ...(isDuplicate ? { duplicate: true } : {}) },
  madeId: batch.id,
})

const timeOf = (field: string, text: string): number => parseTimeOrRefuse(field, text)!

function addReading(routes: Routes, { replayBatches }: BatchNeeds): void {
  routes.get(
    ALL,
    {
      access: 'read',
      operationId: 'listReplayBatches',
      summary: 'List replays across tenants, newest first',
      querystring: strict({
        state: Type.Optional(Word<ReplayState>(REPLAY_STATES, { description: 'Only replays in this state.' })),
        ...PageQuery,
      }),
      response: { 200: pageOf(ReplayBatchSchema, 'A page of replays.') },
    },
    async ({ query }) => {
      const pager = newestFirst('rpb', query)
      const found = await replayBatches.list({ state: query.state ?? null, ...pager.place }, pager.count)
      return pager.page(found, ({ id }) => id, viewBatch)
    },
  )

  routes.get(
    ONE,
    {
      access: 'read',
      operationId: 'getReplayBatch',
      summary: 'Get a replay across tenants and its progress',
      params: BatchParams,
      querystring: NoQuery,
      response: { 200: Shown('The replay.') },
      refusals: ['not_found'],
    },
    async ({ params: { id } }) => viewBatch(await replayBatches.get(id)),
  )
}

const ACTIONS = {
  pause: [
    'pauseReplayBatch',
    'Pause a replay across tenants',
    'No more deliveries are created in any tenant until the replay is resumed. Those already created are sent.',
  ],
  resume: [
    'resumeReplayBatch',
    'Resume a paused replay across tenants',
    'The replay continues where it was paused. A replay that its tenant paused stays paused.',
  ],
  cancel: [
    'cancelReplayBatch',
    'Cancel a replay across tenants',
    'No more deliveries are created. Those of the replay that are pending or held are cancelled in the background; ' +
      '`endedAt` is set when none is left. This cannot be undone. A replay that is done can be cancelled too.',
  ],
} as const

function addActions(routes: Routes, { replayBatches }: BatchNeeds): void {
  for (const action of ['pause', 'resume', 'cancel'] as const) {
    const [operationId, summary, description] = ACTIONS[action]
    routes.post(
      `${ONE}/${action}`,
      {
        access: 'operator',
        isCostly: true,
        operationId,
        summary,
        description,
        params: BatchParams,
        querystring: NoQuery,
        body: NoBody,
        response: { 200: Shown('The updated replay.') },
        refusals: ['not_found', 'conflict'],
      },
      async ({ params: { id }, actor }) => viewBatch(await replayBatches[action](id, actor)),
    )
  }
}

function viewBatch(batch: ReplayBatch): ReplayBatchView {
  const { id, key, state, selection, isSearching, replays, deliveries, made, skipped, live } = batch
  const { types, states, statuses, missing, fromMs, toMs } = selection
  return {
    id,
    key,
    state,
    types: [...(types ?? [])],
    states: [...states],
    statuses: statuses === undefined ? null : [...statuses],
    missing,
    from: time(fromMs ?? 0),
    to: time(toMs ?? 0),
    searching: isSearching,
    tenants: replays,
    deliveries: isSearching ? null : deliveries,
    made,
    skipped,
    ended: made - live,
    createdAt: time(batch.createdAtMs),
    endedAt: timeOrNull(batch.endedAtMs),
  }
}
