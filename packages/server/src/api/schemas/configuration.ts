/** Tenants, event types, and what is published of this installation. */
import { type Static, Type } from 'typebox'
import type { Retention } from '../../base/model.ts'
import {
  IntegerOrNull,
  ListOrNull,
  objectOrNull,
  optionalBody,
  strict,
  TextOrNull,
  Texts,
  TextsOrNull,
  Time,
  TimeOrNull,
  Word,
} from './shapes.ts'

export const EventTypeSchema = Type.Object(
  {
    name: Type.String(),
    group: Type.String(),
    description: Type.String(),
    schema: Type.Unknown({ description: 'JSON Schema (2020-12) that payloads must satisfy.' }),
    example: Type.Unknown({ description: 'A payload that satisfies it.' }),
    schedule: ListOrNull<number>('number', {
      description: 'Seconds before each retry, at endpoints without a schedule; null: the default.',
    }),
    operational: Type.Boolean({ description: 'Of Posthorn itself: it goes to endpoints that name it.' }),
    archivedAt: TimeOrNull('Since then it is archived: it can no longer be published. null: it is in use.'),
  },
  { $id: 'EventType' },
)
export type EventTypeView = Static<typeof EventTypeSchema>

export const EventTypeInput = strict({
  group: Type.String({ description: '1 to 64 characters.' }),
  description: Type.String({ description: '1 to 2,000 characters.' }),
  schema: Type.Unknown({ description: 'JSON Schema (2020-12) of an object, with at least one required property.' }),
  example: Type.Unknown({ description: 'A payload that satisfies the schema.' }),
  schedule: Type.Optional(
    ListOrNull<number>('number', { description: 'Seconds before each retry, at most 30; null: the default.' }),
  ),
})

export const SchedulePreviewSchema = Type.Object(
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

const AGE = 'in days from 1 to 36,500, counted from the end of its last delivery'
const retentionOf = <Member extends Parameters<typeof Type.Object>[0][string]>(days: (about: string) => Member) => ({
  days: days(`How long an event is kept with everything of it, ${AGE}; null: retentionDays.`),
  payloadDays: days(`The same of its payload; null: payloadRetentionDays.`),
  answerDays: days(`The same of what receivers answered; null: answerRetentionDays.`),
})
const RETENTION = 'How long what is done with is kept of this tenant; null: as the settings say.'

export const TenantSchema = Type.Object(
  {
    id: Type.String(),
    name: TextOrNull(),
    metadata: Texts(),
    retention: objectOrNull(
      retentionOf(description => IntegerOrNull({ description })),
      RETENTION,
    ),
    createdAt: Time('When it was created.'),
  },
  { $id: 'Tenant' },
)
export type TenantView = Static<typeof TenantSchema>

export const TenantInput = optionalBody({
  name: Type.Optional(TextOrNull({ description: 'At most 256 characters.' })),
  metadata: Type.Optional(TextsOrNull({ description: 'Labels of your own, at most 50.' })),
  retention: Type.Optional(
    Type.Unsafe<Partial<Retention> | null>({
      ...strict(retentionOf(description => Type.Optional(IntegerOrNull({ description })))),
      type: ['object', 'null'],
      description: `${RETENTION} Left out: null.`,
    }),
  ),
})

export const ErasureSchema = Type.Object(
  {
    tenant: Type.String(),
    state: Word(['running', 'finished'] as const, {
      description: 'finished: nothing of it is left in the store but in the audit log.',
    }),
    rowsRemoved: Type.Integer({ description: 'Rows that are gone so far.' }),
    requestedAt: Time('When it was asked for.'),
    finishedAt: TimeOrNull('When it was finished; null: it is not.'),
  },
  { $id: 'Erasure' },
)
export type ErasureView = Static<typeof ErasureSchema>

export const EgressSchema = Type.Object(
  { addresses: Type.Array(Type.String({ description: 'An IP address or network.' })) },
  {
    $id: 'Egress',
    description: 'The addresses that deliveries come from, for firewalls; empty if they are not fixed.',
  },
)
