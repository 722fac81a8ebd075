import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compileSchema } from '../../../server/src/catalogue/schema.ts'
import { writeDeclarations } from '../../src/command/declarations.ts'
import { SchemaTypes } from '../../src/command/schema-types.ts'
import { anySchema, plainSchema, randomOf, type Schema, valueFor } from './schemas.ts'

const COMPILER = fileURLToPath(new URL('../../../../node_modules/typescript/bin/tsc', import.meta.url))
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'posthorn-schemas-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The compiler's errors, by line of the file. */
function errorsOf(text: string): Map<number, string> {
  writeFileSync(join(folder, 'cases.ts'), text)
  const flags = '--noEmit --strict --exactOptionalPropertyTypes --module nodenext --target es2022 --lib es2022'.split(
    ' ',
  )
  const { stdout } = spawnSync(process.execPath, [COMPILER, ...flags, 'cases.ts'], { cwd: folder, encoding: 'utf8' })
  const errors = [...stdout.matchAll(/^cases\.ts\((\d+),\d+\): (.*)$/gm)]
  expect(stdout === '' || errors.length > 0, stdout).toBe(true)
  return new Map(errors.map(([, line, message]) => [Number(line), message!]))
}

/** Types of schemas, each with the values that have to fit it, as a module. Remembers what is on which line. */
class Cases {
  #lines: string[] = []
  #taken = new Set<string>()
  readonly places = new Map<number, string>()

  add(schema: Schema, values: readonly unknown[]): void {
    const claim = (name: string) => {
      let free = name
      for (let number = 2; this.#taken.has(free); number++) free = `${name}_${number}`
      this.#taken.add(free)
      return free
    }
    const name = claim('Root')
    const { type, named } = new SchemaTypes(schema, 'Part', claim).write()
    const types = [...named, [name, type] as const]
    for (const [alias, text] of types) this.#push(`type ${alias} = ${text}`, `the type of ${JSON.stringify(schema)}`)
    for (const value of values) {
      // Not a literal where it is assigned: in one, the compiler reports members that the type doesn't mention.
      const const_ = value === null ? '' : ' as const'
      const text = `{ const value = ${literal(value)}${const_}; const typed: ${name} = value; void typed }`
      this.#push(text, `${JSON.stringify(value)} for ${JSON.stringify(schema)}`)
    }
  }

  #push(text: string, what: string): void {
    const first = this.text.split('\n').length
    this.#lines.push(text)
    for (let line = first; line < first + text.split('\n').length; line++) this.places.set(line, what)
  }

  get text(): string {
    return this.#lines.map(line => `${line}\n`).join('')
  }

  /** What the compiler refuses. */
  refused(most = Number.POSITIVE_INFINITY): string[] {
    const errors = [...errorsOf(`${this.text}export {}\n`)].slice(0, most)
    return errors.map(([line, message]) => `${message}\n${this.places.get(line)}`)
  }
}

