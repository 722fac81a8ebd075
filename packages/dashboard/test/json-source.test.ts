import fc from 'fast-check'
import { expect, test } from 'vitest'
import { place, readJson } from '../src/lib/json-document.ts'
import { indent, pathOf, spansOf, syntaxProblem } from '../src/lib/json-source.ts'
import { checkBy, checkIfPossible } from '../src/lib/schema-check.ts'

const texts = fc.oneof(
  fc.json(),
  fc.jsonValue({ maxDepth: 4 }).map(value => JSON.stringify(value, null, 2)),
)

test('what JSON.parse reads has no problem of syntax', () => {
  fc.assert(
    fc.property(texts, text => {
      expect(syntaxProblem(text)).toBeNull()
    }),
  )
})

test('what JSON.parse refuses has a problem within the text', () => {
  const broken = fc
    .tuple(texts, fc.nat(), fc.constantFrom(',', '{', ']', '"', "'", '\\', 'x', '//', '01', '\u0001'))
    .map(([text, at, extra]) => text.slice(0, at % (text.length + 1)) + extra + text.slice(at % (text.length + 1)))
    .filter(text => {
      try {
        JSON.parse(text)
        return false
      } catch {
        return true
      }
    })
  fc.assert(
    fc.property(broken, text => {
      const problem = syntaxProblem(text)
      expect(problem).not.toBeNull()
      expect(problem!.from).toBeGreaterThanOrEqual(0)
      expect(problem!.from).toBeLessThanOrEqual(text.length)
      expect(readJson(text).problems).toHaveLength(1)
    }),
  )
})

test.each([
  ['', 'empty'],
  ['{"a": 1,}', 'trailingComma'],
  ['{"a": 1 "b": 2}', 'comma'],
  ['{a: 1}', 'key'],
  ["{'a': 1}", 'quotes'],
  ['{"a" 1}', 'colon'],
  ['{"a": "x}', 'unclosedText'],
  ['{"a": "x\\d"}', 'escape'],
  ['{"a": None}', 'word'],
  ['{"a": 01}', 'number'],
  ['{"a": }', 'value'],
  ['{"a": 1 // x\n}', 'comment'],
  ['{"a": [1}', 'mismatch'],
  ['{"a": [1', 'unclosedArray'],
  ['{"a": 1', 'unclosedObject'],
  ['{} {}', 'extra'],
  ['{"a": 1, "a": 2}', 'duplicate'],
])('%s has the fault %s', (text, fault) => {
  expect(syntaxProblem(text)?.fault).toBe(fault)
})

test('a text nested 100,000 deep is read', () => {
  expect(syntaxProblem('['.repeat(100_000))?.fault).toBe('unclosedArray')
})

test('a value is found with its name, and what is missing at what would have it', () => {
  const text = '{"a": [1, {"b/c": "x"}],\n "d": 2}'
  const spans = spansOf(text, ['/a/1/b~1c', '/d', '/e', '/a/7'])
  const at = (pointer: string) => {
    const { from, to } = spans.get(pointer)!
    return text.slice(from, to)
  }
  expect(at('/a/1/b~1c')).toBe('"b/c": "x"')
  expect(at('/d')).toBe('"d": 2')
  expect(at('/e')).toBe('{')
  expect(at('/a/7')).toBe('"')
})

test('a path is written as people read it', () => {
  expect(pathOf('/cover/items/2/the amount/a~1b')).toBe('cover.items[2]["the amount"]["a/b"]')
})

test('indenting keeps the value, and numbers as they were written', () => {
  fc.assert(
    fc.property(texts, text => {
      expect(JSON.parse(indent(text))).toEqual(JSON.parse(text))
      expect(indent(indent(text))).toBe(indent(text))
    }),
  )
  expect(indent('{"a":1.0,"b":[],"c":12345678901234567890}')).toBe(
    '{\n  "a": 1.0,\n  "b": [],\n  "c": 12345678901234567890\n}',
  )
})

const schema = {
  type: 'object',
  required: ['id', 'kind'],
  additionalProperties: false,
  properties: {
    id: { type: 'string', format: 'uuid' },
    kind: { enum: ['a', 'b'] },
    amount: { type: 'number', minimum: 0.5, multipleOf: 0.01 },
    note: { type: 'string', nullable: true, maxLength: 3 },
    to: { anyOf: [{ type: 'string' }, { $ref: '#/$defs/address' }] },
    either: { anyOf: [{ type: 'string' }, { type: 'null' }] },
    code: { type: 'string', pattern: '^[A-Z]+$' },
    list: { type: 'array', minItems: 2, items: { type: 'integer' } },
  },
  $defs: { address: { type: 'object', required: ['street'], properties: { street: { type: 'string' } } } },
}

const id = '6f1f2d0e-6c5b-4a55-9f0e-3b0a4a6d3a0e'

test.each([
  [{ id, kind: 'a' }, []],
  [{ id, kind: 'a', note: null }, []],
  [{ kind: 'c' }, ['/id Is missing.', '/kind Must be one of "a", "b".']],
  [{ id: 'x', kind: 'a' }, ['/id Must be a UUID.']],
  [{ id, kind: 'a', more: 1 }, ['/more Isn’t allowed here.']],
  [{ id, kind: 'a', amount: 0.25 }, ['/amount Must be at least 0.5.']],
  [{ id, kind: 'a', amount: '7' }, ['/amount Must be a number, but is text.']],
  [{ id, kind: 'a', note: 'long' }, ['/note Must have at most 3 characters.']],
  [{ id, kind: 'a', to: { city: 'x' } }, ['/to/street Is missing.']],
  [{ id, kind: 'a', either: 1 }, ['/either Must be text or null, but is a number.']],
  [{ id, kind: 'a', code: 'x' }, ['/code Must match the pattern ^[A-Z]+$.']],
  [
    { id, kind: 'a', list: ['x'] },
    ['/list Must have at least 2 items.', '/list/0 Must be a whole number, but is text.'],
  ],
])('%j is told %j', (value, expected) => {
  const problems = checkBy(schema)(value)
  expect(problems.map(({ pointer, text }) => `${pointer} ${text}`)).toEqual(expected)
})

test('a problem is placed in the line of its value', () => {
  const text = JSON.stringify({ id, kind: 'c' }, null, 2)
  expect(place(text, checkBy(schema)(JSON.parse(text)))).toMatchObject([{ line: 3, path: 'kind' }])
})

test('a schema that leads nowhere is not checked, and is left as it was', () => {
  expect(checkIfPossible({ $ref: '#/nowhere' })).toBeNull()
  const before = structuredClone(schema)
  checkIfPossible(schema)?.({})
  expect(schema).toEqual(before)
})
