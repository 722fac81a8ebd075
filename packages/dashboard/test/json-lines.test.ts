import fc from 'fast-check'
import { expect, test } from 'vitest'
import { firstFolds, type JsonLine, linesOf, readLines, scalar, visibleLines } from '../src/lib/json-lines.ts'

/** The text that the lines show. The comma of an `open` is shown only while it is folded. */
const textOf = (lines: readonly JsonLine[]) =>
  lines
    .map(
      ({ key, kind, text, comma }) =>
        `${key === undefined ? '' : `${key}:`}${text}${comma && kind !== 'open' ? ',' : ''}`,
    )
    .join('')

test('the lines of a value are its JSON', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), value => {
      const lines = linesOf(value)
      expect(textOf(lines)).toBe(JSON.stringify(value))
      for (const line of lines) {
        if (line.kind === 'open') expect(lines[line.end]).toMatchObject({ kind: 'close', depth: line.depth })
      }
    }),
  )
})

test('a folded value hides what is in it, and its end', () => {
  const lines = linesOf({ a: [1, 2], b: 3 })
  expect(visibleLines(lines, new Set([1])).map(index => lines[index]?.text)).toEqual(['{', '[', '3', '}'])
})

test('a value nested deeper than the stack has lines', () => {
  let value: unknown = 1
  for (let depth = 0; depth < 100_000; depth++) value = [value]
  expect(linesOf(value)).toHaveLength(200_001)
})

test('a large value is folded where it is deep or long, a small one nowhere', () => {
  expect(firstFolds(linesOf({ a: [1, 2] })).size).toBe(0)
  const lines = linesOf({ long: Array.from({ length: 500 }, (_, index) => index), short: [1] })
  expect([...firstFolds(lines)].map(index => lines[index]?.key)).toEqual(['"long"'])
})

test('numbers that JavaScript can’t hold are shown as they are written', () => {
  const texts = ['12345678901234567890', '1.10', '1e400', '-0', '0.1', '7']
  const lines = readLines(`[${texts.join(',')}]`)
  expect(lines.slice(1, -1).map(({ text, kind }) => [text, kind])).toEqual(texts.map(text => [text, 'number']))
  expect(() => readLines('{')).toThrow(SyntaxError)
  const deep = 20_000
  expect(readLines('['.repeat(deep) + ']'.repeat(deep))).toHaveLength(2 * deep - 1)
})

test('characters that aren’t seen, or that turn text around, are shown as escapes', () => {
  expect(scalar('\u202etxt.exe')).toBe('"\\u202etxt.exe"')
  expect(linesOf({ '\u200bkey': 'äöü' }).map(({ key, text }) => [key, text])[1]).toEqual(['"\\u200bkey"', '"äöü"'])
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      expect(JSON.parse(scalar(text))).toBe(text)
      expect(scalar(text)).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u200b-\u200f]/)
    }),
  )
})
