import { Type } from 'typebox'
import { readProblems } from './schemas/problems.ts'
import { ItemParams, ListOrNull, NoQuery, optionalBody, ref, strict } from './schemas/shapes.ts'
import type { Api, Services } from './services.ts'

const tags = ['Retries']
const Preview = (description: string) => ({ ...ref('SchedulePreview'), description })

export function addRetrySchedules(api: Api, { retrySchedules }: Services): void {
  api.post(
    '/schedule-preview',
    {
      schema: {
        ...{ operationId: 'previewSchedule', summary: 'See when the retries of a schedule fall due', tags },
        description: 'Of the schedule in the body; without one, of the type, or of the settings. Changes nothing.',
        querystring: NoQuery,
        body: optionalBody({
          schedule: Type.Optional(
            ListOrNull<number>('number', { description: 'Seconds before each retry, at most 30; []: no retries.' }),
          ),
          type: Type.Optional(Type.String({ description: 'The name of an event type.' })),
        }),
        response: { 200: Preview('When its retries fall due.'), ...readProblems('bad_json', 'unsupported_media_type') },
      },
    },
    async ({ body }) => {
      const { schedule, type } = body ?? {}
      return retrySchedules.preview({ ...(schedule ? { schedule } : {}), ...(type === undefined ? {} : { type }) })
    },
  )

  api.get(
    '/tenants/:tenant/endpoints/:id/schedule',
    {
      schema: {
        ...{ operationId: 'getEndpointSchedule', summary: "See when an endpoint's retries fall due", tags },
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