/** JSON is JavaScript, but for the member `__proto__`, which these values don't have. On one line, as compilers count. */
const literal = (value: unknown) =>
  JSON.stringify(value).replace(/[^ -~]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

const typeOf = (schema: Schema) => new SchemaTypes(schema, 'Order', name => name).write()

/** Which of some values the server accepts, made from a seed. */
function acceptedValues(schema: Schema, seed: number, count: number): unknown[] {
  const compiled = compileSchema(schema)
  if (!compiled.ok) return []
  const random = randomOf(seed)
  const values = Array.from({ length: count }, () => valueFor(schema, schema, random))
  return values.filter(value => compiled.validate(value).length === 0)
}

describe('the type of a schema', () => {
  it('accepts whatever the server accepts', { timeout: 120_000 }, () => {
    const seed = Date.now() % 2 ** 31
    const cases = new Cases()
    let accepted = 0
    for (const [at, schema] of fc.sample(anySchema, { numRuns: 300, seed }).entries()) {
      const values = acceptedValues(schema, seed + at, 8)
      accepted += values.length
      cases.add(schema, values)
    }
    expect(accepted).toBeGreaterThan(300)
    expect(cases.refused(3), `seed ${seed}`).toEqual([])
  })

  it('refuses what the server refuses, if the schema has only what types can express', { timeout: 120_000 }, () => {
    const seed = Date.now() % 2 ** 31
    const cases = new Cases()
    let wrong = 0
    for (const [at, schema] of fc.sample(plainSchema, { numRuns: 200, seed }).entries()) {
      const compiled = compileSchema(schema)
      if (!compiled.ok) throw new Error(compiled.detail)
      const random = randomOf(seed + at)
      const values = Array.from({ length: 4 }, () => spoilt(valueFor(schema, schema, random), random))
      const refused = values.filter(value => compiled.validate(value).length > 0)
      wrong += refused.length
      cases.add(schema, refused)
    }
    expect(wrong).toBeGreaterThan(200)
    expect(
      cases.refused().filter(text => !text.includes('the type of')),
      `seed ${seed}`,
    ).toHaveLength(wrong)
  })

  it.each<[string, Schema, string]>([
    [
      'an object',
      { type: 'object', required: ['a'], properties: { a: { type: 'string' }, b: { type: 'integer' } } },
      '{\n  a: string;\n  b?: number | undefined;\n}',
    ],
    [
      'one that allows others',
      { type: 'object', required: ['a'], properties: { a: {} }, additionalProperties: true },
      '{\n  a: unknown;\n  [member: string]: unknown;\n}',
    ],
    ['a map', { type: 'object', additionalProperties: { type: 'integer' } }, '{ [member: string]: number; }'],
    ['an object without members', { type: 'object', additionalProperties: false }, '{ [member: string]: never; }'],
    ['any object', { type: 'object' }, '{ [member: string]: unknown }'],
    [
      'members by pattern',
      { type: 'object', patternProperties: { '^x-': { type: 'string' } }, additionalProperties: false },
      '{ [member: string]: string; }',
    ],
    ['a list', { type: 'array', items: { type: ['string', 'null'] } }, 'readonly (string | null)[]'],
    [
      'a tuple',
      { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }], minItems: 1, items: false },
      'readonly [string, number?]',
    ],
    ['words', { enum: ['a', "it's", 1, null] }, "'a' | 'it\\'s' | 1 | null"],
    ['words of one type', { type: 'string', enum: ['a', 1] }, "'a'"],
    ['one value', { const: { a: [1, true] } }, '{ a: readonly [1, true]; }'],
    ['nullable', { type: 'string', nullable: true }, 'string | null'],
    [
      'a choice',
      { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'boolean' } }] },
      'string | readonly boolean[]',
    ],
    [
      'all of several',
      {
        allOf: [{ $ref: '#/$defs/a' }, { type: 'object', required: ['b'], properties: { b: { const: 1 } } }],
        $defs: { a: {} },
      },
      'OrderA & {\n  b: 1;\n}',
    ],
    ['anything', {}, 'unknown'],
    ['nothing', { type: 'object', required: ['a'], properties: { a: false } }, '{\n  a: never;\n}'],
    ['an endless reference', { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } }, 'unknown'],
    [
      'a reference to elsewhere',
      { type: 'object', required: ['a'], properties: { a: { $ref: 'https://schemas.example/a' } } },
      '{\n  a: unknown;\n}',
    ],
    [
      'what is no schema',
      { type: 7, properties: 'x', required: {}, items: [1], enum: 'x', anyOf: {} },
      '{ [member: string]: unknown } | readonly unknown[] | string | number | boolean | null',
    ],
    [
      'a description',
      {
        type: 'object',
        required: ['a'],
        properties: { a: { type: 'string', description: 'Ends */ it.\n@ts-ignore', deprecated: true } },
      },
      '{\n  /**\n   * Ends *\\/ it. @ ts-ignore\n   * @deprecated\n   */\n  a: string;\n}',
    ],
    [
      'names that need quotes',
      { type: 'object', required: ['a-b'], properties: { 'a-b': {}, "';\n": {} } },
      "{\n  'a-b': unknown;\n  '\\';\\u000a'?: unknown;\n}",
    ],
  ])('is right for %s', (_name, schema, expected) => {
    expect(typeOf(schema).type).toBe(expected)
  })

  it('refers to itself by name', () => {
    const node = { type: 'object', required: ['id'], properties: { id: { type: 'string' }, next: { $ref: '#' } } }
    expect(typeOf(node)).toEqual({
      type: 'Order',
      named: [['Order', '{\n  id: string;\n  next?: Order | undefined;\n}']],
    })
  })

  it('is made in time of schemas that are deep, wide, or refer to each other in every way', () => {
    let deep: Schema = { type: 'string' }
    for (let level = 0; level < 5_000; level++) deep = { type: 'array', items: deep }
    expect(typeOf(deep).type.length).toBeLessThan(10_000)
    const $defs: Record<string, Schema> = {}
    for (let at = 0; at < 200; at++) {
      const next = { $ref: `#/$defs/d${(at + 1) % 200}` }
      $defs[`d${at}`] = { anyOf: [next, next, { type: 'object', properties: { a: next, b: { allOf: [next, next] } } }] }
    }
    expect(typeOf({ $ref: '#/$defs/d0', $defs }).named.length).toBeLessThan(201)
  })
})

