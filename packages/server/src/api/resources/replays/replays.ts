import { Type } from 'typebox'
import { REPLAY_STATES, type Replay, type ReplayState } from '../../../base/replay.ts'
import { invalid } from '../../../services/checks/refusals.ts'
import type { CreatedReplay, Replays } from '../../../services/replays.ts'
import { newestFirst, PageQuery, parseTimeOrRefuse } from '../../http/lists.ts'
import type { Routes } from '../../http/routes.ts'
import { IntegerOrNull, Location, NoBody, NoQuery, pageOf, ref, strict, TenantParams, Word } from '../../http/shapes.ts'
import { type Public, resource } from '../../resource.ts'
import { addBatches, type BatchNeeds, ReplayBatchSchema } from './batches.ts'
import examples from './replays.examples.json' with { type: 'json' }
import { COUNT, CreatedReplaySchema, ReplayInput, ReplaySchema, viewReplay } from './schemas.ts'

const ReplayCount = Type.Object(
  { deliveries: IntegerOrNull({ description: COUNT }) },
  { description: 'The result of a dry run: how many deliveries the replay would create.' },
)

const Shown = (description: string) => ({ ...ref(ReplaySchema), description })

const ALL = '/v1/tenants/:tenant/replays'

const ONE = `${ALL}/:id`

const ReplayParams = Type.Object({
  ...TenantParams.properties,
  id: Type.String({ description: "The replay's id or its key." }),
})

type Needs = BatchNeeds & { readonly replays: Public<Replays> }

export const replaysResource = resource({
  tag: 'Replays',
  components: [ReplaySchema, CreatedReplaySchema, ReplayBatchSchema],
  examples,
  add(routes, services: Needs) {
    addCreating(routes, services)
    addReading(routes, services)
    addActions(routes, services)
    addBatches(routes, services)
  },
})

function addCreating(routes: Routes, { replays }: Needs): void {
  routes.post(
    ALL,
    {
      access: 'write',
      makes: true,
      isCostly: true,
      portal: 'retry',
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
    async ({ params: { tenant }, body: { dryRun, from = null, to = null, ...rest }, actor, once }, reply) => {
      const { endpoint = null, event = null, types = null, states = null, statuses = null, missing = false } = rest
      const range = { fromMs: parseTimeOrRefuse('/from', from), toMs: parseTimeOrRefuse('/to', to) }
      const input = { ...keyIn(rest), endpoint, event, types, states, statuses, missing, ...range }
      if (dryRun === true) {
        const counted = { deliveries: await replays.count(tenant, input) }
        await once?.keepNothing({ status: 200, body: counted })
        return reply.code(200).send(counted)
      }
      const { headers, body } = created(await replays.create(tenant, input, actor, once?.keeping(created)))
      return reply.code(202).headers(headers).send(body)
    },
  )
}

const created = ({ replay, isDuplicate }: CreatedReplay) => ({
  status: 202,
  headers: { location: pathOf(replay) },
  body: {
    id: replay.id,
    key: replay.key,
    deliveries: replay.deliveries,
    ...(isDuplicate ? { duplicate: true } : {}),
  },
  madeId: replay.id,
})

/** `id` is the former name of `key`. */
function keyIn({ key = null, id = null }: { readonly key?: string | null; readonly id?: string | null }) {
  if (id === null) return { key }
  if (key === null || key === id) return { key: id, keyField: '/id' }
  const detail = 'The id is the former name of the key, and differs from it. Send only the key.'
  throw invalid([{ field: '/id', detail }])
}

const pathOf = ({ tenant, id }: Replay): string => `/v1/tenants/${encodeURIComponent(tenant)}/replays/${id}`

const ListQuery = {
  state: Type.Optional(Word<ReplayState>(REPLAY_STATES, { description: 'Only replays in this state.' })),
  ...PageQuery,
}

function addReading(routes: Routes, { replays }: Needs): void {
  routes.get(
    ALL,
    {
      access: 'read',
      portal: 'look',
      operationId: 'listReplays',
      summary: "List a tenant's replays, newest first",
      params: TenantParams,
      querystring: strict(ListQuery),
      response: { 200: pageOf(ReplaySchema, 'A page of replays.') },
      refusals: ['not_found'],
    },
    async ({ params: { tenant }, query }) => {
      const pager = newestFirst('rpl', query)
      const found = await replays.list(tenant, { state: query.state ?? null, ...pager.place }, pager.count)
      return pager.page(found, ({ id }) => id, viewReplay)
    },
  )

  routes.get(
    '/v1/tenant-replays',
    {
      access: 'read',
      isCostly: true,
      operationId: 'listAllReplays',
      summary: 'List the replays of all tenants, newest first',
      description:
        'For API keys without a tenant. Lists the replays in each tenant, also those that are part of a replay across ' +
        'tenants, which `/v1/replays` lists.',
      querystring: strict({
        tenant: Type.Optional(Type.String({ description: 'Only replays of this tenant.', examples: ['acme'] })),
        batch: Type.Optional(
          Type.String({ description: 'Only replays that are part of this replay across tenants, by its id.' }),
        ),
        ...ListQuery,
      }),
      response: { 200: pageOf(ReplaySchema, 'A page of replays.') },
    },
    async ({ query }) => {
      const pager = newestFirst('rpl', query)
      const { tenant = null, batch = null, state = null } = query
      const found = await replays.listAll({ tenant, batch, state, ...pager.place }, pager.count)
      return pager.page(found, ({ id }) => id, viewReplay)
    },
  )

  routes.get(
    ONE,
    {
      access: 'read',
      portal: 'look',
      operationId: 'getReplay',
      summary: 'Get a replay and its progress',
      params: ReplayParams,
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
        portal: 'retry',
        operationId,
        summary,
        description,
        params: ReplayParams,
        querystring: NoQuery,
        body: NoBody,
        response: { 200: Shown('The updated replay.') },
        refusals: ['not_found', 'conflict'],
      },
      async ({ params: { tenant, id }, actor }) => viewReplay(await replays[action](tenant, id, actor)),
    )
  }
}
