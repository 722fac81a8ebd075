import { catalogue } from '../strings/en/catalogue.ts'
import type { OutlineRule } from './outline.ts'

/** A limit in words, and what is shown behind it as code. */
export type RuleWords = { readonly text: string; readonly code: string | null }

const words = catalogue.rules

/** The limits of a value as people say them: `1 to 64 characters`, `more than 0`. */
export function wordsForRules(rules: readonly OutlineRule[]): RuleWords[] {
  const given = new Map(rules.map(({ keyword, value }) => [keyword, value]))
  const number = (keyword: string) => {
    const value = given.get(keyword)
    return typeof value === 'number' ? value : undefined
  }
  const said: RuleWords[] = []
  const say = (text: string, code: string | null = null) => said.push({ text, code })
  const amount = (min: string, max: string, write: (limits: readonly [number?, number?]) => string) => {
    const limits = [number(min), number(max)] as const
    if (limits[0] === 0 && limits[1] === undefined) return
    if (limits[0] !== undefined || limits[1] !== undefined) say(write(limits))
  }
  amount('minLength', 'maxLength', limits => words.length([limits[0], limits[1]]))
  const pattern = given.get('pattern')
  if (typeof pattern === 'string') say(words.pattern, pattern)
  sayRange(number, say)
  const multiple = number('multipleOf')
  if (multiple !== undefined) say(words.multiple(String(multiple)))
  amount('minItems', 'maxItems', limits => words.items([limits[0], limits[1]]))
  if (given.has('uniqueItems')) say(words.unique)
  amount('minProperties', 'maxProperties', limits => words.members([limits[0], limits[1]]))
  for (const [name, others] of Object.entries((given.get('dependentRequired') as object | undefined) ?? {})) {
    say(words.needs(name, Array.isArray(others) ? others.join(', ') : String(others)))
  }
  const encoding = given.get('contentEncoding')
  if (typeof encoding === 'string') say(words.encoding(encoding))
  const media = given.get('contentMediaType')
  if (typeof media === 'string') say(words.media(media))
  if (given.has('default')) say(words.standard, JSON.stringify(given.get('default')))
  const examples = given.get('examples')
  if (Array.isArray(examples) && examples.length > 0) {
    say(
      words.such,
      examples
        .slice(0, 3)
        .map(one => JSON.stringify(one))
        .join(', '),
    )
  }
  for (const [keyword, text] of SCHEMAS) if (given.has(keyword)) say(text, JSON.stringify(given.get(keyword)))
  if (given.has('closed')) say(words.closed)
  return said
}

/** Keywords whose value is a schema that no words can say. */
const SCHEMAS: readonly (readonly [keyword: string, text: string])[] = [
  ['contains', words.contains],
  ['propertyNames', words.names],
  ['dependentSchemas', words.dependent],
  ['if', words.ifSo],
  ['then', words.thenSo],
  ['else', words.otherwise],
  ['not', words.not],
]

function sayRange(number: (keyword: string) => number | undefined, say: (text: string) => void): void {
  const [min, max] = [number('minimum'), number('maximum')]
  if (min !== undefined && max !== undefined) say(words.between(String(min), String(max)))
  else if (min !== undefined) say(words.min(String(min)))
  else if (max !== undefined) say(words.max(String(max)))
  const [above, below] = [number('exclusiveMinimum'), number('exclusiveMaximum')]
  if (above !== undefined) say(words.above(String(above)))
  if (below !== undefined) say(words.below(String(below)))
}
