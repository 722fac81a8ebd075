import { describe, expect, test } from 'vitest'
import { type OutlineNode, outlineOf } from '../src/catalogue/outline.ts'

const nameOf = ({ label }: OutlineNode) =>
  label.kind === 'property' ? label.name : label.kind === 'variant' ? (label.title ?? label.number) : label.kind

/** A node in few words: name, `!` if required, types, then its children. */
const short = (node: OutlineNode): unknown => {
  const own = `${nameOf(node)}${node.isRequired ? '!' : ''}: ${node.types.join('|') || 'any'}`
  const inner = [...node.children, ...(node.variants?.nodes ?? [])]
  return inner.length === 0 ? own : [own, ...inner.map(short)]
}

describe('the outline of a schema', () => {
  test('has properties in their order, with types and whether they are required', () => {
    const schema = {
      type: 'object',
      required: ['b', 'unmentioned'],
      properties: { b: { type: 'string' }, a: { type: ['integer', 'null'] }, c: true },
    }
    expect(short(outlineOf(schema))).toEqual([
      'root!: object',
      'b!: string',
      'a: integer|null',
      'c: any',
      'unmentioned!: any',
    ])
  })

  test('merges allOf and $ref into the place where they apply', () => {
    const schema = {
      allOf: [{ $ref: '#/$defs/Base' }, { properties: { id: { maxLength: 9 }, more: { type: 'number' } } }],
      $defs: {
        Base: { type: 'object', required: ['id'], properties: { id: { type: 'string', description: 'Its id.' } } },
      },
    }
    const outline = outlineOf(schema)
    expect(short(outline)).toEqual(['root!: object', 'id!: string', 'more: number'])
    expect(outline.children[0]).toMatchObject({
      description: 'Its id.',
      rules: [{ keyword: 'maxLength', value: 9 }],
    })
  })

  test('says "or null", lists of values and unions of types as such, rather than as variants', () => {
    const { children } = outlineOf({
      properties: {
        address: { oneOf: [{ type: 'null' }, { $ref: '#/$defs/Address' }] },
        state: { oneOf: [{ const: 'on', description: 'It runs.' }, { const: 'off' }] },
        amount: { anyOf: [{ type: 'string' }, { type: 'number' }] },
      },
      $defs: { Address: { type: 'object', properties: { city: { type: 'string' } } } },
    })
    expect(children.map(short)).toEqual([
      ['address: object|null', 'city: string'],
      'state: string',
      'amount: string|number',
    ])
    expect(children[1]!.values).toEqual([
      { json: '"on"', description: 'It runs.' },
      { json: '"off"', description: null },
    ])
  })

  test('has variants by title, or by the name of what they refer to', () => {
    const outline = outlineOf({
      type: 'object',
      oneOf: [
        { title: 'By card', properties: { card: { type: 'string' } } },
        { $ref: '#/$defs/ByBank' },
        { properties: { cash: { const: true } } },
      ],
      $defs: { ByBank: { properties: { iban: { type: 'string' } } } },
    })
    expect(short(outline)).toEqual([
      'root!: object',
      ['By card: object', 'card: string'],
      ['ByBank: object', 'iban: string'],
      ['3: object', 'cash: boolean'],
    ])
    const ways = { oneOf: [{ properties: { a: true } }, { type: ['object', 'null'], properties: { b: true } }] }
    expect(outlineOf(ways).types).toEqual(['object', 'null'])
  })

  test('shows the properties of an array’s objects right below it, and what limits items as a row of its own', () => {
    const outline = outlineOf({
      properties: {
        lines: { type: 'array', items: { type: 'object', properties: { sku: { type: 'string' } } } },
        tags: { type: 'array', items: { type: 'string' } },
        codes: { type: 'array', items: { type: 'string', maxLength: 3 } },
        pair: { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }], items: false },
      },
    })
    expect(outline.children.map(short)).toEqual([
      ['lines: array', 'sku: string'],
      'tags: array',
      ['codes: array', 'items: string'],
      ['pair: array', 'items: string', 'items: number'],
    ])
    expect(outline.children[0]!.items?.types).toEqual(['object'])
    expect(outline.children[0]!.children[0]!.path).toEqual(['lines', '*', 'sku'])
  })

  test('ends where a schema repeats itself, and says which', () => {
    const node = { type: 'object', properties: { value: { type: 'string' }, next: { $ref: '#/$defs/Node' } } }
    const outline = outlineOf({ $ref: '#/$defs/Node', $defs: { Node: node } })
    expect(outline.children[1]).toMatchObject({ repeats: 'Node', types: ['object'], children: [] })
    expect(outlineOf({ properties: { again: { $ref: '#' } } }).children[0]).toMatchObject({ repeats: '#' })
    expect(outlineOf({ $ref: '#' }).children).toEqual([])
  })

  test('ends references that multiply', () => {
    const $defs: Record<string, unknown> = { d0: { type: 'string' } }
    for (let index = 1; index < 40; index++) {
      const $ref = `#/$defs/d${index - 1}`
      $defs[`d${index}`] = { type: 'object', properties: { a: { $ref }, b: { $ref } } }
    }
    let count = 0
    const walk = (node: OutlineNode) => {
      count++
      node.children.forEach(walk)
    }
    walk(outlineOf({ $ref: '#/$defs/d39', $defs }))
    expect(count).toBeLessThan(3_000)
  })

  test.each([
    null,
    7,
    'x',
    [],
    {},
    true,
    { type: 7 },
    { properties: [] },
    { $ref: 7 },
    { $ref: '#/nowhere' },
    { $ref: '#/%' },
    { oneOf: [] },
    { oneOf: 3 },
    { items: { items: { items: true } } },
  ])('takes %j', schema => {
    expect(outlineOf(schema).label.kind).toBe('root')
  })

  test('says what is never allowed', () => {
    expect(outlineOf({ properties: { old: false } }).children[0]).toMatchObject({ isNever: true })
    expect(outlineOf({ type: 'object', additionalProperties: false }).rules).toEqual([
      { keyword: 'closed', value: true },
    ])
  })
})
