import { Type } from 'typebox'
import { readProblems } from './schemas/problems.ts'
import { ItemParams, ref, strict } from './schemas/shapes.ts'
import type { Api, Services } from './services.ts'

const tags = ['Retries']
const Preview = (description: string) => ({ ...ref('SchedulePreview'), description })

export function addRetrySchedules(api: Api, { retrySchedules }: Services): void {
  api.get(
    '/schedule-preview',
    {
      schema: {
        operationId: 'previewSchedule',
        summary: 'See when the retries of a schedule fall due',
        tags,
        description: 'Of a schedule that is given; without one, of the type, or of the settings.',
        querystring: strict({
          schedule: Type.Optional(
            Type.String({ description: 'Seconds before each retry, with commas between, such as 30,60; empty: none.' }),
          ),
          type: Type.Optional(Type.String({ description: 'The name of an event type.' })),
        }),
        response: { 200: Preview('When its retries fall due.'), ...readProblems() },
      },
    },
    async ({ query: { schedule, type } }) =>
      retrySchedules.preview({
        ...(schedule === undefined ? {} : { schedule: schedule === '' ? [] : schedule.split(',').map(toNumber) }),
        ...(type === undefined ? {} : { type }),
      }),
  )

  api.get(
    '/tenants/:tenant/endpoints/:id/schedule',
    {
      schema: {
        operationId: 'getEndpointSchedule',
        summary: "See when an endpoint's retries fall due",
        tags,
        description: "The endpoint's schedule counts before the type's, and that before the operator's.",
        params: ItemParams,
        querystring: strict({
          type: Type.Optional(Type.String({ description: 'For deliveries of this event type.' })),
        }),
        response: { 200: Preview('When its retries fall due.'), ...readProblems('not_found') },
      },
    },
    async ({ params: { tenant, id }, query: { type } }) => retrySchedules.ofEndpoint(tenant, id, type),
  )
}

/** NaN for what is no number: refused like any other that can't be a wait. */
const toNumber = (text: string): number => (/^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN)
