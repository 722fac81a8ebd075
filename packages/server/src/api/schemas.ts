/** Shapes that several resources share: type, validation and OpenAPI in one. */
import { type Static, type TSchema, Type } from 'typebox'
import { DELIVERY_STATES } from '../model.ts'

/** Takes null too. A list of types, because the faults that Ajv finds in a union can't be told apart. */
export function nullable<Schema extends TSchema & { type: string }>(schema: Schema) {
  return Type.Unsafe<Static<Schema> | null>({ ...schema, type: [schema.type, 'null'] })
}

export function oneOf<const Words extends readonly string[]>(words: Words, options: object = {}) {
  return Type.Unsafe<Words[number]>({ type: 'string', enum: [...words], ...options })
}

export const Strict = { additionalProperties: false } as const

export const Time = Type.String({ format: 'date-time', description: 'RFC 3339, in UTC.' })

export const Metadata = Type.Record(Type.String(), Type.String(), { description: 'Yours; Posthorn only keeps it.' })

export const TenantPath = Type.Object({ tenant: Type.String({ description: 'Your own id of your customer.' }) })
export const TenantItemPath = Type.Object({ tenant: Type.String(), id: Type.String() })

export const ProblemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.String({ description: 'Stable: see docs/errors.md.' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          field: Type.String({ description: 'JSON Pointer into the body, or the name of a parameter.' }),
          detail: Type.String(),
          position: Type.Optional(Type.Integer()),
          reason: Type.Optional(Type.String()),
        }),
      ),
    ),
  },
  { description: 'Problem details (RFC 9457).' },
)
export type Problem = Static<typeof ProblemSchema>

const problem = { description: 'Refused.', content: { 'application/problem+json': { schema: ProblemSchema } } }

/** The refusals that any call can get, beside its own answers. */
export const REFUSALS = { '4xx': problem, '5xx': problem }

export const NoContent = Type.Null({ description: 'Done.' })

export const pageOf = <Item extends TSchema>(item: Item) =>
  Type.Object({
    data: Type.Array(item),
    nextCursor: Type.Union([Type.String(), Type.Null()], { description: 'For the next page; null on the last.' }),
  })

export const NotSent = Type.Record(Type.String(), Type.Integer(), {
  description: 'How many endpoints got no delivery, by reason.',
})

export const DeliveryView = Type.Object({
  id: Type.String(),
  event: Type.String(),
  endpoint: Type.String(),
  type: Type.String(),
  state: oneOf(DELIVERY_STATES as readonly ['pending', 'held', 'delivered', 'exhausted', 'cancelled']),
  heldReason: nullable(Type.String()),
  attemptCount: Type.Integer(),
  nextAttemptAt: nullable(Time),
  replayOf: nullable(Type.String()),
  test: Type.Boolean(),
  createdAt: Time,
  endedAt: nullable(Time),
})

export const toTime = (ms: number): string => new Date(ms).toISOString()
export const toTimeOrNull = (ms: number | null): string | null => (ms === null ? null : toTime(ms))