/** Replaces a part of a value by something else, or removes it. */
function spoilt(value: unknown, random: () => number): unknown {
  const others = ['z', 7, true, null, [], {}, ['z', 7], { a: 'z' }]
  if (typeof value !== 'object' || value === null || random() < 0.2) return others[Math.floor(random() * others.length)]
  const entries = Object.entries(value)
  if (entries.length === 0) return others[Math.floor(random() * others.length)]
  const at = Math.floor(random() * entries.length)
  if (Array.isArray(value)) return value.with(at, spoilt(value[at], random))
  if (random() < 0.3) return Object.fromEntries(entries.toSpliced(at, 1))
  return Object.fromEntries(entries.with(at, [entries[at]![0], spoilt(entries[at]![1], random)]))
}

describe('the file', () => {
  const type = (name: string, description = '') => ({
    name,
    group: 'g',
    description,
    schema: {
      type: 'object',
      required: ['a'],
      properties: { a: { $ref: '#/$defs/p' } },
      $defs: { p: { type: 'string' } },
    },
    example: {},
    schedule: null,
    operational: false,
    archivedAt: null,
  })

  it('is made of whatever names and descriptions a server sends, and declares them and nothing else', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string(),
      fc.constantFrom("'] } } export const x = 1 //", '*/'),
    )
    fc.assert(
      fc.property(fc.uniqueArray(text, { maxLength: 5 }), text, (names, description) => {
        const file = writeDeclarations(names.map(name => type(name, description)))
        const code = file.replace(/\/\*\*[\s\S]*?\*\//g, '').replace(/'(?:\\.|[^'\\\n])*'/g, "''")
        expect(code).toMatch(/^[\x20-\x7e\n]*$/)
        expect(
          code.replaceAll(
            /\/\/ Generated .*\n|export \{\}|type \w+ = string|declare module ''|interface \w+|'': \{|a: \w+;|[{};\s]/g,
            '',
          ),
        ).toBe('')
      }),
    )
  })

  it('compiles with names that would be the same without punctuation, and with those of its own types', () => {
    const names = ['A_B', 'A.B', 'A-B', 'a.b', 'EventPayloads', 'Array', "A'B", 'constructor', '\u2028', '\n']
    const file = writeDeclarations(names.map(name => type(name, 'Said */ and @ts-nocheck')))
    const body = file
      .replace("declare module '@posthorn/client' {", 'namespace N {')
      .replaceAll('interface', 'export interface')
    expect(errorsOf(body)).toEqual(new Map())
    expect(new Set(file.match(/^type \w+/gm)).size).toBe(names.length)
  })

  it('is the same in whatever order the types come', () => {
    const types = ['B', 'A', 'C.d'].map(name => type(name))
    expect(writeDeclarations(types)).toBe(writeDeclarations(types.toReversed()))
  })
})
