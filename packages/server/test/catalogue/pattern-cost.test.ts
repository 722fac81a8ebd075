import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isProvenLinear } from '../../src/catalogue/pattern-cost.ts'
import { type PatternNode, readPattern } from '../../src/catalogue/pattern-syntax.ts'

describe('a pattern is proven to be linear', () => {
  it.each([
    '',
    'foo|bar',
    '\\S',
    '[0-9]+',
    '^[0-9]+$',
    '^.*foo$',
    '^a{0,1000}$',
    '^a*b*c*$',
    '^[\\p{L} ]+$',
    '^[a-z0-9]+(?:-[a-z0-9]+)*$',
    '^[^@\\s]+@[^@\\s.]+(\\.[^@\\s.]+)+$',
    '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
    '^[A-Z]{2}\\d{2}[A-Z0-9]{11,30}$',
    '^([^,]*,){5}[^,]*$',
  ])('%s', pattern => {
    expect(isProvenLinear(pattern)).toBe(true)
  })
})

describe('a pattern is not proven to be linear', () => {
  it.each([
    '^(a+)+$',
    '^(a*)*$',
    '^(a|a)*$',
    '^(|a)+$',
    '(a|aa)+$',
    '[0-9]+$',
    '^a*a*$',
    '^(.*,){5}.*$',
    '^(a?){30}a{30}$',
    '^(a{0,50}){0,50}$',
    '^[\\p{L}]+[\\p{N}]+$',
    '^[^\\P{L}]+[^\\P{L}]+$',
    '^(?=a)b',
    '(a)\\1',
    '(?<name>a)\\k<name>',
    '^(?i:a)+$',
    '(unclosed',
  ])('%s', pattern => {
    expect(isProvenLinear(pattern)).toBe(false)
  })
})

/** The steps of a matcher that tries one way after the other, for a text without a match. Infinite beyond `most`. */
function stepsOfFailure(pattern: PatternNode, text: string, most: number): number {
  let steps = 0
  type Next = (at: number) => boolean
  const match = (node: PatternNode, at: number, next: Next): boolean => {
    if (++steps > most) return true
    switch (node.kind) {
      case 'edge':
        return (!node.isStart || at === 0) && next(at)
      case 'set': {
        const code = text.codePointAt(at)
        return code !== undefined && node.set.some(([from, to]) => from <= code && code <= to) && next(at + 1)
      }
      case 'sequence': {
        const from = (index: number, place: number): boolean =>
          index === node.parts.length ? next(place) : match(node.parts[index]!, place, end => from(index + 1, end))
        return from(0, at)
      }
      case 'choice':
        return node.options.some(option => match(option, at, next))
      case 'repeat': {
        const again = (times: number, place: number): boolean => {
          const goesOn = times < node.most && match(node.part, place, end => end > place && again(times + 1, end))
          return goesOn || (times >= node.least && next(place))
        }
        return again(0, at)
      }
    }
  }
  for (let at = 0; at <= text.length && steps <= most; at++) match(pattern, at, () => false)
  return steps > most ? Number.POSITIVE_INFINITY : steps
}

it('a matcher needs exponentially many steps for a pattern that is not proven, so that the next test can fail', () => {
  expect(stepsOfFailure(readPattern('^(a+)+')!, 'a'.repeat(24), 100_000)).toBe(Number.POSITIVE_INFINITY)
})

it('whatever is proven takes a matcher no more than some hundred steps for each character', () => {
  const atom = fc.constantFrom('a', 'b', '[ab]', '[^a]', '.', '\\w')
  const pattern = fc.letrec<{ node: string }>(tie => ({
    node: fc.oneof(
      { maxDepth: 3 },
      atom,
      fc.tuple(atom, fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '{2,}')).map(parts => parts.join('')),
      fc.tuple(tie('node'), fc.constantFrom('*', '+', '?', '{2}', '{0,2}')).map(([node, mark]) => `(${node})${mark}`),
      fc.tuple(tie('node'), tie('node')).map(parts => parts.join('')),
      fc.tuple(tie('node'), tie('node')).map(([one, other]) => `(?:${one}|${other})`),
    ),
  })).node
  const text = fc.oneof(
    fc
      .tuple(fc.constantFrom('a', 'b', 'ab', 'aab', 'ba'), fc.constantFrom('', 'c', '\n'))
      .map(([part, end]) => part.repeat(60) + end),
    fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 40, maxLength: 60 }),
  )
  fc.assert(
    fc.property(pattern, fc.boolean(), text, (body, isAnchored, subject) => {
      const source = isAnchored ? `^${body}$` : body
      fc.pre(isProvenLinear(source))
      // A pattern without an end always matches somewhere, which ends the search sooner than this does.
      fc.pre(isAnchored || !/[*+]|,\}/.test(source))
      const most = 400 * (subject.length + 1) + 20_000
      return stepsOfFailure(readPattern(source)!, subject, most) <= most
    }),
    { numRuns: 2_000 },
  )
})
