import { Type } from 'typebox'
import { REPLAY_STATES, type Replay, type ReplayState } from '../base/model.ts'
import { decodeCursor, isIdOf, PageQuery, parseTimeOrRefuse, toPage } from './lists.ts'
import { readProblems, writeProblems } from './schemas/problems.ts'
import { ReplayCount, ReplayInput } from './schemas/replays.ts'
import { ItemParams, Location, NoBody, NoQuery, pageOf, ref, strict, TenantParams, Word } from './schemas/shapes.ts'
import type { Api, Services } from './services.ts'
import { viewReplay } from './views.ts'

const tags = ['Replays']
const Shown = (description: string) => ({ ...ref('Replay'), description })
const ALL = '/tenants/:tenant/replays'
const ONE = `${ALL}/:id`

export function addReplays(api: Api, services: Services): void {
  addCreating(api, services)
  addReading(api, services)
  addActions(api, services)
}

function addCreating(api: Api, { replays }: Services): void {
  api.post(
    ALL,
    {
      schema: {
        operationId: 'createReplay',
        summary: 'Send events again',
        tags,
        description:
          'Makes new deliveries of events that were published before, one for each event and endpoint, a few at a time, ' +
          'so that live events go first. Without members: all that is exhausted, of the whole tenant.',
        params: TenantParams,
        querystring: NoQuery,
        body: ReplayInput,
        response: {
          200: ReplayCount,
          202: { ...ref('CreatedReplay'), description: 'It runs.', ...Location },
          ...writeProblems('not_found', 'conflict', 'idempotency_conflict'),
        },
      },
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

function addReading(api: Api, { replays }: Services): void {
  api.get(
    ALL,
    {
      schema: {
        operationId: 'listReplays',
        summary: "List a tenant's replays, newest first",
        tags,
        params: TenantParams,
        querystring: strict({
          state: Type.Optional(Word<ReplayState>(REPLAY_STATES, { description: 'Only replays in this state.' })),
          ...PageQuery,
        }),
        response: { 200: pageOf('Replay', 'A page of replays.'), ...readProblems('not_found') },
      },
    },
    async ({ params: { tenant }, query: { state = null, cursor, limit } }) => {
      const before = decodeCursor(cursor, isIdOf('rpl'))
      return toPage(await replays.list(tenant, { state, before }, limit + 1), limit, ({ id }) => id, viewReplay)
    },
  )

  api.get(
    ONE,
    {
      schema: {
        operationId: 'getReplay',
        summary: 'Get a replay, with how far it has come',
        tags,
        params: ItemParams,
        querystring: NoQuery,
        response: { 200: Shown('The replay.'), ...readProblems('not_found') },
      },
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

function addActions(api: Api, { replays }: Services): void {
  for (const action of ['pause', 'resume', 'cancel'] as const) {
    const [operationId, summary, description] = ACTIONS[action]
    api.post(
      `${ONE}/${action}`,
      {
        schema: {
          operationId,
          summary,
          description,
          tags,
          params: ItemParams,
          querystring: NoQuery,
          body: NoBody,
          response: { 200: Shown('The replay as it is now.'), ...writeProblems('not_found', 'conflict') },
        },
      },
      async ({ params: { tenant, id } }) => viewReplay(await replays[action](tenant, id)),
    )
  }
}
