/** Building blocks for the schemas of requests and responses. */
import { type Static, type TSchema, Type } from 'typebox'
import type { RateLimit } from '../../base/model.ts'

const STRICT = { additionalProperties: false } as const

/** Parameters or a body with these members; any other member is refused. */
export const strict = <Members extends Parameters<typeof Type.Object>[0]>(members: Members) =>
  Type.Object(members, STRICT)

export const NoQuery = strict({})
export const NoBody = strict({})

type Notes = { readonly description?: string; readonly format?: string; readonly examples?: unknown[] }

export const TextOrNull = (notes: Notes = {}) => Type.Unsafe<string | null>({ type: ['string', 'null'], ...notes })
export const Texts = (notes: Notes = {}) =>
  Type.Unsafe<Record<string, string>>({ type: 'object', additionalProperties: { type: 'string' }, ...notes })
export const TextsOrNull = (notes: Notes) =>
  Type.Unsafe<Record<string, string> | null>({
    type: ['object', 'null'],
    additionalProperties: { type: 'string' },
    ...notes,
  })
export const ListOrNull = <Item extends string | number>(type: 'string' | 'number', notes: Notes = {}) =>
  Type.Unsafe<readonly Item[] | null>({ type: ['array', 'null'], items: { type }, ...notes })
export const IntegerOrNull = (notes: Notes = {}) => Type.Unsafe<number | null>({ type: ['integer', 'null'], ...notes })
export const NumberOrNull = (notes: Notes = {}) => Type.Unsafe<number | null>({ type: ['number', 'null'], ...notes })
export const RateLimitOrNull = (notes: Notes) =>
  Type.Unsafe<RateLimit | null>({
    ...strict({
      requests: Type.Integer({ description: 'Number of requests, from 1 to 10,000.' }),
      perSeconds: Type.Integer({ description: 'Length of the period in seconds, from 1 to 86,400.' }),
    }),
    type: ['object', 'null'],
    ...notes,
  })
export const Word = <Value extends string>(values: readonly Value[], notes: Notes = {}) =>
  Type.Unsafe<Value>({ type: 'string', enum: [...values], ...notes })
export const WordOrNull = <Value extends string>(values: readonly Value[], notes: Notes = {}) =>
  Type.Unsafe<Value | null>({ type: ['string', 'null'], enum: [...values, null], ...notes })
export const Time = (description: string) => Type.String({ format: 'date-time', description })
export const TimeOrNull = (description: string) => TextOrNull({ format: 'date-time', description })

/** How a time can be given in a call; lists.ts parses it. */
const TIME_FORMATS = { anyOf: [{ format: 'date-time' }, { format: 'date' }] }
const HOW_TO_GIVE = 'In RFC 3339 format; a date alone is midnight UTC.'
export const TimeInput = (description: string) =>
  Type.Unsafe<string>({ type: 'string', ...TIME_FORMATS, description: `${description} ${HOW_TO_GIVE}` })
export const TimeInputOrNull = (description: string) =>
  Type.Unsafe<string | null>({
    type: ['string', 'null'],
    ...TIME_FORMATS,
    description: `${description} ${HOW_TO_GIVE}`,
  })

/** What is accepted, but worth looking at. */
export const Warnings = (description: string) =>
  Type.Array(
    Type.Object({
      code: Type.String(),
      detail: Type.String(),
      field: Type.Optional(
        Type.String({
          description:
            'The member concerned, as a JSON Pointer into the body, or the name of the parameter. Absent if there is none.',
        }),
      ),
    }),
    { description },
  )

export const objectOrNull = <Members extends Parameters<typeof Type.Object>[0]>(
  members: Members,
  description: string,
) =>
  Type.Unsafe<Static<ReturnType<typeof Type.Object<Members>>> | null>({
    ...Type.Object(members),
    type: ['object', 'null'],
    description,
  })

/** A reference to a component: a schema with an `$id` that a resource lists in its `components`. */
export function ref<Schema extends TSchema>(schema: Schema) {
  return Type.Unsafe<DeepReadonly<Static<Schema>>>({ $ref: `${idOf(schema)}#` })
}

/** Lets handlers return read-only values. */
type DeepReadonly<Value> = Value extends object ? { readonly [Name in keyof Value]: DeepReadonly<Value[Name]> } : Value

/** The name of a component. */
export function idOf(component: TSchema): string {
  return (component as { readonly $id?: string }).$id ?? 'without an $id'
}

export const pageOf = <Schema extends TSchema>(schema: Schema, description: string) => ({
  ...Type.Object({
    data: Type.Array(ref(schema)),
    nextCursor: TextOrNull({ description: 'Cursor of the next page. Null if this is the last page.' }),
    prevCursor: TextOrNull({ description: 'Cursor of the previous page. Null if this is the first page.' }),
  }),
  description,
})

/** Members of a page besides the usual ones, where the list looks for what matches a filter. */
export const SearchedTo = TimeOrNull(
  'How far the list looked before its time was up. More can follow: `nextCursor` (or, going back, `prevCursor`) continues ' +
    'there. Null if the page is complete.',
)
export const ListWarnings = Warnings('What is odd about the call, although it was accepted.')

export const Gone = Type.Unsafe<undefined>({ type: 'null', description: 'Success. The response has no body.' })

export const Location = {
  headers: { Location: { type: 'string', description: 'Path of the new resource.' } },
}

// Path parameters

export const TenantParams = Type.Object({
  tenant: Type.String({ description: "The tenant's id, chosen by the provider." }),
})
/** Endpoints are found by their id or by their uid (services/endpoints/references.ts). */
export const EndpointParams = Type.Object({
  ...TenantParams.properties,
  id: Type.String({ description: "The endpoint's id or uid." }),
})
export const ItemParams = Type.Object({ ...TenantParams.properties, id: Type.String() })
export const KeyParams = Type.Object({ id: Type.String() })
export const TypeParams = Type.Object({ name: Type.String({ description: 'The name of the event type.' }) })

// Times in responses

export const time = (ms: number): string => new Date(ms).toISOString()
export const timeOrNull = (ms: number | null): string | null => (ms === null ? null : time(ms))
