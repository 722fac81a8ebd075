import { type Static, Type } from 'typebox'
import { percentile } from '../../base/latency-bins.ts'
import type { Stats, StatsPoint, StatsReport } from '../../services/stats.ts'
import { GRAIN_NAMES } from '../../store/operations/stats.ts'
import { parseRange } from '../http/lists.ts'
import type { Routes } from '../http/routes.ts'
import { IntegerOrNull, ref, strict, TenantParams, Time, TimeInput, time, Word } from '../http/shapes.ts'
import { type Public, resource } from '../resource.ts'
import examples from './stats.examples.json' with { type: 'json' }

const StepQuery = Word(GRAIN_NAMES, {
  description: 'Length of each step. If omitted, Posthorn chooses one that suits the period. Steps are aligned to UTC.',
})

const StatsPointSchema = Type.Object(
  {
    from: Time('Start of the step.'),
    deliveries: Type.Object(
      { delivered: Type.Integer(), exhausted: Type.Integer(), cancelled: Type.Integer() },
      { description: 'Deliveries that ended in the step, by end state.' },
    ),
    attempts: Type.Object(
      {
        '2xx': Type.Integer(),
        '3xx': Type.Integer(),
        '4xx': Type.Integer(),
        '5xx': Type.Integer(),
        other: Type.Integer({ description: 'Attempts with any other status.' }),
        none: Type.Integer({ description: 'Attempts without a response.' }),
      },
      { description: 'Attempts that ended in the step, by response status.' },
    ),
    latencyMs: Type.Object(
      { p50: IntegerOrNull(), p95: IntegerOrNull(), p99: IntegerOrNull() },
      {
        description:
          'Duration of the attempts that established a connection, in milliseconds, accurate to within 5 %. Null if ' +
          'none did.',
      },
    ),
  },
  { $id: 'StatsPoint' },
)

type StatsPointView = Static<typeof StatsPointSchema>

const StatsSchema = Type.Object(
  {
    step: Word(GRAIN_NAMES),
    from: Time('Start of the first step.'),
    to: Time('End of the last step.'),
    total: ref(StatsPointSchema),
    emptyOmitted: Type.Boolean({
      description: 'Whether `data` lacks the steps in which nothing ended, because the call asked for that.',
    }),
    data: Type.Array(ref(StatsPointSchema), {
      description: 'The steps, in order: every one, or (with `emptyOmitted`) those in which something ended.',
    }),
  },
  { $id: 'Stats' },
)

type StatsView = Static<typeof StatsSchema>

const STATS_QUERY = {
  endpoint: Type.Optional(
    Type.String({ description: 'Only deliveries to this endpoint: its id or uid. It can be a deleted one.' }),
  ),
  from: Type.Optional(TimeInput('Start of the period, rounded down to the start of a step.')),
  to: Type.Optional(TimeInput('End of the period. Defaults to now.')),
  step: Type.Optional(StepQuery),
  empty: Type.Optional(
    Word(['true', 'false'] as const, {
      description: '`false` leaves out the steps in which no delivery and no attempt ended. Defaults to `true`.',
    }),
  ),
}

const WHAT_IT_COVERS =
  'Covers the last 24 hours by default (the last 3 hours if `step` is `minute`, the last 30 days if it is `day`), ' +
  'and at most 1,500 steps. Steps of a minute are kept for 2 days, of an hour for 90 days, and of a day for 800 ' +
  'days. What happened on other nodes in the last few seconds might still be missing.'

type Needs = { readonly stats: Public<Stats> }

export const statsResource = resource({
  tag: 'Deliveries',
  components: [StatsPointSchema, StatsSchema],
  examples,
  add(routes, services: Needs) {
    addReading(routes, services)
    addReadingAll(routes, services)
  },
})

function addReading(routes: Routes, { stats }: Needs): void {
  routes.get(
    '/v1/tenants/:tenant/stats',
    {
      access: 'read',
      operationId: 'getStats',
      summary: "Get a tenant's deliveries and attempts over time",
      description: WHAT_IT_COVERS,
      params: TenantParams,
      querystring: strict(STATS_QUERY),
      response: { 200: { ...ref(StatsSchema), description: 'The statistics.' } },
      refusals: ['not_found'],
    },
    async ({ params: { tenant }, query }) => {
      const { endpoint = null, step = null } = query
      return viewStats(await stats.read(tenant, { endpoint, step, ...parseRange(query) }), query.empty === 'false')
    },
  )
}

function addReadingAll(routes: Routes, { stats }: Needs): void {
  routes.get(
    '/v1/stats',
    {
      access: 'read',
      operationId: 'getAllStats',
      summary: 'Get the deliveries and attempts of all tenants over time',
      description:
        'For API keys without a tenant. Includes what happened in tenants that have been deleted since. ' +
        WHAT_IT_COVERS,
      querystring: strict({
        tenant: Type.Optional(Type.String({ description: 'Only this tenant.', examples: ['acme'] })),
        ...STATS_QUERY,
        endpoint: Type.Optional(
          Type.String({
            description: 'Only deliveries to this endpoint of `tenant`: its id or uid. It can be a deleted one.',
          }),
        ),
      }),
      response: { 200: { ...ref(StatsSchema), description: 'The statistics.' } },
    },
    async ({ query }) => {
      const { tenant = null, endpoint = null, step = null } = query
      const filter = { endpoint, step, ...parseRange(query) }
      return viewStats(await stats.readOfAll(tenant, filter), query.empty === 'false')
    },
  )
}

function viewStats({ step, fromMs, toMs, total, points }: StatsReport, emptyOmitted: boolean): StatsView {
  const shown = emptyOmitted ? points.filter(({ counts }) => Object.values(counts).some(count => count > 0)) : points
  return {
    step,
    from: time(fromMs),
    to: time(toMs),
    total: viewPoint(total),
    emptyOmitted,
    data: shown.map(viewPoint),
  }
}

function viewPoint({ startMs, counts, latencies }: StatsPoint): StatsPointView {
  const { delivered, exhausted, cancelled } = counts
  return {
    from: time(startMs),
    deliveries: { delivered, exhausted, cancelled },
    attempts: {
      '2xx': counts.status_2xx,
      '3xx': counts.status_3xx,
      '4xx': counts.status_4xx,
      '5xx': counts.status_5xx,
      other: counts.status_other,
      none: counts.no_answer,
    },
    latencyMs: { p50: percentile(latencies, 0.5), p95: percentile(latencies, 0.95), p99: percentile(latencies, 0.99) },
  }
}
