/** Filters and payloads out of few words, so that they often have to do with each other. */
import fc from 'fast-check'
import type { PayloadFilter } from '../../../src/base/model.ts'

const TEXTS = ['a', 'ab', 'ba', 'aba', 'A', 'ſ', 's', 'k', '\u212a', 'ß', '𐐀', '𐐨']
const scalar = fc.constantFrom<unknown>(...TEXTS, '', 0, 1, 2, 2.5, -1, true, false, null)

/** Members that payloads have: the first ones often. */
const NAMES = ['a', 'a', 'a', 'a', 'b', 'b', 'prefix', 'exists', 'not', '$not', '$a', '$$a', 'constructor', '__proto__']
const written = (name: string) => (name.startsWith('$') ? `$${name}` : name)

const entriesOf = (names: readonly string[], value: fc.Arbitrary<unknown>, maxLength: number, minLength = 1) =>
  fc.uniqueArray(fc.tuple(fc.constantFrom(...names), value), { minLength, maxLength, selector: ([name]) => name })

// Payloads

const valueAt = (depth: number): fc.Arbitrary<unknown> =>
  depth === 0
    ? scalar
    : fc.oneof(
        { arbitrary: scalar, weight: 3 },
        { arbitrary: fc.array(valueAt(depth - 1), { maxLength: 3 }), weight: 3 },
        { arbitrary: payloadOf(depth - 1), weight: 2 },
      )
const payloadOf = (depth: number): fc.Arbitrary<unknown> =>
  entriesOf(NAMES, valueAt(depth), 4, 0).map(entries => Object.fromEntries(entries))

export const payloads = payloadOf(3)
/** What a member can have. Undefined stands for a missing one. */
export const values = fc.option(valueAt(3), { nil: undefined, freq: 6 })

// Filters

const list = fc.array(scalar, { minLength: 1, maxLength: 3 })
const text = fc.oneof(
  fc.constantFrom<unknown>(...TEXTS),
  fc.array(fc.constantFrom(...TEXTS), { minLength: 2, maxLength: 3 }),
)
const pattern = fc.constantFrom<unknown>('*', 'a*', '*a', '*a*', 'a*a', '*a*b*', '**', 'ab', ['a*', '*b'])
const operator = fc.oneof(
  fc.tuple(fc.constantFrom('exists', '$exists'), fc.boolean()),
  fc.tuple(fc.constantFrom('prefix', '$prefix', '$suffix', '$contains', '$equalsIgnoreCase'), text),
  fc.tuple(fc.constant('$wildcard'), pattern),
  fc.tuple(fc.constantFrom('gt', '$gt', 'gte', '$lt', 'lte', '$lte'), fc.constantFrom(0, 1, 2.5)),
)

/** `exists` and `$exists` don't stand in one object, and a list is no member's condition where it is an operator's. */
function toObject(entries: readonly (readonly [string, unknown])[], isRoot: boolean): object {
  const object: Record<string, unknown> = Object.create(null)
  for (const [name, value] of entries) {
    const isOperator = /^\$[^$]/.test(name)
    if (isOperator && name.slice(1) in object) continue
    if (!isOperator && `$${name}` in object && !name.startsWith('$')) continue
    const isList = Array.isArray(value) && !isRoot
    const isMember = name === 'exists' || (name === 'prefix' && isList && !value.every(each => TEXTS.includes(each)))
    object[name] = isList && isMember ? { anyOf: value } : value
  }
  return Object.fromEntries(Object.entries(object))
}

const conditionOf = (depth: number): fc.Arbitrary<unknown> => {
  const operators = fc.array(operator, { minLength: 1, maxLength: 2 })
  const simple = operators.map(entries => toObject(entries, false))
  if (depth === 0) return fc.oneof(list, simple)
  const inner = conditionOf(depth - 1)
  const anyOf = fc.tuple(
    fc.constant('anyOf'),
    fc.array(fc.oneof(scalar, inner, inner), { minLength: 1, maxLength: 3 }) as fc.Arbitrary<unknown>,
  )
  const not = fc.tuple(fc.constant('$not'), inner)
  const members = entriesOf(NAMES.map(written), inner, 2)
  const some = fc.oneof(
    operators,
    fc.tuple(anyOf),
    fc.tuple(not),
    members,
    fc.tuple(operator, not),
    fc.tuple(anyOf, not),
    fc.tuple(members, not).map(([entries, one]) => [...entries, one]),
    fc.tuple(members, operator).map(([entries, one]) => [...entries, one]),
  )
  return fc.oneof({ arbitrary: list, weight: 2 }, { arbitrary: some.map(each => toObject(each, false)), weight: 5 })
}

const rootOf = (depth: number): fc.Arbitrary<unknown> => {
  const members = entriesOf(NAMES.map(written), conditionOf(2), 2)
  if (depth === 0) return members.map(entries => toObject(entries, true))
  const inner = rootOf(depth - 1)
  const anyOf = fc.tuple(fc.constant('anyOf'), fc.array(inner, { minLength: 1, maxLength: 2 }) as fc.Arbitrary<unknown>)
  const not = fc.tuple(fc.constant('$not'), inner)
  return fc
    .oneof(members, members, fc.tuple(anyOf), fc.tuple(not), fc.tuple(anyOf, not))
    .map(entries => toObject(entries, true))
}

/** Of any shape that the language allows; some hold for nothing. */
export const conditions = conditionOf(2)
export const filters = rootOf(1) as fc.Arbitrary<PayloadFilter>
