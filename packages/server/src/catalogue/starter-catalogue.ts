/** The event types that a new installation starts with (C1). An operator replaces or extends them at runtime. */
import type { EventTypeDefinition } from './event-type.ts'

export const starterCatalogue: readonly EventTypeDefinition[] = [
  {
    name: 'COVER_ASSESSMENT_COMPLETED',
    group: 'coverage',
    description: 'A cover request has an answer other than pending.',
    schema: {
      type: 'object',
      required: ['coverId', 'status'],
      properties: {
        coverId: { type: 'string', format: 'uuid' },
        status: { type: 'string', enum: ['Quoted', 'Refused'] },
      },
    },
    example: { coverId: '564200aa-7128-4a26-83a8-cf0201903fcc', status: 'Quoted' },
  },
  {
    name: 'COVER_STATUS_CHANGED',
    group: 'coverage',
    description: 'The status of a cover has changed.',
    schema: {
      type: 'object',
      required: ['coverId', 'status', 'notificationId', 'notificationTimestamp'],
      properties: {
        coverId: { type: 'string', format: 'uuid' },
        status: { type: 'string', enum: ['Quoted', 'Refused', 'Expired', 'Claimed', 'TimeBarred'] },
        notificationId: { type: 'string', format: 'uuid' },
        notificationTimestamp: { type: 'string', format: 'date-time' },
      },
    },
    example: {
      coverId: '5db7873e-16a2-41e4-acf0-e446bc0c5aef',
      status: 'Expired',
      notificationId: '382e7554-b150-4037-9b1a-c2efc93b7ea3',
      notificationTimestamp: '2024-11-07T15:18:12.9392875Z',
    },
  },
  {
    name: 'COVER_REFERENCE',
    group: 'coverage',
    description: 'The smallest coverage event: it names the cover and leaves the rest to a look-up.',
    schema: {
      type: 'object',
      required: ['CoverId'],
      properties: { CoverId: { type: 'string', format: 'uuid' } },
    },
    example: { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' },
  },
  {
    name: 'GRADE_CHANGED',
    group: 'grading',
    description: 'The grade of a buyer has changed.',
    schema: {
      type: 'object',
      required: ['ehid', 'change', 'companyUrl'],
      properties: {
        ehid: { type: 'string' },
        change: { type: 'string', enum: ['positive', 'negative'] },
        companyUrl: { type: 'string', format: 'uri' },
      },
    },
    example: { ehid: '2670462', change: 'positive', companyUrl: 'https://api.example.com/v3/companies/2670462' },
  },
  {
    name: 'COMPANY_SEARCH_UPDATED',
    group: 'company search',
    description: 'A company search that was not answered at once has moved on.',
    schema: {
      type: 'object',
      required: ['confirmationId', 'status'],
      properties: {
        confirmationId: { type: 'string', format: 'uuid' },
        status: { type: 'string', enum: ['PENDING', 'ANSWERED', 'REJECTED'] },
      },
    },
    example: { confirmationId: '6f1f2d0e-6c5b-4a55-9f0e-3b0a4a6d3a0e', status: 'PENDING' },
  },
]
