import { describe, expect, it } from 'vitest'
import { compileSchema } from '../../src/catalogue/schema.ts'
import { adviseOnSchema } from '../../src/catalogue/schema-advice.ts'

const advise = (schema: object) => {
  expect(compileSchema(schema)).toMatchObject({ ok: true })
  return adviseOnSchema(schema, '/schema')
}
const found = (schema: object) => advise(schema).map(({ code, field }) => `${code} ${field}`)

describe('a schema from an OpenAPI document', () => {
  const pet = {
    type: 'object',
    required: ['kind'],
    discriminator: { propertyName: 'kind', mapping: { cat: '#/components/schemas/Cat' } },
    externalDocs: { url: 'https://example.com', description: 'x' },
    xml: { name: 'pet', wrapped: true },
    example: { kind: 'cat', xml: { format: 'any' } },
    properties: {
      kind: { type: 'string', deprecated: true, readOnly: true },
      size: { type: ['number', 'null'], format: 'shoe-size', xml: { attribute: true } },
      'a/b': {
        type: 'array',
        items: {
          oneOf: [
            { type: 'string', format: 'Date-Time' },
            { type: 'integer', format: 'int64' },
          ],
        },
      },
    },
  }

  it('is used, with a warning of each keyword and format that payloads are not checked by', () => {
    expect(found(pet)).toEqual([
      'schema_keyword_ignored /schema/discriminator',
      'schema_keyword_ignored /schema/externalDocs',
      'schema_keyword_ignored /schema/xml',
      'schema_keyword_ignored /schema/example',
      'schema_format_unknown /schema/properties/size/format',
      'schema_keyword_ignored /schema/properties/size/xml',
      'schema_format_unknown /schema/properties/a~1b/items/oneOf/0/format',
    ])
    const details = advise(pet).map(({ detail }) => detail)
    expect(details[0]).toBe('`discriminator` is a keyword of OpenAPI. It is kept, but payloads are not checked by it.')
    expect(details[4]).toBe('Unknown format `shoe-size`: payloads are not checked by it.')
    expect(details[6]).toBe('Unknown format `Date-Time`: payloads are not checked by it. Did you mean `date-time`?')
  })

  it('is checked by everything else', () => {
    const compiled = compileSchema(pet)
    const pointers = (payload: unknown) => compiled.ok && compiled.validate(payload).map(({ pointer }) => pointer)
    expect(pointers({ kind: 'cat', size: 41, 'a/b': ['now', 7] })).toEqual([])
    expect(pointers({ kind: 7, size: '41', 'a/b': [7.5] })).toEqual(
      expect.arrayContaining(['/kind', '/size', '/a~1b/0']),
    )
    expect(pointers({})).toEqual(['/kind'])
  })

  it('is not warned of where such a name is a property or a value', () => {
    const properties = { xml: { type: 'string' }, format: { const: { format: 'x', discriminator: 1 } }, example: {} }
    expect(found({ properties, enum: [{ externalDocs: 1 }], default: { format: 'x' }, $defs: { xml: {} } })).toEqual([])
  })

  it('can have formats of any name, and up to twenty warnings', () => {
    for (const format of ['__proto__', 'constructor', '', '"`\\', 'x'.repeat(60_000)]) {
      const schema = JSON.parse(JSON.stringify({ properties: { a: { format } } }))
      expect(found(schema)).toEqual(['schema_format_unknown /schema/properties/a/format'])
      expect(advise(schema)[0]!.detail.length).toBeLessThan(200)
      const compiled = compileSchema(schema)
      expect(compiled.ok && compiled.validate({ a: 'x' })).toEqual([])
    }
    expect(found({ allOf: Array.from({ length: 50 }, () => ({ xml: {} })) })).toHaveLength(20)
  })
})
