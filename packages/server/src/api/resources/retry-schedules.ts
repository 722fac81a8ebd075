import { Type } from 'typebox'
import type { RetrySchedules } from '../../services/retry-schedules.ts'
import type { Routes } from '../http/routes.ts'
import { ItemParams, ref, strict, Word } from '../http/shapes.ts'
import { type Public, resource } from '../resource.ts'

const SchedulePreviewSchema = Type.Object(
  {
    schedule: Type.Array(Type.Number(), { description: 'Seconds before each retry.' }),
    source: Word(['given', 'endpoint', 'type', 'setting'] as const, { description: 'Where the schedule is from.' }),
    retries: Type.Array(
      Type.Object({
        attempt: Type.Integer({ description: '2 for the first retry.' }),
        waitSeconds: Type.Number(),
        earliestSeconds: Type.Number({ description: 'From the end of the first attempt.' }),
        latestSeconds: Type.Number({ description: 'The same, with all that is added at random.' }),
      }),
      { description: 'When each falls due; the time that the attempts themselves take comes on top.' },
    ),
  },
  { $id: 'SchedulePreview' },
)

const Shown = (description: string) => ({ ...ref(SchedulePreviewSchema), description })

type Needs = { readonly retrySchedules: Public<RetrySchedules> }

export const retrySchedulesResource = resource({
  tag: 'Retries',
  components: [SchedulePreviewSchema],
  add(routes, services: Needs) {
    addPreviews(routes, services)
  },
})

function addPreviews(routes: Routes, { retrySchedules }: Needs): void {
  routes.get(
    '/v1/schedule-preview',
    {
      access: 'shared',
      operationId: 'previewSchedule',
      summary: 'See when the retries of a schedule fall due',
      description: 'Of a schedule that is given; without one, of the type, or of the settings.',
      querystring: strict({
        schedule: Type.Optional(
          Type.String({ description: 'Seconds before each retry, with commas between, such as 30,60; empty: none.' }),
        ),
        type: Type.Optional(Type.String({ description: 'The name of an event type.' })),
      }),
      response: { 200: Shown('When its retries fall due.') },
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
      operationId: 'getEndpointSchedule',
      summary: "See when an endpoint's retries fall due",
      description: "The endpoint's schedule counts before the type's, and that before the operator's.",
      params: ItemParams,
      querystring: strict({
        type: Type.Optional(Type.String({ description: 'For deliveries of this event type.' })),
      }),
      response: { 200: Shown('When its retries fall due.') },
      refusals: ['not_found'],
    },
    async ({ params: { tenant, id }, query: { type } }) => retrySchedules.ofEndpoint(tenant, id, type),
  )
}

/** NaN for what is no number: refused like any other that can't be a wait. */
const toNumber = (text: string): number => (/^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN)
