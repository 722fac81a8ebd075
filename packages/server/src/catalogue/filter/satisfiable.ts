/**
 * Finds conditions that no payload satisfies: most are mistakes, and an endpoint would wait in vain. Only what is certain
 * counts, so a condition that is not found here can still be one.
 */
import { isObject, isRange, type Operator, type TextOperator, wordOf } from './language.ts'
import { createTextTests } from './texts.ts'
import {
  complement,
  EVERYTHING,
  intersect,
  isComplete,
  isEmpty,
  NOTHING,
  type TextFact,
  unite,
  type Values,
  valuesInRange,
  valuesOf,
} from './values.ts'

/** What a condition can hold for. */
export type Facts = {
  /** At most these values, and elements of arrays. Without a `$not`, exactly these. */
  readonly values: Values
  /** Whether a `$not` tests the whole array that an element belongs to. */
  readonly asksWhole: boolean
  /** Whether it can, and whether it must, hold for an array regardless of its elements. */
  readonly canBeArray: boolean
  readonly isAnyArray: boolean
}

const ofValues = (values: Values): Facts => ({ values, asksWhole: false, canBeArray: false, isAnyArray: false })

/** Answers about the conditions of one filter, each of which is looked at once. The filter is otherwise sound. */
export class Satisfiable {
  readonly #known = new Map<object, Facts>()

  /** Whether a payload could satisfy it, as far as that can be told. */
  condition(condition: unknown, isRoot: boolean): boolean {
    const { values, canBeArray } = this.facts(condition, isRoot)
    return isRoot ? values.objects !== 'none' : canBeArray || !isEmpty(values)
  }

  facts(condition: unknown, isRoot: boolean): Facts {
    if (typeof condition !== 'object' || condition === null) return ofValues(valuesOf([condition]))
    const known = this.#known.get(condition)
    if (known !== undefined) return known
    const facts = isObject(condition) ? this.#object(condition, isRoot) : ofValues(valuesOf(condition as unknown[]))
    this.#known.set(condition, facts)
    return facts
  }

  #object(condition: Readonly<Record<string, unknown>>, isRoot: boolean): Facts {
    const all: Facts[] = []
    const members = new Map<string, unknown>()
    const excluded: unknown[] = []
    const bounds: Record<string, unknown> = {}
    for (const [name, value] of Object.entries(condition)) {
      const word = wordOf(name, value, isRoot)
      if (word.kind !== 'operator') {
        members.set(word.name, value)
        all.push(this.#member(value))
      } else if (isRange(word.operator)) bounds[word.operator] = value
      else {
        if (word.operator === 'not') excluded.push(value)
        all.push(this.#operator(word.operator, value, isRoot))
      }
    }
    if (Object.keys(bounds).length > 0) all.push(ofValues(valuesInRange(bounds)))
    if (excluded.some(each => this.#excludesMember(each, members, isRoot))) all.push(ofValues(NO_OBJECTS))
    return {
      values: all.reduce((values, each) => intersect(values, each.values), EVERYTHING),
      asksWhole: all.some(each => each.asksWhole),
      canBeArray: all.every(each => each.canBeArray),
      isAnyArray: all.every(each => each.isAnyArray),
    }
  }

  #operator(operator: Operator, value: unknown, isRoot: boolean): Facts {
    if (operator === 'anyOf') return this.#anyOf(value as readonly unknown[], isRoot)
    if (operator === 'not') return this.#not(this.facts(value, isRoot))
    if (operator !== 'exists') return ofValues(valuesOfTexts(operator as TextOperator, [value].flat() as string[]))
    return value === true ? { ...ofValues(THERE), canBeArray: true, isAnyArray: true } : ofValues(MISSING)
  }

  #anyOf(alternatives: readonly unknown[], isRoot: boolean): Facts {
    const all = alternatives.map(each => this.facts(each, isRoot))
    return {
      values: all.reduce((values, each) => unite(values, each.values), NOTHING),
      asksWhole: all.some(each => each.asksWhole),
      canBeArray: all.some(each => each.canBeArray),
      isAnyArray: all.some(each => each.isAnyArray),
    }
  }

  /** An element that satisfies the condition makes its array satisfy it too, unless the condition has a `$not` again. */
  #not({ values, asksWhole, canBeArray, isAnyArray }: Facts): Facts {
    const canBeElement = !isEmpty(intersect(values, THERE))
    return {
      values: asksWhole ? EVERYTHING : complement(values),
      asksWhole: true,
      canBeArray: !isAnyArray,
      isAnyArray: !canBeArray && !canBeElement,
    }
  }

  #member(condition: unknown): Facts {
    const { values, asksWhole, canBeArray, isAnyArray } = this.facts(condition, false)
    const isAlways = !asksWhole && isAnyArray && isComplete(values)
    const objects = isAlways ? 'all' : canBeArray || !isEmpty(values) ? 'some' : 'none'
    return ofValues({ ...(values.atoms.has('missing') ? EVERYTHING : NOTHING), objects })
  }

  /** Whether `{"a": A, "$not": {"a": B}}` asks of a member `a` what it excludes. */
  #excludesMember(excluded: unknown, members: ReadonlyMap<string, unknown>, isRoot: boolean): boolean {
    if (!isObject(excluded)) return false
    const [entry, ...others] = Object.entries(excluded)
    if (entry === undefined || others.length > 0) return false
    const word = wordOf(entry[0], entry[1], isRoot)
    if (word.kind === 'operator' || !members.has(word.name)) return false
    return !this.condition({ anyOf: [members.get(word.name)], $not: entry[1] }, false)
  }
}

const MISSING: Values = { ...NOTHING, atoms: new Set(['missing']) }
const THERE: Values = complement(MISSING)
const NO_OBJECTS: Values = { ...EVERYTHING, objects: 'none' }

function valuesOfTexts(operator: TextOperator, texts: readonly string[]): Values {
  const { strings: all } = EVERYTHING
  if (operator !== 'wildcard') return { ...NOTHING, strings: { without: new Set(), tests: [factOf(operator, texts)] } }
  if (texts.some(text => /^\*+$/.test(text))) return { ...NOTHING, strings: all }
  if (texts.every(text => !text.includes('*'))) return { ...NOTHING, strings: { only: new Set(texts) } }
  return { ...NOTHING, strings: { without: new Set(), tests: [factOf(operator, texts)] } }
}

function factOf(operator: TextOperator, texts: readonly string[]): TextFact {
  const { fits } = createTextTests(operator, texts)
  const fact = { key: `${operator} ${JSON.stringify([...texts].sort())}`, fits, ...lengthsOf(operator, texts) }
  if (operator === 'prefix') return { ...fact, starts: texts }
  if (operator === 'suffix') return { ...fact, ends: texts }
  if (operator !== 'wildcard') return fact
  const parts = texts.map(text => text.split('*'))
  return { ...fact, starts: parts.map(part => part[0]!), ends: parts.map(part => part.at(-1)!) }
}

/** In characters, not UTF-16 units. */
function lengthsOf(operator: TextOperator, texts: readonly string[]): Pick<TextFact, 'shortest' | 'longest'> {
  // Halves of a character on both sides of a `*` could be one.
  if (!texts.every(text => text.isWellFormed())) return {}
  const lengths = texts.map(text => Array.from(operator === 'wildcard' ? text.replaceAll('*', '') : text).length)
  const shortest = Math.min(...lengths)
  return operator === 'equalsIgnoreCase' ? { shortest, longest: Math.max(...lengths) } : { shortest }
}
