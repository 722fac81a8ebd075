/** Tenants, event types, and what is published of this installation. */
import { type Static, Type } from 'typebox'
import { optionalBody, strict, TextOrNull, Texts, TextsOrNull, Time, TimeOrNull } from './shapes.ts'

export const EventTypeSchema = Type.Object(
  {
    name: Type.String(),
    group: Type.String(),
    description: Type.String(),
    schema: Type.Unknown({ description: 'JSON Schema (2020-12) that payloads must satisfy.' }),
    example: Type.Unknown({ description: 'A payload that satisfies it.' }),
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
})

export const TenantSchema = Type.Object(
  { id: Type.String(), name: TextOrNull(), metadata: Texts(), createdAt: Time('When it was created.') },
  { $id: 'Tenant' },
)
export type TenantView = Static<typeof TenantSchema>

export const TenantInput = optionalBody({
  name: Type.Optional(TextOrNull({ description: 'At most 256 characters.' })),
  metadata: Type.Optional(TextsOrNull({ description: 'Labels of your own, at most 50.' })),
})

export const EgressSchema = Type.Object(
  { addresses: Type.Array(Type.String({ description: 'An IP address or network.' })) },
  {
    $id: 'Egress',
    description: 'The addresses that deliveries come from, for firewalls; empty if they are not fixed.',
  },
)
