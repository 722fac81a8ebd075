import { Type } from 'typebox'
import type { RetrySchedules } from '../../services/retry-schedules.ts'
import type { Routes } from '../http/routes.ts'
import { EndpointParams, ref, strict, Word } from '../http/shapes.ts'
import { type Public, resource } from '../resource.ts'
import examples from './retry-schedules.examples.json' with { type: 'json' }

const SchedulePreviewSchema = Type.Object(
  {
    schedule: Type.Array(Type.Number(), { description: 'Seconds to wait before each retry.' }),
    source: Word(['given', 'endpoint', 'type', 'setting'] as const, {
      description: 'Where the schedule comes from: the call itself, the endpoint, the event type or the settings.',
    }),
    retries: Type.Array(
      Type.Object({
        attempt: Type.Integer({ description: 'Number of the attempt: 2 for the first retry.' }),
        waitSeconds: Type.Number(),
        earliestSeconds: Type.Number({
          description: 'Earliest time of the retry, in seconds after the end of the first attempt.',
        }),
        latestSeconds: Type.Number({ description: 'Latest time of the retry, with the largest random delay added.' }),
      }),
      { description: 'When each retry is due. The duration of the attempts themselves is not included.' },
    ),
  },
  { $id: 'SchedulePreview' },
)

const Shown = (description: string) => ({ ...ref(SchedulePreviewSchema), description })

type Needs = { readonly retrySchedules: Public<RetrySchedules> }

export const retrySchedulesResource = resource({
  tag: 'Retries',
  components: [SchedulePreviewSchema],
  examples,
  add(routes, services: Needs) {
    addPreviews(routes, services)
  },
})

function addPreviews(routes: Routes, { retrySchedules }: Needs): void {
  routes.get(
    '/v1/schedule-preview',
    {
      access: 'shared',
      portal: 'look',
      operationId: 'previewSchedule',
      summary: 'Preview a retry schedule',
      description:
        "Uses the schedule in the call. Without one, uses the event type's schedule or, if it has none, the default in " +
        'the settings.',
      querystring: strict({
        schedule: Type.Optional(
          Type.String({
            description: 'Seconds before each retry, separated by commas, such as `30,60`. Empty for no retries.',
          }),
        ),
        type: Type.Optional(Type.String({ description: 'The name of an event type.' })),
      }),
      response: { 200: Shown('The schedule, and when its retries are due.') },
    },
    async ({ query: { schedule, type } }) =>
      retrySchedules.preview({
        ...(schedule === undefined ? {} : { schedule: schedule === '' ? [] : schedule.split(',').map(toNumber) }),
        ...(type === undefined ? {} : { type }),
      }),
  )

  routes.get(
    '/v1/tenants/:tenant/endpoints/:id/schedule',
    {
      access: 'read',
      portal: 'look',
      operationId: 'getEndpointSchedule',
      summary: "Preview when an endpoint's retries are due",
      description: "The endpoint's own schedule comes first, then the event type's, then the default in the settings.",
      params: EndpointParams,
      querystring: strict({
        type: Type.Optional(
          Type.String({
            description:
              'Only for deliveries of this event type. If omitted, for types without a schedule of their own.',
          }),
        ),
      }),
      response: { 200: Shown('The schedule, and when its retries are due.') },
      refusals: ['not_found'],
    },
    async ({ params: { tenant, id }, query: { type } }) => retrySchedules.ofEndpoint(tenant, id, type),
  )
}

/** NaN for text that is not a number, which is then refused like any other invalid wait. */
const toNumber = (text: string): number => (/^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN)
