import { Type } from 'typebox'

type Notes = { readonly values?: readonly string[]; readonly examples?: readonly string[] }

/** A query parameter that can name several values, separated by commas or by repeating it. The service checks them. */
export const Several = (description: string, { values, ...notes }: Notes = {}) =>
  Type.Unsafe<string | readonly string[]>({
    anyOf: [
      { type: 'string' },
      { type: 'array', items: values === undefined ? { type: 'string' } : { type: 'string', enum: [...values] } },
    ],
    description: `${description} Several are separated by commas, or the parameter is repeated.`,
    ...notes,
  })

/** The values of such a parameter; null if it was not given. An empty value stays, so that it is refused. */
export const valuesOf = (parameter: string | readonly string[] | undefined): string[] | null =>
  parameter === undefined ? null : [parameter].flat().flatMap(text => text.split(','))
