import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { pathsOf } from '../src/catalogue/example.tsx'
import { outlineOf } from '../src/catalogue/outline.ts'
import { LANGUAGES } from '../src/catalogue/receiver-code.ts'
import { wordsForRules } from '../src/catalogue/rule-words.ts'
import { piecesOf } from '../src/lib/highlight.ts'
import { linesOf } from '../src/lib/json-lines.ts'

const said = (schema: unknown) =>
  wordsForRules(outlineOf(schema).rules).map(({ text, code }) => (code === null ? text : `${text} ${code}`))

describe('the limits of a value in words', () => {
  test.each([
    [{ minLength: 1, maxLength: 64 }, ['1 to 64 characters']],
    [{ minLength: 2, maxLength: 2 }, ['exactly 2 characters']],
    [{ minLength: 0 }, []],
    [{ maxItems: 1, uniqueItems: true }, ['at most 1 item', 'no item twice']],
    [{ minimum: 0, exclusiveMaximum: 1 }, ['0 or more', 'less than 1']],
    [{ minimum: 1, maximum: 9, multipleOf: 0.5 }, ['1 to 9', 'a multiple of 0.5']],
    [{ allOf: [{ maximum: 9 }, { maximum: 5 }, { minimum: 1 }, { minimum: 2 }] }, ['2 to 5']],
    [{ pattern: '^a$', default: 'a', examples: ['a', 'b'] }, ['matches ^a$', 'default "a"', 'such as "a", "b"']],
    [{ not: { required: ['a'] }, additionalProperties: false }, ['is not {"required":["a"]}', 'no other members']],
    [{ dependentRequired: { a: ['b', 'c'] } }, ['a only together with b, c']],
  ])('%j', (schema, words) => {
    expect(said(schema)).toEqual(words)
  })
})

test('each line of an example knows where it stands', () => {
  const paths = pathsOf(linesOf({ a: [1, { b: 2 }], c: {} })).map(path => path.join('/'))
  expect(paths).toEqual(['', 'a', 'a/0', 'a/1', 'a/1/b', 'a/1', 'a', 'c', ''])
})

describe('coloured code', () => {
  test.each(LANGUAGES)('in $name is the same code', ({ id, code }) => {
    const pieces = piecesOf(code, id)
    expect(pieces.map(({ text }) => text).join('')).toBe(code)
    // A text that isn't closed would take the rest of the file.
    expect(Math.max(...pieces.filter(({ kind }) => kind === 'text').map(({ text }) => text.length))).toBeLessThan(120)
    expect(pieces.some(({ kind }) => kind === 'comment')).toBe(true)
  })
})

test('what shows an event type calls no API and knows no page', () => {
  const folder = new URL('../src/catalogue/', import.meta.url)
  for (const name of readdirSync(folder).filter(file => /\.tsx?$/.test(file))) {
    expect(readFileSync(new URL(name, folder), 'utf8'), name).not.toMatch(
      /from '\.\.\/(app|pages)\/|@posthorn\/client'/,
    )
  }
})
