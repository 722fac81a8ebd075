import { type Static, Type } from 'typebox'
import { percentile } from '../../base/latency-bins.ts'
import type { Stats, StatsPoint, StatsReport } from '../../services/stats.ts'
import { GRAIN_NAMES } from '../../store/operations/stats.ts'
import { parseRange } from '../http/lists.ts'
import type { Routes } from '../http/routes.ts'
import { IntegerOrNull, ref, strict, TenantParams, Time, time, Word } from '../http/shapes.ts'
import { type Public, resource } from '../resource.ts'

const StepQuery = Word(GRAIN_NAMES, {
  description: 'How long each step is; without it, as the time asked for suggests. Steps begin in UTC.',
})

const StatsPointSchema = Type.Object(
  {
    from: Time('When the step began.'),
    deliveries: Type.Object(
      { delivered: Type.Integer(), exhausted: Type.Integer(), cancelled: Type.Integer() },
      { description: 'Deliveries that ended in it, by how.' },
    ),
    attempts: Type.Object(
      {
        '2xx': Type.Integer(),
        '3xx': Type.Integer(),
        '4xx': Type.Integer(),
        '5xx': Type.Integer(),
        other: Type.Integer({ description: 'Another status.' }),
        none: Type.Integer({ description: 'No answer.' }),
      },
      { description: 'Attempts that ended in it, by what was answered.' },
    ),
    latencyMs: Type.Object(
      { p50: IntegerOrNull(), p95: IntegerOrNull(), p99: IntegerOrNull() },
      {
        description:
          'How long the attempts took that came as far as a connection, in milliseconds, to within 5 %; null: none did.',
      },
    ),
  },
  { $id: 'StatsPoint' },
)

type StatsPointView = Static<typeof StatsPointSchema>

const StatsSchema = Type.Object(
  {
    step: Word(GRAIN_NAMES),
    from: Time('The beginning of the first step.'),
    to: Time('The end of the last step.'),
    total: ref(StatsPointSchema),
    data: Type.Array(ref(StatsPointSchema), { description: 'Every step, in order, empty ones included.' }),
  },
  { $id: 'Stats' },
)

type StatsView = Static<typeof StatsSchema>

const StatsQuery = strict({
  endpoint: Type.Optional(Type.String({ description: 'Only of this endpoint, which may be gone.' })),
  from: Type.Optional(
    Type.String({ format: 'date-time', description: 'From the step that this time is in (RFC 3339).' }),
  ),
  to: Type.Optional(Type.String({ format: 'date-time', description: 'Up to this time (RFC 3339). Default: now.' })),
  step: Type.Optional(StepQuery),
})

type Needs = { readonly stats: Public<Stats> }

export const statsResource = resource({
  tag: 'Deliveries',
  components: [StatsPointSchema, StatsSchema],
  add(routes, services: Needs) {
    addReading(routes, services)
  },
})

function addReading(routes: Routes, { stats }: Needs): void {
  routes.get(
    '/v1/tenants/:tenant/stats',
    {
      access: 'read',
      operationId: 'getStats',
      summary: 'Deliveries and attempts over time',
      description:
        'The last 24 hours, unless other times are given; 1,500 steps at most. Minutes are kept for 2 days, hours for ' +
        '90, days for 800. What happened at other nodes in the last seconds may be missing yet.',
      params: TenantParams,
      querystring: StatsQuery,
      response: { 200: { ...ref(StatsSchema), description: 'The numbers.' } },
      refusals: ['not_found'],
    },
    async ({ params: { tenant }, query }) => {
      const { endpoint = null, step = null } = query
      return viewStats(await stats.read(tenant, { endpoint, step, ...parseRange(query) }))
    },
  )
}

function viewStats({ step, fromMs, toMs, total, points }: StatsReport): StatsView {
  return { step, from: time(fromMs), to: time(toMs), total: viewPoint(total), data: points.map(viewPoint) }
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
