import { Type } from 'typebox'
import { percentile } from '../base/latency-bins.ts'
import type { StatsPoint, StatsReport } from '../services/stats.ts'
import { parseRange } from './lists.ts'
import { readProblems } from './schemas/problems.ts'
import { ref, strict, TenantParams } from './schemas/shapes.ts'
import { type StatsPointView, type StatsView, StepQuery } from './schemas/stats.ts'
import type { Api, Services } from './services.ts'

const StatsQuery = strict({
  endpoint: Type.Optional(Type.String({ description: 'Only of this endpoint, which may be gone.' })),
  from: Type.Optional(
    Type.String({ format: 'date-time', description: 'From the step that this time is in (RFC 3339).' }),
  ),
  to: Type.Optional(Type.String({ format: 'date-time', description: 'Up to this time (RFC 3339). Default: now.' })),
  step: Type.Optional(StepQuery),
})

export function addStats(api: Api, { stats }: Services): void {
  api.get(
    '/tenants/:tenant/stats',
    {
      schema: {
        operationId: 'getStats',
        summary: 'Deliveries and attempts over time',
        tags: ['Deliveries'],
        description:
          'The last 24 hours, unless other times are given; 1,500 steps at most. Minutes are kept for 2 days, hours for ' +
          '90, days for 800. What happened at other nodes in the last seconds may be missing yet.',
        params: TenantParams,
        querystring: StatsQuery,
        response: { 200: { ...ref<StatsView>('Stats'), description: 'The numbers.' }, ...readProblems('not_found') },
      },
    },
    async ({ params: { tenant }, query }) => {
      const { endpoint = null, step = null } = query
      return viewStats(await stats.read(tenant, { endpoint, step, ...parseRange(query) }))
    },
  )
}

const timeOf = (ms: number): string => new Date(ms).toISOString()

function viewStats({ step, fromMs, toMs, total, points }: StatsReport): StatsView {
  return { step, from: timeOf(fromMs), to: timeOf(toMs), total: viewPoint(total), data: points.map(viewPoint) }
}

function viewPoint({ startMs, counts, latencies }: StatsPoint): StatsPointView {
  const { delivered, exhausted, cancelled } = counts
  return {
    from: timeOf(startMs),
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
